// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "client/detail/core.h"

namespace skylark::client {

/// Threads that run the application's listeners, so that those may block.
/// Life:    `stop()` waits for jobs that run; jobs that wait are told that they will not. The destructor stops.
/// Threads: any.
class WorkerPool {
 public:
  /// Called exactly once: `run` false means that the pool stopped first.
  using Job = std::function<void(bool run)>;

  explicit WorkerPool(std::size_t thread_count);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void submit(Job job);
  void stop();

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

/// Runs `function` on a worker and resumes with what it returned; empty when the pool stopped first or the function threw.
template <class T>
Task<std::optional<T>> run_on(WorkerPool& pool, std::function<T()> function) {
  auto initiate = [&pool](auto handler, std::function<T()> inner) {
    const auto held = std::make_shared<decltype(handler)>(std::move(handler));
    pool.submit([held, inner = std::move(inner)](bool run) {
      std::optional<T> value;
      try {
        if (run) value = inner();
      } catch (...) {  // The application's own business; it shows as no value.
        value.reset();
      }
      resume_with(held, std::move(value));
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(std::optional<T>)>(std::move(initiate), asio::use_awaitable,
                                                                                    std::move(function));
}

}  // namespace skylark::client
