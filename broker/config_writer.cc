// SPDX-License-Identifier: Apache-2.0
#include "broker/config_writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <pthread.h>

#include "base/assert.h"
#include "base/error.h"

namespace skylark::broker {

ConfigTable::ConfigTable(ConfigWriter& writer, std::function<Result<void>()> write) : writer_(writer), write_(std::move(write)) {
  SKYLARK_ASSERT(!writer_.thread_.joinable(), "tables are made before the start");
  writer_.tables_.push_back(this);
}

void ConfigTable::changed() {
  {
    const std::lock_guard lock(writer_.mutex_);
    ++changes_;
    writer_.asked_ = true;
  }
  writer_.wake_.notify_one();
}

void ConfigTable::when_written(std::function<void(const Result<void>&)> done) {
  constexpr std::size_t kWaitingMax = 100'000;  // Requests without an answer, of some hundred bytes each.
  Result<void> now;
  {
    const std::lock_guard lock(writer_.mutex_);
    if (written_ != changes_) {
      if (!writer_.stopping_ && waiting_.size() < kWaitingMax) {
        waiting_.push_back({changes_, std::move(done)});
        writer_.asked_ = true;  // The last write may have failed.
        writer_.wake_.notify_one();
        return;
      }
      now = make_error_code(writer_.stopping_ ? Errc::closed : Errc::busy);
    }
  }
  done(now);
}

ConfigWriter::~ConfigWriter() { SKYLARK_ASSERT(!thread_.joinable(), "the writer was not stopped"); }

void ConfigWriter::start() {
  thread_ = std::thread([this] { loop(); });
}

void ConfigWriter::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (ConfigTable* table : tables_) ++table->changes_;
  }
  wake_.notify_one();
  thread_.join();
  write_changed();
}

void ConfigWriter::loop() {
  ::pthread_setname_np(::pthread_self(), "config-writer");
  constexpr std::chrono::seconds kRetryDelay{10};
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kRetryDelay, [this] { return asked_ || stopping_; });
    if (stopping_) return;
    asked_ = false;
    lock.unlock();
    write_changed();
    lock.lock();
  }
}

void ConfigWriter::write_changed() {
  const std::lock_guard one_at_a_time(writing_);
  for (ConfigTable* table : tables_) write_one(*table);
}

void ConfigWriter::write_one(ConfigTable& table) {
  std::unique_lock lock(mutex_);
  const std::uint64_t change = table.changes_;
  if (table.written_ == change) return;
  lock.unlock();
  const Result<void> result = table.write_();  // All that was told until `change` is in it.
  lock.lock();
  if (result) table.written_ = change;
  auto& waiting = table.waiting_;  // In order of their changes.
  const auto later = std::find_if(waiting.begin(), waiting.end(), [change](const auto& one) { return one.change > change; });
  const std::vector<ConfigTable::Waiting> answered(std::make_move_iterator(waiting.begin()), std::make_move_iterator(later));
  waiting.erase(waiting.begin(), later);
  lock.unlock();
  for (const auto& one : answered) one.done(result);
}

}  // namespace skylark::broker
