// SPDX-License-Identifier: Apache-2.0
#include "client/detail/offset_store.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/offsets.h"

namespace skylark::client {

namespace {

namespace fs = std::filesystem;

std::string default_folder() {
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.rocketmq_offsets";
}

Result<OffsetTable> read_offsets(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return make_error_code(Errc::io_error);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return make_error_code(Errc::io_error);
  const auto body = decode_body<ResetOffsetBody>(content);  // The same `offsetTable`.
  if (!body) return body.error();
  return from_wire(body->offsets);
}

}  // namespace

void OffsetStore::update(const MessageQueue& queue, std::int64_t offset, bool only_raise) {
  const auto [entry, added] = offsets_.try_emplace(queue, offset);
  if (!added) entry->second = only_raise ? std::max(entry->second, offset) : offset;
}

std::optional<std::int64_t> OffsetStore::find(const MessageQueue& queue) const {
  const auto found = offsets_.find(queue);
  if (found == offsets_.end()) return std::nullopt;
  return found->second;
}

OffsetFile::OffsetFile(std::string folder, const std::string& client_id, const std::string& group)
    : path_((folder.empty() ? default_folder() : std::move(folder)) + "/" + client_id + "/" + group + "/offsets.json") {}

Result<OffsetTable> OffsetFile::load() const {
  std::error_code ignored;
  const bool exists = fs::exists(path_, ignored);
  const bool backup_exists = fs::exists(path_ + ".bak", ignored);
  if (!exists && !backup_exists) return OffsetTable();
  if (exists) {
    auto offsets = read_offsets(path_);
    if (offsets || !backup_exists) return offsets;
  }
  return read_offsets(path_ + ".bak");
}

Result<void> OffsetFile::save(const OffsetTable& offsets) const {
  ResetOffsetBody body;
  body.offsets = to_wire(offsets);
  std::error_code failed;
  fs::create_directories(fs::path(path_).parent_path(), failed);
  if (failed) return make_error_code(Errc::io_error);
  {
    std::ofstream file(path_ + ".tmp", std::ios::binary | std::ios::trunc);
    file << json::write(body.to_json());
    file.flush();
    if (!file) return make_error_code(Errc::io_error);
  }
  if (fs::exists(path_, failed)) fs::copy_file(path_, path_ + ".bak", fs::copy_options::overwrite_existing, failed);
  fs::rename(path_ + ".tmp", path_, failed);
  if (failed) return make_error_code(Errc::io_error);
  return {};
}

}  // namespace skylark::client
