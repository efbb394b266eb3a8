// SPDX-License-Identifier: Apache-2.0
#include "broker/ha/ha_client.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"

namespace skylark::broker {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kFrameHeaderSize = 12;
constexpr std::size_t kBufferSize = 1 << 20;
constexpr std::int32_t kBodySizeMax = static_cast<std::int32_t>(kBufferSize - kFrameHeaderSize);
constexpr std::chrono::milliseconds kTick{200};

}  // namespace

// Everything but `status` and the wished address belongs to the one thread of `io`.
struct HaClient::Impl : std::enable_shared_from_this<HaClient::Impl> {
  Impl(MessageStore& store_in, HaClientOptions options_in) : store(store_in), options(options_in), in(kBufferSize) {}

  // A connection attempt's callbacks carry its number and do nothing once a newer one began.
  void connect() {
    const std::string address = wished_master();
    const auto colon = address.rfind(':');
    if (address.empty() || colon == std::string::npos) return;
    const auto attempt = ++generation;
    connecting = true;
    resolver.async_resolve(address.substr(0, colon), address.substr(colon + 1),
                           [self = shared_from_this(), attempt](ErrorCode error, const tcp::resolver::results_type& found) {
                             if (attempt != self->generation) return;
                             if (error) return self->lose(error.message());
                             asio::async_connect(self->socket, found, [self, attempt](ErrorCode failed, const tcp::endpoint&) {
                               if (attempt != self->generation) return;
                               if (failed) return self->lose(failed.message());
                               self->begin();
                             });
                           });
  }

  void begin() {
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    connecting = false;
    connected = true;
    in_size = 0;
    reported = -1;
    last_read = last_write = std::chrono::steady_clock::now();
    update_status([](HaClientStatus& status) { status.connected = true; });
    log::info("following the master at {} from offset {}", wished_master(), store.max_physical_offset());
    report(true);
    read_next();
  }

  void read_next() {
    socket.async_read_some(asio::buffer(in.data() + in_size, in.size() - in_size),
                           [self = shared_from_this(), attempt = generation](ErrorCode error, std::size_t size) {
                             if (attempt != self->generation) return;
                             if (error) return self->lose(error.message());
                             self->in_size += size;
                             self->last_read = std::chrono::steady_clock::now();
                             self->update_status([](HaClientStatus& status) { status.last_read_ms = SystemClock().now_ms(); });
                             if (!self->take_frames()) return;
                             self->report(false);
                             self->read_next();
                           });
  }

  // False when the connection was given up.
  bool take_frames() {
    std::size_t taken = 0;
    while (in_size - taken >= kFrameHeaderSize) {
      const char* frame = in.data() + taken;
      const auto offset = load_be<std::int64_t>(frame);
      const auto size = load_be<std::int32_t>(frame + 8);
      if (size < 0 || size > kBodySizeMax) return lose(fmt::format("a frame of {} bytes", size)), false;
      const std::int64_t end = store.max_physical_offset();
      if (end != 0 && end != offset) return lose(fmt::format("the master sends offset {}, our log ends at {}", offset, end)), false;
      if (in_size - taken - kFrameHeaderSize < static_cast<std::size_t>(size)) break;
      if (size > 0) {
        const auto appended = store.append_replicated(offset, {frame + kFrameHeaderSize, static_cast<std::size_t>(size)});
        if (!appended) return lose("cannot append: " + appended.error().message()), false;
        bytes_this_second += size;
      }
      taken += kFrameHeaderSize + static_cast<std::size_t>(size);
    }
    std::copy(in.begin() + static_cast<std::ptrdiff_t>(taken), in.begin() + static_cast<std::ptrdiff_t>(in_size), in.begin());
    in_size -= taken;
    return true;
  }

  void report(bool even_if_same) {
    const std::int64_t end = store.max_physical_offset();
    if (writing || !connected || (end <= reported && !even_if_same)) return;
    reported = end;
    store_be<std::int64_t>(out.data(), end);
    writing = true;
    asio::async_write(socket, asio::buffer(out), [self = shared_from_this(), attempt = generation](ErrorCode error, std::size_t) {
      if (attempt != self->generation) return;
      self->writing = false;
      if (error) return self->lose(error.message());
      self->last_write = std::chrono::steady_clock::now();
      self->update_status([](HaClientStatus& status) { status.last_write_ms = SystemClock().now_ms(); });
      self->report(false);
    });
  }

  void lose(const std::string& reason) {
    if (connecting || connected) log::warn("replication from {}: {}", wished_master(), reason);
    ++generation;
    connecting = connected = writing = false;
    ErrorCode ignored;
    socket.close(ignored);
    socket = tcp::socket(io);
    retry_at = std::chrono::steady_clock::now() + options.reconnect_delay;
    update_status([](HaClientStatus& status) { status.connected = false; });
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
    if (now - second_began >= std::chrono::seconds(1)) {
      second_began = now;
      update_status([rate = std::exchange(bytes_this_second, 0)](HaClientStatus& status) { status.bytes_per_second = rate; });
    }
    if (connected) {
      if (now - last_read > options.housekeeping_interval) return lose("nothing heard from the master for too long");
      if (now - last_write > options.heartbeat_interval) report(true);
    } else if (!connecting && now >= retry_at) {
      connect();
    }
  }

  std::string wished_master() const {
    const std::lock_guard lock(mutex);
    return shared_status.master_address;
  }
  template <class Change>
  void update_status(Change change) {
    const std::lock_guard lock(mutex);
    change(shared_status);
  }

  MessageStore& store;
  const HaClientOptions options;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  tcp::resolver resolver{io};
  tcp::socket socket{io};
  asio::steady_timer ticker{io};
  std::thread thread;
  std::atomic<bool> stopping{false};

  std::uint64_t generation = 0;
  bool connecting = false;
  bool connected = false;
  bool writing = false;
  std::vector<char> in;
  std::size_t in_size = 0;
  std::array<char, sizeof(std::int64_t)> out{};
  std::int64_t reported = -1;
  std::int64_t bytes_this_second = 0;
  std::chrono::steady_clock::time_point last_read, last_write, retry_at, second_began;

  mutable std::mutex mutex;
  HaClientStatus shared_status;
};

HaClient::HaClient(MessageStore& store, HaClientOptions options) : impl_(std::make_shared<Impl>(store, options)) {}
HaClient::~HaClient() { stop(); }

void HaClient::start() {
  impl_->tick_later();
  impl_->thread = std::thread([impl = impl_] { impl->io.run(); });
  pthread_setname_np(impl_->thread.native_handle(), "ha-client");
}

void HaClient::stop() {
  if (impl_->stopping.exchange(true) || !impl_->thread.joinable()) return;
  asio::post(impl_->io, [impl = impl_] {
    impl->lose("this broker stops");
    impl->ticker.cancel();
    impl->resolver.cancel();
    impl->work.reset();
  });
  impl_->thread.join();
}

void HaClient::set_master(const std::string& address) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->shared_status.master_address == address) return;
    impl_->shared_status.master_address = address;
  }
  asio::post(impl_->io, [impl = impl_] {
    impl->lose("the master's address changed");
    impl->retry_at = {};
  });
}

HaClientStatus HaClient::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->shared_status;
}

}  // namespace skylark::broker
