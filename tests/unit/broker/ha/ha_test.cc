// SPDX-License-Identifier: Apache-2.0
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "base/bytes.h"
#include "base/error.h"
#include "broker/ha/ha_client.h"
#include "broker/ha/ha_server.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_message_store.h"

namespace skylark::broker {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::int64_t kFileSize = 100'000;

// A log of bytes, of which only the replication side is used.
class LogStore : public FakeMessageStore {
 public:
  LogStore() : FakeMessageStore(clock_) {}

  std::optional<PinnedSlice> log_bytes(std::int64_t offset, std::size_t size_max) override {
    const std::lock_guard lock(mutex_);
    const std::int64_t end = begin_ + static_cast<std::int64_t>(log_.size());
    if (offset < begin_ || offset >= end) return std::nullopt;
    const std::int64_t file_end = offset - offset % kFileSize + kFileSize;
    const auto size = std::min({static_cast<std::int64_t>(size_max), end - offset, file_end - offset});
    auto copy = std::make_shared<const std::string>(log_.substr(static_cast<std::size_t>(offset - begin_), static_cast<std::size_t>(size)));
    return PinnedSlice{*copy, copy};
  }
  Result<void> append_replicated(std::int64_t offset, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (log_.empty()) begin_ = offset;
    if (offset != begin_ + static_cast<std::int64_t>(log_.size())) return make_error_code(Errc::out_of_range);
    log_.append(bytes);
    return {};
  }
  std::int64_t max_physical_offset() override {
    const std::lock_guard lock(mutex_);
    return begin_ + static_cast<std::int64_t>(log_.size());
  }
  std::int64_t log_file_size() override { return kFileSize; }
  void update_replica_acks(std::span<const std::int64_t> acknowledged) override {
    const std::lock_guard lock(mutex_);
    acknowledged_.assign(acknowledged.begin(), acknowledged.end());
  }

  void append(std::size_t size) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < size; ++i) log_.push_back(static_cast<char>('a' + log_.size() * 7 % 26));
  }
  std::string log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  std::int64_t begin() const {
    const std::lock_guard lock(mutex_);
    return begin_;
  }
  std::vector<std::int64_t> acknowledged() const {
    const std::lock_guard lock(mutex_);
    return acknowledged_;
  }

 private:
  ManualClock clock_;
  mutable std::mutex mutex_;
  std::int64_t begin_ = 0;
  std::string log_;
  std::vector<std::int64_t> acknowledged_;
};

HaServerOptions local_server() {
  HaServerOptions options;
  options.bind_address = "127.0.0.1";
  options.port = 0;
  return options;
}

HaClientOptions quick_client() {
  HaClientOptions options;
  options.reconnect_delay = std::chrono::milliseconds(10);
  return options;
}

std::string address_of(const HaServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

// One end of the protocol, spoken by hand.
class Peer {
 public:
  explicit Peer(std::uint16_t port) { socket_.connect({asio::ip::make_address("127.0.0.1"), port}); }
  explicit Peer(tcp::acceptor& acceptor) { acceptor.accept(socket_); }

  void report(std::int64_t offset) {
    std::string bytes;
    append_be(bytes, offset);
    asio::write(socket_, asio::buffer(bytes));
  }
  void send_header(std::int64_t offset, std::int32_t size) {
    std::string bytes;
    append_be(bytes, offset);
    append_be(bytes, size);
    asio::write(socket_, asio::buffer(bytes));
  }
  void send_frame(std::int64_t offset, const std::string& body) {
    send_header(offset, static_cast<std::int32_t>(body.size()));
    asio::write(socket_, asio::buffer(body));
  }
  std::int64_t read_report() {
    char bytes[8];
    asio::read(socket_, asio::buffer(bytes));
    return load_be<std::int64_t>(bytes);
  }
  struct Frame {
    std::int64_t offset = 0;
    std::string body;
  };
  Frame read_frame() {
    char header[12];
    asio::read(socket_, asio::buffer(header));
    Frame frame{load_be<std::int64_t>(header), std::string(static_cast<std::size_t>(load_be<std::int32_t>(header + 8)), '\0')};
    asio::read(socket_, asio::buffer(frame.body));
    return frame;
  }
  bool closed_by_peer() {
    ErrorCode error;
    char rest[4096];
    while (!error) socket_.read_some(asio::buffer(rest), error);
    return error == asio::error::eof || error == asio::error::connection_reset;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_{io_};
};

}  // namespace

TEST_CASE("frames start where the replica asks, are cut to the batch size and never span two files", "[ha]") {
  LogStore store;
  store.append(150'000);
  HaServer server(store, local_server());
  REQUIRE(server.start());
  Peer replica(server.port());
  replica.report(50'000);

  std::string received;
  std::vector<std::pair<std::int64_t, std::size_t>> frames;
  while (received.size() < 100'000) {
    auto frame = replica.read_frame();
    CHECK(frame.offset == 50'000 + static_cast<std::int64_t>(received.size()));
    frames.emplace_back(frame.offset, frame.body.size());
    received += frame.body;
  }

  CHECK(received == store.log().substr(50'000));
  CHECK(frames == std::vector<std::pair<std::int64_t, std::size_t>>{{50'000, 32'768}, {82'768, 17'232}, {100'000, 32'768}, {132'768, 17'232}});
}

TEST_CASE("a replica without a log gets the newest file from its start", "[ha]") {
  LogStore store;
  store.append(2 * kFileSize + 10);
  HaServer server(store, local_server());
  REQUIRE(server.start());
  Peer replica(server.port());
  replica.report(0);

  const auto frame = replica.read_frame();

  CHECK(frame.offset == 2 * kFileSize);
  CHECK(frame.body.size() == 10);
}

TEST_CASE("a request beyond the end of the log gets heartbeats and no data", "[ha]") {
  LogStore store;
  store.append(10);
  auto options = local_server();
  options.heartbeat_interval = std::chrono::milliseconds(1);
  HaServer server(store, options);
  REQUIRE(server.start());
  Peer replica(server.port());
  replica.report(7'000);

  const auto frame = replica.read_frame();

  CHECK(frame.offset == 7'000);
  CHECK(frame.body.empty());
}

TEST_CASE("only the latest report counts and it reaches the store, until the connection is gone", "[ha]") {
  LogStore store;
  store.append(1'000);
  HaServer server(store, local_server());
  REQUIRE(server.start());
  {
    Peer replica(server.port());
    replica.report(100);
    replica.read_frame();
    replica.report(500);
    replica.report(1'000);
    REQUIRE(eventually([&] { return store.acknowledged() == std::vector<std::int64_t>{1'000}; }));
    const auto replicas = server.replicas();
    REQUIRE(replicas.size() == 1);
    CHECK(replicas[0].behind_bytes == 0);
    CHECK(replicas[0].in_sync);
  }
  CHECK(eventually([&] { return store.acknowledged().empty() && server.replicas().empty(); }));
}

TEST_CASE("a silent replica is dropped", "[ha]") {
  LogStore store;
  auto options = local_server();
  options.housekeeping_interval = std::chrono::milliseconds(1);
  HaServer server(store, options);
  REQUIRE(server.start());
  Peer replica(server.port());
  CHECK(replica.closed_by_peer());
}

TEST_CASE("a replica follows a growing log to the same bytes and comes back after a loss", "[ha]") {
  LogStore master;
  LogStore replica;
  master.append(70'000);
  auto server = std::make_unique<HaServer>(master, local_server());
  REQUIRE(server->start());
  HaClient client(replica, quick_client());
  client.set_master(address_of(*server));
  client.start();
  REQUIRE(eventually([&] { return replica.log() == master.log(); }));

  master.append(80'000);
  server->wake();
  REQUIRE(eventually([&] { return replica.log() == master.log(); }));
  CHECK(eventually([&] { return master.acknowledged() == std::vector<std::int64_t>{150'000}; }));

  server = std::make_unique<HaServer>(master, local_server());
  REQUIRE(server->start());
  master.append(5);
  client.set_master(address_of(*server));
  CHECK(eventually([&] { return replica.log() == master.log(); }));
  CHECK(client.status().connected);
}

TEST_CASE("a replica closes when a frame, or a heartbeat, does not begin at its end", "[ha]") {
  LogStore store;
  store.append(100);
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  HaClient client(store, quick_client());
  client.set_master("127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
  client.start();
  Peer master(acceptor);
  REQUIRE(master.read_report() == 100);

  master.send_frame(100, "0123456789");
  REQUIRE(master.read_report() == 110);
  master.send_frame(111, "");

  CHECK(master.closed_by_peer());
  Peer again(acceptor);
  CHECK(again.read_report() == 110);
}

TEST_CASE("a replica drops a master that claims a frame of impossible size", "[ha]") {
  LogStore store;
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  HaClient client(store, quick_client());
  client.set_master("127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
  client.start();
  Peer master(acceptor);
  master.read_report();
  master.send_header(0, -5);
  CHECK(master.closed_by_peer());
}

}  // namespace skylark::broker
