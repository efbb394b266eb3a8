// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace skylark::broker {

/// One thread that runs short tasks at fixed intervals: sweeps, expiry, persisting. A task that blocks delays the others.
/// Life: `add` before `start`; `stop` joins after the running task. Exceptions of a task are logged.
class PeriodicTasks {
 public:
  PeriodicTasks() = default;
  ~PeriodicTasks();
  PeriodicTasks(const PeriodicTasks&) = delete;
  PeriodicTasks& operator=(const PeriodicTasks&) = delete;

  void add(std::string name, std::chrono::milliseconds interval, std::function<void()> task);
  void start();
  void stop();

 private:
  struct Task {
    std::string name;
    std::chrono::milliseconds interval;
    std::function<void()> run;
    std::chrono::steady_clock::time_point due;
  };
  void loop();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skylark::broker
