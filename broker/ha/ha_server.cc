// SPDX-License-Identifier: Apache-2.0
#include "broker/ha/ha_server.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/bytes.h"
#include "base/log.h"

namespace skylark::broker {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kReportSize = sizeof(std::int64_t);
constexpr std::size_t kFrameHeaderSize = 12;  // i64 offset, i32 size.
constexpr std::chrono::milliseconds kTick{200};
constexpr std::int64_t kNothingAsked = -1;

}  // namespace

struct HaServer::Impl : std::enable_shared_from_this<HaServer::Impl> {
  struct Replica : std::enable_shared_from_this<Replica> {
    explicit Replica(tcp::socket accepted) : socket(std::move(accepted)) {}
    tcp::socket socket;
    std::string address;
    std::array<char, 4096> in{};
    std::size_t in_size = 0;
    std::array<char, kFrameHeaderSize> header{};
    std::optional<PinnedSlice> sending;
    bool writing = false;
    bool closed = false;
    // Read by `replicas()` on other threads, hence under the server's mutex.
    std::int64_t acknowledged = kNothingAsked;
    std::int64_t next = kNothingAsked;
    std::int64_t bytes_this_second = 0;
    std::int64_t bytes_per_second = 0;
    SteadyTime last_read = std::chrono::steady_clock::now();
    SteadyTime last_write = std::chrono::steady_clock::now();
    SteadyTime second_began = std::chrono::steady_clock::now();
  };
  using ReplicaPtr = std::shared_ptr<Replica>;

  Impl(MessageStore& store_in, HaServerOptions options_in) : store(store_in), options(std::move(options_in)) {}

  void accept_next() {
    acceptor.async_accept([self = shared_from_this()](ErrorCode error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || self->stopping) return;
      if (!error) self->admit(std::move(socket));
      self->accept_next();
    });
  }

  void admit(tcp::socket socket) {
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto replica = std::make_shared<Replica>(std::move(socket));
    const auto peer = replica->socket.remote_endpoint(ignored);
    replica->address = fmt::format("{}:{}", peer.address().to_string(ignored), peer.port());
    log::info("replica {} connected", replica->address);
    {
      const std::lock_guard lock(mutex);
      connected.push_back(replica);
      connected_count = connected.size();
    }
    read_next(replica);
  }

  void read_next(const ReplicaPtr& replica) {
    replica->socket.async_read_some(asio::buffer(replica->in.data() + replica->in_size, replica->in.size() - replica->in_size),
                                    [self = shared_from_this(), replica](ErrorCode error, std::size_t size) {
                                      if (error) return self->close(replica, error.message());
                                      self->take_reports(replica, size);
                                    });
  }

  // Only the latest whole report counts: those before it say less.
  void take_reports(const ReplicaPtr& replica, std::size_t size) {
    replica->in_size += size;
    const std::size_t whole = replica->in_size / kReportSize * kReportSize;
    if (whole != 0) {
      const auto reported = load_be<std::int64_t>(replica->in.data() + whole - kReportSize);
      std::copy(replica->in.begin() + static_cast<std::ptrdiff_t>(whole), replica->in.begin() + static_cast<std::ptrdiff_t>(replica->in_size),
                replica->in.begin());
      replica->in_size -= whole;
      if (reported < 0) return close(replica, "reported a negative offset");
      {
        const std::lock_guard lock(mutex);
        replica->last_read = std::chrono::steady_clock::now();
        replica->acknowledged = reported;
        if (replica->next == kNothingAsked) replica->next = reported != 0 ? reported : start_of_last_file();
      }
      publish_acknowledgements();
      send_next(replica);
    }
    read_next(replica);
  }

  // A replica without a log starts with the newest file, as with Java's master: older ones are not sent.
  std::int64_t start_of_last_file() {
    const std::int64_t end = store.max_physical_offset();
    return std::max(end - end % store.log_file_size(), std::int64_t{0});
  }

  void send_next(const ReplicaPtr& replica) {
    if (replica->writing || replica->closed || replica->next == kNothingAsked) return;
    replica->sending = store.log_bytes(replica->next, options.batch_size_bytes);
    if (replica->sending && !replica->sending->bytes.empty()) write_frame(replica);
  }

  // A frame of no bytes is a heartbeat.
  void write_frame(const ReplicaPtr& replica) {
    const std::string_view bytes = replica->sending ? replica->sending->bytes : std::string_view{};
    store_be<std::int64_t>(replica->header.data(), replica->next);
    store_be<std::int32_t>(replica->header.data() + 8, static_cast<std::int32_t>(bytes.size()));
    replica->writing = true;
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(replica->header), asio::buffer(bytes.data(), bytes.size())};
    asio::async_write(replica->socket, buffers, [self = shared_from_this(), replica, size = bytes.size()](ErrorCode error, std::size_t) {
      replica->writing = false;
      replica->sending.reset();
      if (error) return self->close(replica, error.message());
      {
        const std::lock_guard lock(self->mutex);
        replica->next += static_cast<std::int64_t>(size);
        replica->bytes_this_second += static_cast<std::int64_t>(size);
        replica->last_write = std::chrono::steady_clock::now();
      }
      self->send_next(replica);
    });
  }

  void close(const ReplicaPtr& replica, const std::string& reason) {
    if (replica->closed) return;
    replica->closed = true;
    ErrorCode ignored;
    replica->socket.close(ignored);
    {
      const std::lock_guard lock(mutex);
      connected.remove(replica);
      connected_count = connected.size();
    }
    log::info("replica {} is gone: {}", replica->address, reason);
    publish_acknowledgements();
  }

  void publish_acknowledgements() {
    std::vector<std::int64_t> acknowledged;
    {
      const std::lock_guard lock(mutex);
      for (const auto& replica : connected) {
        if (replica->acknowledged >= 0) acknowledged.push_back(replica->acknowledged);
      }
    }
    store.update_replica_acks(acknowledged);
  }

  std::vector<ReplicaPtr> snapshot() const {
    const std::lock_guard lock(mutex);
    return {connected.begin(), connected.end()};
  }

  void tick_later() {
    ticker.expires_after(kTick);
    ticker.async_wait([self = shared_from_this()](ErrorCode error) {
      if (error || self->stopping) return;
      self->tick();
      self->tick_later();
    });
  }

  void tick() {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& replica : snapshot()) {
      if (now - replica->last_read > options.housekeeping_interval) {
        close(replica, "nothing heard from it for too long");
        continue;
      }
      if (now - replica->second_began >= std::chrono::seconds(1)) {
        const std::lock_guard lock(mutex);
        replica->bytes_per_second = std::exchange(replica->bytes_this_second, 0);
        replica->second_began = now;
      }
      send_next(replica);
      const bool silent = now - replica->last_write > options.heartbeat_interval;
      if (silent && !replica->writing && !replica->closed && replica->next != kNothingAsked) write_frame(replica);
    }
  }

  MessageStore& store;
  const HaServerOptions options;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer ticker{io};
  std::thread thread;
  std::uint16_t bound_port = 0;
  std::atomic<bool> stopping{false};
  std::atomic<bool> wake_posted{false};
  std::atomic<std::size_t> connected_count{0};  // So that an append without replicas costs one load.
  mutable std::mutex mutex;
  std::list<ReplicaPtr> connected;
};

HaServer::HaServer(MessageStore& store, HaServerOptions options) : impl_(std::make_shared<Impl>(store, std::move(options))) {}
HaServer::~HaServer() { stop(); }

Result<void> HaServer::start() {
  ErrorCode error;
  const auto address = asio::ip::make_address(impl_->options.bind_address, error);
  if (error) return error;
  const tcp::endpoint endpoint(address, impl_->options.port);
  auto& acceptor = impl_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return error;
  impl_->bound_port = acceptor.local_endpoint(error).port();
  impl_->accept_next();
  impl_->tick_later();
  impl_->thread = std::thread([impl = impl_] { impl->io.run(); });
  pthread_setname_np(impl_->thread.native_handle(), "ha-server");
  return {};
}

void HaServer::stop() {
  if (impl_->stopping.exchange(true)) return;
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->io, [impl = impl_] {
    ErrorCode ignored;
    impl->acceptor.close(ignored);
    impl->ticker.cancel();
    for (const auto& replica : impl->snapshot()) impl->close(replica, "this broker stops");
  });
  impl_->thread.join();
}

std::uint16_t HaServer::port() const noexcept { return impl_->bound_port; }

void HaServer::wake() noexcept {
  // A replica that connects meanwhile reads up to the end when it reports its own.
  if (impl_->connected_count.load(std::memory_order_relaxed) == 0) return;
  if (impl_->wake_posted.exchange(true)) return;  // One post covers all appends until it runs.
  asio::post(impl_->io, [impl = impl_] {
    impl->wake_posted = false;
    for (const auto& replica : impl->snapshot()) impl->send_next(replica);
  });
}

std::vector<ReplicaStatus> HaServer::replicas() const {
  const std::int64_t end = impl_->store.max_physical_offset();
  std::vector<ReplicaStatus> all;
  const std::lock_guard lock(impl_->mutex);
  for (const auto& replica : impl_->connected) {
    ReplicaStatus status;
    status.address = replica->address;
    status.acknowledged = replica->acknowledged;
    status.transfer_from = replica->next;
    status.behind_bytes = end - replica->acknowledged;
    status.bytes_per_second = replica->bytes_per_second;
    status.in_sync = status.behind_bytes < impl_->options.gap_in_sync_max_bytes;
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace skylark::broker
