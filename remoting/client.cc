// SPDX-License-Identifier: Apache-2.0
#include "remoting/client.h"

#include "base/assert.h"
#include "base/error.h"
#include "remoting/detail/connection_group.h"
#include "remoting/detail/io_thread.h"
#include "remoting/detail/signal.h"
#include "remoting/detail/tcp_connection.h"

#include <boost/asio/post.hpp>

#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace skylark::remoting {

struct Client::Impl {
  Impl(IoPool& pool_, ClientOptions options_) : pool(pool_), options(std::move(options_)) {}

  /// The channel to that address, opened if there is none; null once this or the pool has stopped.
  std::shared_ptr<detail::TcpConnection> channel(const std::string& address);
  void fail(ResponseCallback callback) const;

  IoPool& pool;
  const ClientOptions options;
  std::shared_ptr<detail::ConnectionGroup> group = std::make_shared<detail::ConnectionGroup>();
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<detail::TcpConnection>> channels;
  bool stopped = false;
  std::mutex stop_mutex;
};

std::shared_ptr<detail::TcpConnection> Client::Impl::channel(const std::string& address) {
  const std::lock_guard lock(mutex);
  if (stopped || pool.is_stopped()) return nullptr;
  auto& channel = channels[address];
  if (!channel || !channel->is_open()) channel = detail::TcpConnection::connect(group, pool.least_loaded_thread(), address);
  return channel;
}

void Client::Impl::fail(ResponseCallback callback) const {
  if (pool.is_stopped()) return callback(Errc::closed);
  boost::asio::post(pool.context(0), [callback = std::move(callback)] { callback(Errc::closed); });
}

Client::Client(IoPool& pool, ClientOptions options, Dispatcher* dispatcher) : impl_(std::make_shared<Impl>(pool, std::move(options))) {
  detail::ConnectionGroup& group = *impl_->group;
  group.role = detail::ConnectionGroup::Role::client;
  group.dispatcher = dispatcher;
  group.frame_size_max_bytes = impl_->options.frame_size_max_bytes;
  group.idle_timeout = impl_->options.idle_timeout;
  group.connect_timeout = impl_->options.connect_timeout;
  group.offer_flatbuffers = impl_->options.offer_flatbuffers;
}

Client::~Client() { stop(); }

void Client::invoke(const std::string& address, RemotingCommand request, std::chrono::milliseconds timeout, ResponseCallback callback) {
  // A channel that closes between finding and using it has not taken the request: another is opened.
  while (const auto channel = impl_->channel(address)) {
    if (channel->try_invoke(request, timeout, callback)) return;
  }
  impl_->fail(std::move(callback));
}

Result<RemotingCommand> Client::invoke_sync(const std::string& address, RemotingCommand request, std::chrono::milliseconds timeout) {
  SKYLARK_ASSERT(!IoPool::in_io_thread(), "an io thread cannot wait for itself");
  struct Waiting {
    detail::Signal done;
    std::optional<Result<RemotingCommand>> result;
  };
  const auto waiting = std::make_shared<Waiting>();
  invoke(address, std::move(request), timeout, [waiting](Result<RemotingCommand> result) {
    waiting->result.emplace(std::move(result));
    waiting->done.set();
  });
  waiting->done.wait();
  return std::move(*waiting->result);
}

void Client::invoke_one_way(const std::string& address, RemotingCommand request) {
  if (const auto channel = impl_->channel(address)) channel->invoke_one_way(std::move(request));
}

void Client::disconnect(const std::string& address) {
  std::shared_ptr<detail::TcpConnection> channel;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->channels.find(address);
    if (found == impl_->channels.end()) return;
    channel = std::move(found->second);
    impl_->channels.erase(found);
  }
  channel->close();
}

void Client::stop() {
  const std::lock_guard stopping(impl_->stop_mutex);
  {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->stopped, true)) return;
  }
  detail::ConnectionGroup::stop(impl_->group, impl_->pool);
  const std::lock_guard lock(impl_->mutex);
  impl_->channels.clear();
}

const Counters& Client::counters() const noexcept { return impl_->group->counters; }

}  // namespace skylark::remoting
