// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace skylark::remoting {

namespace detail {
struct IoThread;
}

/// One io_context(1) and one thread per core. Construct, use, `stop()`: joins the threads; the destructor stops too.
/// Servers and clients on the pool are stopped first; connections are not used after the pool has gone.
class IoPool {
 public:
  /// `thread_count` 0 means one per core, and two at least.
  explicit IoPool(std::size_t thread_count = 0);
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] boost::asio::io_context& context(std::size_t index) noexcept;
  /// True in a thread of any pool.
  [[nodiscard]] static bool in_io_thread() noexcept;
  /// Not from an io thread. Safe to call twice.
  void stop();

  /// For this folder alone.
  [[nodiscard]] detail::IoThread& thread(std::size_t index) noexcept;
  [[nodiscard]] detail::IoThread& least_loaded_thread() noexcept;
  [[nodiscard]] bool is_stopped() const noexcept;
  void run_leftovers();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skylark::remoting
