// SPDX-License-Identifier: Apache-2.0
#include "broker/put_waiters.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <pthread.h>

namespace skylark::broker {
namespace {
constexpr std::chrono::milliseconds kTick{10};  // How late a deadline may be noticed.
}  // namespace

PutWaiters::PutWaiters(Clock& clock) : clock_(clock), thread_([this] { run(); }) {}

PutWaiters::~PutWaiters() { stop(); }

bool PutWaiters::settle(Wait& wait, std::int64_t now_ms, bool all) const {
  if (wait.flush_deadline_ms >= 0) {
    if (flushed_ >= wait.end) {
      wait.flush_deadline_ms = -1;
    } else if (all || flush_failed_ || now_ms >= wait.flush_deadline_ms) {
      wait.flush_deadline_ms = -1;
      if (wait.result.status == PutStatus::ok) wait.result.status = PutStatus::flush_disk_timeout;
    }
  }
  if (wait.slave_deadline_ms >= 0) {
    if (replicated_ >= wait.end) {
      wait.slave_deadline_ms = -1;
    } else if (all || now_ms >= wait.slave_deadline_ms) {
      wait.slave_deadline_ms = -1;
      wait.result.status = PutStatus::flush_slave_timeout;
    }
  }
  return wait.flush_deadline_ms < 0 && wait.slave_deadline_ms < 0;
}

std::vector<PutWaiters::Wait> PutWaiters::take_done(std::int64_t now_ms, bool all) {
  const auto done = std::stable_partition(waits_.begin(), waits_.end(), [&](Wait& wait) { return !settle(wait, now_ms, all); });
  std::vector<Wait> taken(std::make_move_iterator(done), std::make_move_iterator(waits_.end()));
  waits_.erase(done, waits_.end());
  return taken;
}

void PutWaiters::answer(std::vector<Wait>& waits) {
  for (Wait& wait : waits) wait.callback(wait.result);
}

void PutWaiters::add(Wait wait) {
  bool done = false, wake = false;
  {
    const std::scoped_lock lock(mutex_);
    done = settle(wait, clock_.steady_ms(), stopping_);
    if (!done) {
      waits_.push_back(std::move(wait));
      wake = std::exchange(resting_, false);
    }
  }
  if (wake) work_.notify_one();
  if (done) wait.callback(wait.result);
}

void PutWaiters::flushed(std::int64_t end) {
  std::vector<Wait> done;
  {
    const std::scoped_lock lock(mutex_);
    flushed_ = std::max(flushed_, end);
    done = take_done(clock_.steady_ms(), false);
  }
  answer(done);
}

void PutWaiters::flush_failed() {
  std::vector<Wait> done;
  {
    const std::scoped_lock lock(mutex_);
    flush_failed_ = true;
    done = take_done(clock_.steady_ms(), false);
  }
  answer(done);
}

void PutWaiters::replicated(std::int64_t end) {
  std::vector<Wait> done;
  {
    const std::scoped_lock lock(mutex_);
    replicated_ = std::max(replicated_, end);
    if (waits_.empty()) return;
    done = take_done(clock_.steady_ms(), false);
  }
  answer(done);
}

void PutWaiters::stop() {
  std::vector<Wait> done;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    done = take_done(clock_.steady_ms(), true);
    work_.notify_one();
  }
  answer(done);
  if (thread_.joinable()) thread_.join();
}

void PutWaiters::run() {
  ::pthread_setname_np(::pthread_self(), "put-deadlines");
  std::unique_lock lock(mutex_);
  for (;;) {
    if (waits_.empty()) {
      resting_ = true;
      work_.wait(lock, [this] { return stopping_ || !resting_; });
    }
    if (stopping_) return;
    auto done = take_done(clock_.steady_ms(), false);
    if (!done.empty()) {
      lock.unlock();
      answer(done);
      lock.lock();
      continue;
    }
    work_.wait_for(lock, kTick, [this] { return stopping_; });
  }
}

}  // namespace skylark::broker
