// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include "remoting/counters.h"
#include "remoting/dispatcher.h"
#include "remoting/io_pool.h"

namespace skylark::remoting::detail {

/// What the connections of one server or client have in common. It outlives them: each holds a share of it.
struct ConnectionGroup {
  enum class Role { server, client };

  Role role = Role::server;
  Dispatcher* dispatcher = nullptr;  ///< Not called any more once `live` is 0. Null: every request gets code 3.
  std::size_t frame_size_max_bytes = kFrameSizeMax;
  std::size_t unsent_max_bytes = 64u << 20;
  std::chrono::milliseconds idle_timeout{120'000};
  std::chrono::milliseconds connect_timeout{3'000};
  bool offer_flatbuffers = false;
  Counters counters;

  std::atomic<bool> stopping{false};  ///< Set before the closing starts: later connections close at once.

  void enter();
  void leave();
  /// Closes every connection of this group and returns when the last has left. Not from an io thread.
  static void stop(const std::shared_ptr<ConnectionGroup>& group, IoPool& pool);

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  std::size_t live_ = 0;
};

}  // namespace skylark::remoting::detail
