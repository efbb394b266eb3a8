// SPDX-License-Identifier: Apache-2.0
// How a connection comes to be, and the deadlines of what it asks.
#include "remoting/detail/tcp_connection.h"

#include "base/log.h"

#include <boost/asio/post.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

namespace skylark::remoting::detail {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

std::atomic<std::uint64_t> g_last_id{0};

constexpr std::chrono::milliseconds kUnackedMax{30'000};  // A peer whose machine has gone is noticed after that.

std::string to_text(const tcp::endpoint& endpoint) {
  const asio::ip::address address = endpoint.address();
  if (address.is_v4()) return fmt::format("{}:{}", address.to_string(), endpoint.port());
  const asio::ip::address_v6 v6 = address.to_v6();
  if (!v6.is_v4_mapped()) return fmt::format("[{}]:{}", v6.to_string(), endpoint.port());
  return fmt::format("{}:{}", asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string(), endpoint.port());
}

/// Splits `host:port`, `[v6]:port`; an empty host or a port that is none gives nothing.
std::optional<std::pair<std::string, std::uint16_t>> split_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = address.substr(0, colon);
  const std::string_view port_text = address.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || stop != port_text.data() + port_text.size() || port == 0) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return std::pair{std::string(host), port};
}

}  // namespace

TcpConnection::TcpConnection(std::shared_ptr<ConnectionGroup> group, IoThread& thread, Socket socket, std::string remote_address)
    : group_(std::move(group)),
      thread_(thread),
      id_(++g_last_id),
      remote_address_(std::move(remote_address)),
      socket_(std::move(socket)),
      deadline_timer_(thread.context),
      reader_(group_->frame_size_max_bytes) {
  if (group_->role == ConnectionGroup::Role::client && group_->offer_flatbuffers) offer_.store(Offer::wanted);
}

TcpConnection::~TcpConnection() = default;

void TcpConnection::accepted(std::shared_ptr<ConnectionGroup> group, IoThread& thread, Socket socket) {
  group->enter();
  thread.connection_count.fetch_add(1);
  asio::post(thread.context, [group = std::move(group), &thread, socket = std::move(socket)]() mutable {
    ErrorCode error;
    const tcp::endpoint peer = socket.remote_endpoint(error);  // Fails when the peer has gone again.
    const auto connection = std::make_shared<TcpConnection>(std::move(group), thread, std::move(socket), to_text(peer));
    connection->enlist();
    if (error)
      connection->close_now(Errc::closed);
    else
      connection->open();
  });
}

std::shared_ptr<TcpConnection> TcpConnection::connect(std::shared_ptr<ConnectionGroup> group, IoThread& thread, std::string address) {
  group->enter();
  thread.connection_count.fetch_add(1);
  auto connection = std::make_shared<TcpConnection>(std::move(group), thread, Socket(thread.context), std::move(address));
  asio::post(thread.context, [connection] { connection->start_connect(); });
  return connection;
}

void TcpConnection::enlist() {
  thread_.add(shared_from_this());
  listed_ = true;
}

void TcpConnection::open() {
  if (group_->stopping.load()) return close_now(Errc::closed);
  ErrorCode error;
  set_options(error);
  if (error) return close_now(Errc::cannot_connect);
  const tcp::endpoint local = socket_->local_endpoint(error);
  if (!error) local_address_ = to_text(local);
  state_ = State::open;
  last_activity_ = unsent_since_ = std::chrono::steady_clock::now();
  group_->counters.connections_opened.fetch_add(1, std::memory_order_relaxed);
  if (group_->dispatcher != nullptr) {
    try {
      group_->dispatcher->on_open(shared_from_this());
    } catch (const std::exception& failure) {
      log::error("opening {}: {}", remote_address_, failure.what());
    }
  }
  flush();
  arm_read();
}

void TcpConnection::set_options(ErrorCode& error) {
  socket_->non_blocking(true, error);
  if (error) return;
  ErrorCode ignored;  // Without these it works, only less well.
  socket_->set_option(tcp::no_delay(true), ignored);
  socket_->set_option(asio::socket_base::keep_alive(true), ignored);
  // On the server's side the kernel must not be faster than the limit on peers that do not read.
  auto unacked_max = kUnackedMax;
  if (group_->role == ConnectionGroup::Role::server) unacked_max += group_->idle_timeout;
  const int unacked_max_ms = static_cast<int>(std::min<std::int64_t>(unacked_max.count(), 1'000'000'000));
  ::setsockopt(socket_->native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_max_ms, sizeof unacked_max_ms);
}

void TcpConnection::start_connect() {
  enlist();
  if (group_->stopping.load() || !is_open()) return close_now(Errc::closed);
  connect_deadline_ = std::chrono::steady_clock::now() + group_->connect_timeout;
  arm_deadline();
  const auto parts = split_address(remote_address_);
  if (!parts) return close_now(Errc::cannot_connect);

  ErrorCode not_literal;
  const asio::ip::address literal = asio::ip::make_address(parts->first, not_literal);
  if (!not_literal) {
    endpoints_.emplace_back(literal, parts->second);
    return try_endpoint(0);
  }
  const auto resolver = std::make_shared<tcp::resolver>(thread_.context);
  const auto on_resolved = [self = shared_from_this(), resolver](const ErrorCode& error, const tcp::resolver::results_type& found) {
    if (self->state_ != State::connecting) return;
    if (error) return self->close_now(Errc::cannot_connect);
    for (const auto& entry : found) self->endpoints_.push_back(entry.endpoint());
    self->try_endpoint(0);
  };
  resolver->async_resolve(parts->first, std::to_string(parts->second), on_resolved);
}

void TcpConnection::try_endpoint(std::size_t index) {
  if (index == endpoints_.size()) return close_now(Errc::cannot_connect);
  ErrorCode error;
  socket_->close(error);
  socket_->open(endpoints_[index].protocol(), error);
  if (error) return close_now(Errc::cannot_connect);
  socket_->async_connect(endpoints_[index], [self = shared_from_this(), index](const ErrorCode& failed) {
    if (self->state_ != State::connecting) return;
    if (failed) return self->try_endpoint(index + 1);
    self->connect_deadline_ = TimePoint::max();
    self->open();
  });
}

Codec TcpConnection::codec_for_request(const RemotingCommand& request) const noexcept {
  if (speaks_flatbuffers_.load()) return Codec::flatbuffers;
  if (request.codec == Codec::rocketmq) return Codec::rocketmq;
  return group_->role == ConnectionGroup::Role::server ? preferred_codec() : Codec::json;
}

bool TcpConnection::try_invoke(RemotingCommand& request, std::chrono::milliseconds timeout, ResponseCallback& callback) {
  if (!is_open()) return false;
  const std::optional<std::int32_t> opaque = pending_.add(callback, std::chrono::steady_clock::now() + timeout);
  if (!opaque) return false;
  request.opaque = *opaque;
  request.flag &= ~(kFlagResponse | kFlagOneWay);
  request.codec = codec_for_request(request);
  Offer wanted = Offer::wanted;
  if (offer_.load(std::memory_order_relaxed) == wanted && offer_.compare_exchange_strong(wanted, Offer::asked)) {
    offer_opaque_.store(*opaque);
    request.ext.add_integer("codecs", 2);
  }
  const Result<void> queued = enqueue(std::move(request));
  if (thread_.is_current()) arm_deadline();
  if (queued) return true;
  asio::post(thread_.context, [self = shared_from_this(), opaque = *opaque, error = queued.error()] {
    if (const ResponseCallback waiting = self->pending_.take(opaque)) self->complete(waiting, error);
  });
  return true;
}

void TcpConnection::invoke(RemotingCommand request, std::chrono::milliseconds timeout, ResponseCallback callback) {
  if (try_invoke(request, timeout, callback)) return;
  if (thread_.context.stopped()) return complete(callback, Errc::closed);
  asio::post(thread_.context, [self = shared_from_this(), callback = std::move(callback)] { self->complete(callback, Errc::closed); });
}

void TcpConnection::invoke_one_way(RemotingCommand request) {
  request.flag = (request.flag & ~kFlagResponse) | kFlagOneWay;
  request.codec = codec_for_request(request);
  send(std::move(request));
}

void TcpConnection::arm_deadline() {
  if (state_ == State::closed) return;
  const TimePoint next = std::min(connect_deadline_, pending_.next_deadline().value_or(TimePoint::max()));
  if (next >= armed_deadline_) return;  // Looks again when that one is reached.
  armed_deadline_ = next;
  deadline_timer_->expires_at(next);
  deadline_timer_->async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (error || self->state_ == State::closed) return;
    self->armed_deadline_ = TimePoint::max();
    self->on_deadline();
  });
}

void TcpConnection::on_deadline() {
  const TimePoint now = std::chrono::steady_clock::now();
  for (const ResponseCallback& callback : pending_.take_expired(now)) {
    group_->counters.requests_timed_out.fetch_add(1, std::memory_order_relaxed);
    complete(callback, Errc::timed_out);
  }
  if (state_ == State::connecting && now >= connect_deadline_) return close_now(Errc::cannot_connect);
  arm_deadline();
}

}  // namespace skylark::remoting::detail
