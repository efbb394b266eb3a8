// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace skylark::remoting {

/// One io_context(1) and one thread per core. Construct, use, `stop()`: joins the threads; the destructor stops too.
class IoPool {
 public:
  /// `thread_count` 0 means one per core.
  explicit IoPool(std::size_t thread_count = 0);
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] boost::asio::io_context& context(std::size_t index) noexcept;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skylark::remoting
