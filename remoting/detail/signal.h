// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

namespace skylark::remoting::detail {

/// Lets one thread wait until another has done something.
class Signal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    set_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    set_.wait(lock, [this] { return is_set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable set_;
  bool is_set_ = false;
};

}  // namespace skylark::remoting::detail
