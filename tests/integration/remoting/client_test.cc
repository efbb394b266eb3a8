// SPDX-License-Identifier: Apache-2.0
#include "remoting/client.h"

#include "base/error.h"
#include "remoting/server.h"
#include "tests/integration/remoting/harness.h"
#include "tests/support/catch.h"

#include <thread>

namespace skylark::remoting::test {
namespace {

struct Fixture {
  explicit Fixture(ClientOptions options = {}) : client(pool, options, &client_service) { REQUIRE(start()); }
  Result<void> start() {
    ServerOptions options;
    options.bind_address = "127.0.0.1";
    server = std::make_unique<Server>(pool, options, service);
    return server->start();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }
  Result<RemotingCommand> ask(std::int32_t code, std::string body = {}) {
    return client.invoke_sync(address(), request(code, std::move(body)), kPatience);
  }

  Service service;
  Service client_service;
  IoPool pool{2};
  std::unique_ptr<Server> server;
  Client client;
};

/// Counts what callbacks are told.
struct Outcomes {
  std::atomic<int> answered{0};
  std::atomic<int> timed_out{0};
  std::atomic<int> closed{0};
  std::atomic<int> cannot_connect{0};
  std::atomic<int> other{0};
  [[nodiscard]] int all() const { return answered + timed_out + closed + cannot_connect + other; }
  ResponseCallback callback() {
    return [this](const Result<RemotingCommand>& result) {
      if (result)
        ++answered;
      else if (result.error() == Errc::timed_out)
        ++timed_out;
      else if (result.error() == Errc::closed)
        ++closed;
      else if (result.error() == Errc::cannot_connect)
        ++cannot_connect;
      else
        ++other;
    };
  }
};

}  // namespace

TEST_CASE("a synchronous request gets its answer", "[remoting]") {
  Fixture fixture;
  const auto response = fixture.ask(kEcho, "hello");
  REQUIRE(response);
  CHECK(response->body.view() == "hello");
  CHECK(fixture.ask(kEcho, "again")->body.view() == "again");
  CHECK(fixture.client.counters().connections_opened == 1);
}

TEST_CASE("names are resolved", "[remoting]") {
  Fixture fixture;
  const auto response =
      fixture.client.invoke_sync("localhost:" + std::to_string(fixture.server->port()), request(kEcho, "by name"), kPatience);
  REQUIRE(response);
  CHECK(response->body.view() == "by name");
}

TEST_CASE("an unknown code is answered and not an error", "[remoting]") {
  Fixture fixture;
  const auto response = fixture.ask(9'999);
  REQUIRE(response);
  CHECK(response->code == 3);
  CHECK(response->remark == " request type 9999 not supported");
}

TEST_CASE("thousands of requests from many threads are all called back once", "[remoting]") {
  Fixture fixture;
  Outcomes outcomes;
  constexpr int kThreads = 4;
  constexpr int kEach = 1'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) fixture.client.invoke(fixture.address(), request(kEcho, "x"), kPatience, outcomes.callback());
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(eventually([&] { return outcomes.all() == kThreads * kEach; }));
  CHECK(outcomes.answered == kThreads * kEach);
  CHECK(fixture.client.counters().connections_opened == 1);
}

TEST_CASE("a request without an answer times out, and a late answer is dropped", "[remoting]") {
  Fixture fixture;
  const auto response = fixture.client.invoke_sync(fixture.address(), request(kDefer, "late"), 50ms);
  REQUIRE_FALSE(response);
  CHECK(response.error() == Errc::timed_out);
  CHECK(fixture.client.counters().requests_timed_out == 1);
  REQUIRE(eventually([&] { return fixture.service.deferred() == 1; }));
  fixture.service.release();
  CHECK(fixture.ask(kEcho, "on time")->body.view() == "on time");
}

TEST_CASE("a short timeout ends before a long one that was asked earlier", "[remoting]") {
  Fixture fixture;
  Outcomes patient;
  fixture.client.invoke(fixture.address(), request(kDefer), kPatience, patient.callback());
  const auto response = fixture.client.invoke_sync(fixture.address(), request(kDefer), 20ms);
  CHECK(response.error() == Errc::timed_out);
  REQUIRE(eventually([&] { return fixture.service.deferred() == 2; }));
  CHECK(patient.all() == 0);
  fixture.service.release();
  CHECK(eventually([&] { return patient.answered == 1; }));
}

TEST_CASE("nobody listening is cannot_connect", "[remoting]") {
  Fixture fixture;
  const SilentPort silent;
  const std::string wrong = GENERATE("", "no-port", "127.0.0.1:", ":1");
  const std::string address = wrong.empty() ? silent.address() : wrong;
  const auto response = fixture.client.invoke_sync(address, request(kEcho), kPatience);
  REQUIRE_FALSE(response);
  CHECK(response.error() == Errc::cannot_connect);
  fixture.client.invoke_one_way(address, one_way(kEcho));
}

TEST_CASE("one-way requests arrive and are not answered", "[remoting]") {
  Fixture fixture;
  for (int i = 0; i < 10; ++i) fixture.client.invoke_one_way(fixture.address(), request(kEcho));
  CHECK(eventually([&] { return fixture.service.requests == 10; }));
  REQUIRE(fixture.ask(kEcho));
  CHECK(fixture.client.counters().frames_received[0] + fixture.client.counters().frames_received[2] == 1);
}

TEST_CASE("a lost connection ends its requests with closed, and the next one connects again", "[remoting]") {
  Fixture fixture;
  Outcomes outcomes;
  for (int i = 0; i < 10; ++i) fixture.client.invoke(fixture.address(), request(kDefer), kPatience, outcomes.callback());
  REQUIRE(eventually([&] { return fixture.service.deferred() == 10; }));
  fixture.service.last_opened()->close();
  CHECK(eventually([&] { return outcomes.closed == 10; }));
  CHECK(fixture.ask(kEcho, "again")->body.view() == "again");
  CHECK(fixture.client.counters().connections_opened == 2);
  CHECK(eventually([&] { return fixture.client_service.closed == 1; }));
}

TEST_CASE("disconnect ends what is pending there and nothing else", "[remoting]") {
  Fixture fixture;
  Outcomes outcomes;
  fixture.client.invoke(fixture.address(), request(kDefer), kPatience, outcomes.callback());
  REQUIRE(eventually([&] { return fixture.service.deferred() == 1; }));
  fixture.client.disconnect(fixture.address());
  fixture.client.disconnect("127.0.0.1:1");
  CHECK(eventually([&] { return outcomes.closed == 1; }));
  CHECK(fixture.ask(kEcho));
}

TEST_CASE("a server may ask its clients on their connection", "[remoting]") {
  Fixture fixture;
  REQUIRE(fixture.ask(kCallBack));
  CHECK(eventually([&] { return fixture.service.called_back == 1; }));
  CHECK(fixture.client_service.requests == 1);
}

TEST_CASE("a client without a dispatcher answers code 3", "[remoting]") {
  RawServer server;
  IoPool pool(1);
  Client client(pool, {});
  client.invoke_one_way(server.address(), request(kEcho));
  RawPeer peer = server.accept();
  REQUIRE(peer.read());
  peer.write(encoded(request(40, "", 77)));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->opaque == 77);
  CHECK(response->code == 3);
  CHECK(response->remark == " request type 40 not supported");
}

TEST_CASE("a peer that accepts and stays silent times out", "[remoting]") {
  RawServer server;  // The kernel completes the handshake; nobody reads.
  IoPool pool(1);
  Client client(pool, {});
  const auto response = client.invoke_sync(server.address(), request(kEcho), 50ms);
  REQUIRE_FALSE(response);
  CHECK(response.error() == Errc::timed_out);
}

TEST_CASE("an answer that is no frame closes the connection", "[remoting]") {
  RawServer server;
  IoPool pool(1);
  Client client(pool, {});
  Outcomes outcomes;
  client.invoke(server.address(), request(kEcho), kPatience, outcomes.callback());
  RawPeer peer = server.accept();
  REQUIRE(peer.read());
  peer.write("\xFF\xFF\xFF\xFF");
  CHECK(eventually([&] { return outcomes.closed == 1; }));
  CHECK(client.counters().frames_rejected == 1);
  CHECK(peer.reads_end());
}

TEST_CASE("stop ends all requests in flight with closed, and later ones too", "[remoting]") {
  Fixture fixture;
  RawServer silent;
  Outcomes outcomes;
  for (int i = 0; i < 50; ++i) {
    fixture.client.invoke(fixture.address(), request(kDefer), kPatience, outcomes.callback());
    fixture.client.invoke(silent.address(), request(kDefer), kPatience, outcomes.callback());
  }
  fixture.client.stop();
  CHECK(outcomes.all() == 100);
  CHECK(outcomes.closed == 100);
  fixture.client.stop();
  const auto late = fixture.ask(kEcho);
  REQUIRE_FALSE(late);
  CHECK(late.error() == Errc::closed);
}

TEST_CASE("a request after the pool has stopped ends with closed", "[remoting]") {
  Fixture fixture;
  REQUIRE(fixture.ask(kEcho));
  fixture.pool.stop();
  const auto late = fixture.ask(kEcho);
  REQUIRE_FALSE(late);
  CHECK(late.error() == Errc::closed);
}

TEST_CASE("a request that fits into no frame is too_large", "[remoting]") {
  Fixture fixture;
  const auto response = fixture.ask(kEcho, std::string(kFrameSizeMax, 'x'));
  REQUIRE_FALSE(response);
  CHECK(response.error() == Errc::too_large);
  CHECK(fixture.ask(kEcho));
}

TEST_CASE("server and client stop under load without losing a callback", "[remoting]") {
  Outcomes outcomes;
  std::atomic<int> asked{0};
  {
    Fixture fixture;
    const std::string address = fixture.address();
    std::vector<std::thread> threads;
    std::atomic<bool> stopping{false};
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (!stopping) {
          // Bounded, so that a slow machine is not buried.
          if (asked - outcomes.all() > 200) {
            std::this_thread::yield();
            continue;
          }
          ++asked;
          fixture.client.invoke(address, request(kEcho, "x"), kPatience, outcomes.callback());
        }
      });
    }
    const bool warm = eventually([&] { return outcomes.answered > 500; });
    fixture.server->stop();
    fixture.client.stop();
    stopping = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(warm);
  }
  CHECK(outcomes.all() == asked);
}

}  // namespace skylark::remoting::test
