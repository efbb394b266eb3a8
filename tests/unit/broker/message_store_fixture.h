// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/message_store.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {

/// Small files, so that a test with a few hundred messages crosses their borders.
[[nodiscard]] MessageStoreOptions small_store_options(const std::string& root);

/// A store of its own in a temporary folder, on the real disk unless told otherwise, by a clock that stands still.
class StoreFixture {
 public:
  using Change = void (*)(MessageStoreOptions&);
  explicit StoreFixture(Change change = nullptr);
  ~StoreFixture();

  MessageStore* operator->() { return store_.get(); }
  MessageStore& store() { return *store_; }
  ManualClock& clock() { return clock_; }
  [[nodiscard]] const std::string& root() const { return options_.root; }
  MessageStoreOptions& options() { return options_; }
  FileSystem& files() { return *files_; }

  /// Called with each store from now on before it starts.
  void prepare(std::function<void(MessageStore&)> preparation) { preparation_ = std::move(preparation); }
  /// Stops cleanly and starts again.
  void restart();
  void stop();
  /// Starts again what was stopped.
  void start();
  [[nodiscard]] Result<void> try_start();

  PutResult put(std::string_view topic, std::int32_t queue_id, std::string_view body, std::string_view properties = {});
  /// Waits until everything confirmed is entered into the queues.
  void await_dispatch();
  /// Bodies of all messages of a queue, pulled as a consumer does.
  [[nodiscard]] std::vector<std::string> bodies(std::string_view topic, std::int32_t queue_id);

 private:
  TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<FileSystem> files_;
  MessageStoreOptions options_;
  std::function<void(MessageStore&)> preparation_;
  std::unique_ptr<MessageStore> store_;
};

/// A message with the fields that a test cares about; the texts must outlive it.
[[nodiscard]] PutMessage message(std::string_view topic, std::int32_t queue_id, std::string_view body, std::string_view properties = {});

}  // namespace skylark::broker
