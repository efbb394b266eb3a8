// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/message_store.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::broker {

/// A store on a disk that fails on demand. Small files, so that few messages cross their borders.
class FaultyStore {
 public:
  using Change = void (*)(MessageStoreOptions&);
  explicit FaultyStore(Change change = nullptr);
  ~FaultyStore();

  MessageStore* operator->() { return store_.get(); }
  FaultyFileSystem& disk() { return *disk_; }
  ManualClock& clock() { return clock_; }
  MessageStoreOptions& options() { return options_; }

  void start();
  /// From the next start on the store sees its disk through that file system, which passes on what it does not refuse; null: directly.
  void go_through(FileSystem* system) { system_ = system; }
  [[nodiscard]] Result<void> try_start();
  void stop();
  /// A clean stop, a second after the last change, and a start.
  void restart();
  /// The process dies: what it wrote is there, nothing was tidied up. Followed by `start`.
  void kill();
  /// The machine loses power; by seed, any part of what was not made durable is lost. Followed by `start`.
  void cut_power(std::uint64_t seed);

  PutResult put(std::string_view topic, std::int32_t queue_id, std::string_view body, std::string_view properties = {});
  void await_dispatch();
  /// Makes everything up to now durable, and the store remember so, as it does by itself every ten seconds.
  void make_durable();
  [[nodiscard]] std::string body_at(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset);
  /// Bodies of the messages found by key.
  [[nodiscard]] std::vector<std::string> bodies_by_key(std::string_view topic, std::string_view key);

 private:
  void boot(const std::string& id);
  void replace_disk(std::unique_ptr<FaultyFileSystem> disk);

  ManualClock clock_;
  std::unique_ptr<FaultyFileSystem> disk_;
  FileSystem* system_ = nullptr;
  MessageStoreOptions options_;
  std::unique_ptr<MessageStore> store_;
};

/// A message with the fields that a test cares about; the texts must outlive it.
[[nodiscard]] PutMessage faulty_message(std::string_view topic, std::int32_t queue_id, std::string_view body,
                                        std::string_view properties = {});

}  // namespace skylark::broker
