// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "client/detail/wire_queue.h"
#include "client/message.h"

namespace skylark::client {

/// How far a group has consumed, as this client knows it. Threads: one.
class OffsetStore {
 public:
  /// Raises the offset of a queue, or sets it whatever it was.
  void update(const MessageQueue& queue, std::int64_t offset, bool only_raise);
  [[nodiscard]] std::optional<std::int64_t> find(const MessageQueue& queue) const;
  void remove(const MessageQueue& queue) { offsets_.erase(queue); }
  [[nodiscard]] const OffsetTable& offsets() const noexcept { return offsets_; }

 private:
  OffsetTable offsets_;
};

/// Offsets of a broadcasting group in a file of this machine, in Java's format, so that either client goes on where the other
/// stopped: `<folder>/<client id>/<group>/offsets.json`, and `.bak` with the content before. Source: LocalFileOffsetStore.java.
class OffsetFile {
 public:
  /// `folder` empty: `~/.rocketmq_offsets`.
  OffsetFile(std::string folder, const std::string& client_id, const std::string& group);

  /// No offsets when there is no file. A file that cannot be read gives way to its `.bak`. Errors: `malformed`, `io_error`.
  [[nodiscard]] Result<OffsetTable> load() const;
  /// Replaces the file at once: a crash leaves the old content or the new. Errors: `io_error`.
  [[nodiscard]] Result<void> save(const OffsetTable& offsets) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace skylark::client
