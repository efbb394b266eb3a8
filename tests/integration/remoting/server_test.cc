// SPDX-License-Identifier: Apache-2.0
#include "remoting/server.h"

#include "base/error.h"
#include "tests/integration/remoting/harness.h"
#include "tests/support/catch.h"

#include <set>
#include <thread>

namespace skylark::remoting::test {
namespace {

struct Fixture {
  explicit Fixture(ServerOptions options = {}) : server(pool, local(std::move(options)), service) { REQUIRE(server.start()); }
  static ServerOptions local(ServerOptions options) {
    options.bind_address = "127.0.0.1";
    return options;
  }
  Service service;
  IoPool pool{2};
  Server server;
};

}  // namespace

TEST_CASE("a request is answered with its opaque and its body", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kEcho, "hello", 42)));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->opaque == 42);
  CHECK(response->is_response());
  CHECK(response->body.view() == "hello");
  CHECK(fixture.server.counters().frames_received[0] == 1);
  CHECK(fixture.server.counters().frames_sent[0] == 1);
}

TEST_CASE("ten thousand pipelined requests are answered in order on one connection", "[remoting]") {
  Fixture fixture;
  constexpr int kCount = 10'000;
  RawPeer peer(fixture.server.port());
  std::thread writer([&peer] {
    for (int begin = 0; begin < kCount; begin += 100) {
      std::string bytes;
      for (int i = begin; i < begin + 100; ++i) bytes += encoded(request(kEcho, "body " + std::to_string(i), i));
      peer.write(bytes);
    }
  });
  int answered = 0;
  while (answered < kCount) {
    const auto response = peer.read();
    if (!response || response->opaque != answered || response->body.view() != "body " + std::to_string(answered)) break;
    ++answered;
  }
  writer.join();
  CHECK(answered == kCount);
}

TEST_CASE("a deferred answer is overtaken by later ones", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += encoded(request(i % 2 == 0 ? kDefer : kEcho, "b", i));
  peer.write(bytes);
  for (const int expected : {1, 3}) {
    const auto response = peer.read();
    REQUIRE(response);
    CHECK(response->opaque == expected);
  }
  fixture.service.release();
  for (const int expected : {0, 2}) {
    const auto response = peer.read();
    REQUIRE(response);
    CHECK(response->opaque == expected);
    CHECK(response->is_response());
  }
}

TEST_CASE("one-way requests are never answered", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  for (const std::int32_t code :
       {static_cast<std::int32_t>(kEcho), static_cast<std::int32_t>(kThrow), static_cast<std::int32_t>(kDefer), 77}) {
    peer.write(encoded(one_way(code)));
  }
  REQUIRE(eventually([&] { return fixture.service.requests == 4; }));
  fixture.service.release();
  peer.write(encoded(request(kEcho, "after", 9)));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->opaque == 9);
}

TEST_CASE("an exception of a handler becomes code 1 with its text", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kThrow, "", 5)));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->code == 1);
  CHECK(response->opaque == 5);
  CHECK(response->remark == "the handler fell over");
}

TEST_CASE("an answer above the frame bound becomes code 1", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  RemotingCommand large = request(kLarge, "", 6);
  large.ext.add_integer("size", static_cast<std::int64_t>(kFrameSizeMax));
  peer.write(encoded(large));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->code == 1);
  CHECK(response->opaque == 6);
}

TEST_CASE("stored slices arrive whole and their pins go once they are written", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  const auto size_bytes = GENERATE(10, 4'000, 10'000, 3'000'000);
  RemotingCommand wanted = request(kStore, "", 7);
  wanted.ext.add_integer("size", size_bytes);
  peer.write(encoded(wanted) + encoded(request(kEcho, "next", 8)));
  const auto stored = peer.read();
  REQUIRE(stored);
  const std::string half(static_cast<std::size_t>(size_bytes) / 2, 's');
  CHECK(stored->body.view() == half + "|" + half);
  const auto next = peer.read();
  REQUIRE(next);
  CHECK(next->body.view() == "next");
  CHECK(eventually([&] { return fixture.service.pins == 0; }));
}

TEST_CASE("a frame may arrive byte by byte, also with its neighbours", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  const std::string bytes = encoded(request(kEcho, "first", 1)) + encoded(request(kEcho, "second", 2));
  for (const char byte : bytes) peer.write({&byte, 1});
  CHECK(peer.read()->body.view() == "first");
  CHECK(peer.read()->body.view() == "second");
}

TEST_CASE("large requests and answers pass", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  const std::string body(4u << 20, 'q');
  peer.write(encoded(request(kEcho, body, 3)));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->body.view() == body);
}

TEST_CASE("many threads may answer on one connection at once", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kEcho)));
  REQUIRE(peer.read());
  const ConnectionPtr connection = fixture.service.last_opened();
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&connection, t] {
      for (int i = 0; i < kEach; ++i) {
        RemotingCommand response = request(0, std::string(static_cast<std::size_t>(i) * 10, 'r'), t * kEach + i);
        response.flag = kFlagResponse;
        connection->send(std::move(response));
      }
    });
  }
  std::vector<int> last(kThreads, -1);
  bool in_order = true;
  int received = 0;
  for (; received < kThreads * kEach; ++received) {
    const auto response = peer.read();
    if (!response) break;
    const int sender = response->opaque / kEach;
    const int number = response->opaque % kEach;
    in_order =
        in_order && number == last[static_cast<std::size_t>(sender)] + 1 && response->body.size() == static_cast<std::size_t>(number) * 10;
    last[static_cast<std::size_t>(sender)] = number;
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(received == kThreads * kEach);
  CHECK(in_order);
}

TEST_CASE("a handler that closes gets its answer out and no further request", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kClose, "", 1)) + encoded(request(kEcho, "", 2)));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->opaque == 1);
  CHECK(peer.reads_end());
  CHECK(eventually([&] { return fixture.service.closed == 1; }));
  CHECK(fixture.service.requests == 1);
}

TEST_CASE("connections are told apart, and each is opened and closed once", "[remoting]") {
  Fixture fixture;
  std::set<std::uint64_t> ids;
  std::vector<RawPeer> peers;
  for (int i = 0; i < 20; ++i) {
    peers.emplace_back(fixture.server.port());
    peers.back().write(encoded(request(kEcho)));
    REQUIRE(peers.back().read());
    ids.insert(fixture.service.last_opened()->id());
    CHECK(fixture.service.last_opened()->remote_address().starts_with("127.0.0.1:"));
    CHECK(fixture.service.last_opened()->local_address() == "127.0.0.1:" + std::to_string(fixture.server.port()));
  }
  CHECK(ids.size() == 20);
  peers.clear();
  CHECK(eventually([&] { return fixture.service.closed == 20; }));
  CHECK(fixture.service.opened == 20);
  CHECK(fixture.server.counters().connections_opened == 20);
  CHECK(fixture.server.counters().connections_closed == 20);
}

TEST_CASE("a peer that only stops writing is answered before the connection ends", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kEcho, "last words", 1)));
  peer.finish_writing();
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->body.view() == "last words");
  CHECK(peer.reads_end());
}

TEST_CASE("an address in use is an error of start", "[remoting]") {
  Fixture fixture;
  ServerOptions options;
  options.bind_address = "127.0.0.1";
  options.port = fixture.server.port();
  Server second(fixture.pool, options, fixture.service);
  const Result<void> started = second.start();
  REQUIRE_FALSE(started);
  CHECK(started.error() == boost::system::errc::address_in_use);
}

TEST_CASE("after stop_accepting open connections go on and new ones are refused or dropped", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kEcho, "1")));
  REQUIRE(peer.read());
  fixture.server.stop_accepting();
  fixture.server.stop_accepting();
  peer.write(encoded(request(kEcho, "2")));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->body.view() == "2");
}

TEST_CASE("stop closes every connection, runs every on_close, and may be called twice", "[remoting]") {
  Fixture fixture;
  std::vector<RawPeer> peers;
  for (int i = 0; i < 8; ++i) {
    peers.emplace_back(fixture.server.port());
    peers.back().write(encoded(request(kDefer)));
  }
  REQUIRE(eventually([&] { return fixture.service.deferred() == 8; }));
  fixture.server.stop();
  CHECK(fixture.service.closed == fixture.service.opened);
  fixture.service.release();  // Goes nowhere.
  for (RawPeer& peer : peers) CHECK(peer.reads_end());
  fixture.server.stop();
}

TEST_CASE("a server stops although its pool was stopped first", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kEcho)));
  REQUIRE(peer.read());
  fixture.pool.stop();
  fixture.server.stop();
  CHECK(fixture.service.closed == 1);
  CHECK(peer.reads_end());
}

}  // namespace skylark::remoting::test
