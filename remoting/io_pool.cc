// SPDX-License-Identifier: Apache-2.0
#include "remoting/io_pool.h"

#include "base/assert.h"
#include "base/log.h"
#include "remoting/detail/io_thread.h"
#include "remoting/detail/tcp_connection.h"

#include <boost/asio/executor_work_guard.hpp>

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <string>
#include <thread>

namespace skylark::remoting {
namespace detail {
namespace {

thread_local const IoThread* t_current = nullptr;

/// Says for a while that the calling thread is that io thread.
class CurrentThread {
 public:
  explicit CurrentThread(const IoThread* thread) noexcept : before_(t_current) { t_current = thread; }
  ~CurrentThread() { t_current = before_; }
  CurrentThread(const CurrentThread&) = delete;
  CurrentThread& operator=(const CurrentThread&) = delete;

 private:
  const IoThread* before_;
};

}  // namespace

IoThread::IoThread(std::size_t number_) : number(number_), read_buffer(std::make_unique<char[]>(kReadSize + kSpareSize)) {}

IoThread::~IoThread() = default;

bool IoThread::is_current() const noexcept { return t_current == this; }

void IoThread::add(std::shared_ptr<TcpConnection> connection) {
  connection->list_index = connections.size();
  connections.push_back(std::move(connection));
  arm_tick();
}

void IoThread::remove(TcpConnection& connection) {
  const std::size_t index = connection.list_index;
  SKYLARK_ASSERT(index < connections.size() && connections[index].get() == &connection, "a connection is removed that is not listed");
  if (index + 1 != connections.size()) {
    connections[index] = std::move(connections.back());
    connections[index]->list_index = index;
  }
  connections.pop_back();
}

void IoThread::run() {
  const CurrentThread current(this);
  for (;;) {
    try {
      context.run();
      return;
    } catch (const std::exception& failure) {
      log::error("io thread {}: a handler threw: {}", number, failure.what());
    }
  }
}

void IoThread::run_leftovers() {
  const CurrentThread current(this);
  context.restart();
  context.poll();
  context.stop();
}

void IoThread::arm_tick() {
  if (tick_armed_) return;
  tick_armed_ = true;
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    tick_armed_ = false;
    if (!error) tick();
  });
}

void IoThread::tick() {
  const auto now = std::chrono::steady_clock::now();
  // Backwards, since a connection that closes swaps the last one, which was looked at already, into its place.
  for (std::size_t i = connections.size(); i-- > 0;) {
    if (i < connections.size()) connections[i]->on_tick(now);
  }
  if (!connections.empty()) arm_tick();
}

}  // namespace detail

struct IoPool::Impl {
  using WorkGuard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  std::vector<std::unique_ptr<detail::IoThread>> loops;
  std::vector<WorkGuard> guards;
  std::vector<std::thread> threads;
  std::atomic<bool> stopped{false};
};

IoPool::IoPool(std::size_t thread_count) : impl_(std::make_unique<Impl>()) {
  if (thread_count == 0) thread_count = std::max(2u, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < thread_count; ++i) {
    impl_->loops.push_back(std::make_unique<detail::IoThread>(i));
    impl_->guards.emplace_back(impl_->loops.back()->context.get_executor());
  }
  for (const auto& loop : impl_->loops) {
    impl_->threads.emplace_back([&thread = *loop] { thread.run(); });
    ::pthread_setname_np(impl_->threads.back().native_handle(), ("io-" + std::to_string(loop->number)).c_str());
  }
}

IoPool::~IoPool() { stop(); }

std::size_t IoPool::size() const noexcept { return impl_->loops.size(); }

boost::asio::io_context& IoPool::context(std::size_t index) noexcept { return impl_->loops[index]->context; }

bool IoPool::in_io_thread() noexcept { return detail::t_current != nullptr; }

void IoPool::stop() {
  if (impl_->stopped.exchange(true)) return;
  SKYLARK_ASSERT(!in_io_thread(), "a pool cannot be stopped by one of its threads");
  impl_->guards.clear();
  for (const auto& loop : impl_->loops) loop->context.stop();
  for (std::thread& thread : impl_->threads) thread.join();
  run_leftovers();
}

detail::IoThread& IoPool::thread(std::size_t index) noexcept { return *impl_->loops[index]; }

detail::IoThread& IoPool::least_loaded_thread() noexcept {
  const auto fewer = [](const auto& a, const auto& b) { return a->connection_count.load() < b->connection_count.load(); };
  return **std::min_element(impl_->loops.begin(), impl_->loops.end(), fewer);
}

bool IoPool::is_stopped() const noexcept { return impl_->stopped.load(); }

void IoPool::run_leftovers() {
  for (const auto& loop : impl_->loops) loop->run_leftovers();
}

}  // namespace skylark::remoting
