// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/connection_group.h"

#include "base/assert.h"
#include "remoting/detail/io_thread.h"
#include "remoting/detail/tcp_connection.h"

#include <boost/asio/post.hpp>

namespace skylark::remoting::detail {

void ConnectionGroup::enter() {
  const std::lock_guard lock(mutex_);
  ++live_;
}

void ConnectionGroup::leave() {
  const std::lock_guard lock(mutex_);
  if (--live_ == 0) left_.notify_all();
}

void ConnectionGroup::stop(const std::shared_ptr<ConnectionGroup>& group, IoPool& pool) {
  SKYLARK_ASSERT(!IoPool::in_io_thread(), "a server or client cannot be stopped by an io thread");
  group->stopping = true;
  for (std::size_t i = 0; i < pool.size(); ++i) {
    IoThread& thread = pool.thread(i);
    boost::asio::post(thread.context, [group, &thread] {
      const auto listed = thread.connections;  // A copy: closing takes them off the list.
      for (const auto& connection : listed) {
        if (connection->is_of(*group)) connection->close_now(Errc::closed);
      }
    });
  }
  std::unique_lock lock(group->mutex_);
  while (group->live_ != 0) {
    // A pool that was stopped first runs nothing any more: then this thread does it.
    if (pool.is_stopped()) {
      lock.unlock();
      pool.run_leftovers();
      lock.lock();
    }
    group->left_.wait_for(lock, std::chrono::milliseconds(50), [&] { return group->live_ == 0; });
  }
}

}  // namespace skylark::remoting::detail
