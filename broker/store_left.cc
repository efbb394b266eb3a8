// SPDX-License-Identifier: Apache-2.0
#include "broker/store_left.h"

#include <unistd.h>

#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"

namespace skylark::broker {
namespace {

/// Of the running system; empty where it does not say.
std::string boot_id(FileSystem& system) {
  auto text = system.read_all("/proc/sys/kernel/random/boot_id");
  if (!text) return {};
  text->resize(std::min(text->find('\n'), text->size()));
  return *text;
}

std::string abort_path(const std::string& root) { return root + "/abort"; }

/// True when the process that left `abort` behind died while this system was running.
bool same_boot(FileSystem& system, const std::string& root) {
  const std::string now = boot_id(system);
  const auto text = system.read_all(abort_path(root));
  if (now.empty() || !text) return false;
  const std::size_t line = text->find('\n');
  return line != std::string::npos && std::string_view(*text).substr(line + 1) == now;
}

}  // namespace

std::string store_ends_path(const std::string& root) { return root + "/storeends"; }

LeftStore look_at_left_store(FileSystem& system, const std::string& root, const commitlog::MappedFileQueue& log,
                             const commitlog::Checkpoint& checkpoint) {
  LeftStore found;
  found.left.crashed = system.exists(abort_path(root));
  found.left.page_cache_survived = found.left.crashed && same_boot(system, root);
  const auto locked = system.modified_ms(root + "/lock");
  found.lock_modified_ms = locked ? *locked : -1;

  const auto mark = checkpoint.durable();
  if (!mark) return found;
  if (mark->lock_modified_ms != found.lock_modified_ms || mark->offset > log.end()) {
    log::warn("store {}: another program had it since it was marked durable up to {}: all of it is looked at", root, mark->offset);
    return found;
  }
  found.left.durable = mark->offset;
  auto ends = consumequeue::load_store_ends(system, store_ends_path(root));
  if (!ends || ends->lock_modified_ms != found.lock_modified_ms || ends->durable_offset > log.end()) return found;
  if (!found.left.crashed && !ends->clean) found.left.crashed = true;  // Somebody removed `abort`.
  found.left.durable = ends->durable_offset;
  found.ends = std::move(ends);
  return found;
}

Result<void> mark_running(FileSystem& system, const std::string& root) {
  return system.write_all(abort_path(root), fmt::format("{}\n{}", ::getpid(), boot_id(system)), true);
}

}  // namespace skylark::broker
