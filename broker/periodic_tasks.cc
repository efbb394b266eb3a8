// SPDX-License-Identifier: Apache-2.0
#include "broker/periodic_tasks.h"

#include <algorithm>
#include <exception>

#include <pthread.h>

#include "base/assert.h"
#include "base/log.h"

namespace skylark::broker {

PeriodicTasks::~PeriodicTasks() { stop(); }

void PeriodicTasks::add(std::string name, std::chrono::milliseconds interval, std::function<void()> task) {
  SKYLARK_ASSERT(!thread_.joinable(), "tasks are added before the start");
  tasks_.push_back({std::move(name), interval, std::move(task), {}});
}

void PeriodicTasks::start() {
  if (tasks_.empty() || thread_.joinable()) return;
  const auto now = std::chrono::steady_clock::now();
  for (Task& task : tasks_) task.due = now + task.interval;
  thread_ = std::thread([this] { loop(); });
}

void PeriodicTasks::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PeriodicTasks::loop() {
  ::pthread_setname_np(::pthread_self(), "periodic");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::min_element(tasks_.begin(), tasks_.end(), [](const Task& a, const Task& b) { return a.due < b.due; });
    if (wake_.wait_until(lock, next->due, [this] { return stopping_; })) return;
    lock.unlock();
    try {
      next->run();
    } catch (const std::exception& failure) {
      log::error("periodic task {}: {}", next->name, failure.what());
    }
    next->due = std::chrono::steady_clock::now() + next->interval;
    lock.lock();
  }
}

}  // namespace skylark::broker
