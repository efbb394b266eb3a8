// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include <fmt/core.h>

#include "base/error.h"
#include "consumequeue/detail/repair_note.h"

namespace skylark::consumequeue {

std::vector<RepairNote::Entry> RepairNote::read() {
  std::vector<Entry> entries;
  const auto text = system_.read_all(path_);
  if (!text) return entries;
  std::istringstream lines(*text);
  for (Entry entry; lines >> entry.queue_id >> entry.max_offset && lines.get() == ' ' && std::getline(lines, entry.topic);)
    entries.push_back(entry);
  return entries;
}

Result<void> RepairNote::write(std::span<const QueueTable::Doubt> queues) {
  std::string text;
  for (const QueueTable::Doubt& doubt : queues)
    text += fmt::format("{} {} {}\n", doubt.named.queue_id, doubt.max_offset, doubt.named.topic);
  const auto written = system_.write_all(path_, text, true);
  return written ? sync() : written;
}

Result<void> RepairNote::clear() {
  const auto removed = system_.remove(path_);
  if (!removed) return removed.error() == Errc::not_found ? Result<void>() : removed;
  return sync();
}

Result<void> RepairNote::sync() { return system_.sync_folder(path_.substr(0, path_.rfind('/'))); }

}  // namespace skylark::consumequeue
