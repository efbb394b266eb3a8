// SPDX-License-Identifier: Apache-2.0
// What peers may not do, and that it costs them their connection and nobody else anything.
#include "remoting/server.h"

#include "base/bytes.h"
#include "tests/integration/remoting/harness.h"
#include "tests/support/catch.h"

#include <limits>
#include <thread>

namespace skylark::remoting::test {
namespace {

struct Fixture {
  explicit Fixture(ServerOptions options = {}) : server(pool, local(std::move(options)), service) { REQUIRE(server.start()); }
  static ServerOptions local(ServerOptions options) {
    options.bind_address = "127.0.0.1";
    return options;
  }
  [[nodiscard]] const Counters& counters() const { return server.counters(); }

  Service service;
  IoPool pool{1};
  Server server;
};

struct Breach {
  std::string what;
  std::string bytes;
};

std::string frame(std::int32_t length, std::uint32_t type_and_header_length, std::string_view rest = {}) {
  std::string bytes;
  append_be<std::int32_t>(bytes, length);
  append_be<std::uint32_t>(bytes, type_and_header_length);
  return bytes.append(rest);
}

std::vector<Breach> breaches() {
  return {{"negative length", frame(-1, 0)},
          {"most negative length", frame(std::numeric_limits<std::int32_t>::min(), 0)},
          {"one byte too long", frame(16'777'213, 0)},
          {"far too long", frame(std::numeric_limits<std::int32_t>::max(), 0)},
          {"no room for the codec", frame(0, 0)},
          {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8)},
          {"header longer than the frame", frame(20, 17, std::string(16, ' '))},
          {"unknown codec", frame(20, (3u << 24) | 16u, std::string(16, ' '))},
          {"type 2 without agreement", frame(20, (2u << 24) | 16u, std::string(16, ' '))},
          {"JSON header that is none", frame(20, 16, std::string(16, '\x01'))},
          {"binary header cut short", frame(20, (1u << 24) | 16u, std::string(16, '\0'))}};
}

}  // namespace

TEST_CASE("a bad frame ends its connection, after the good ones before it are answered, and no other", "[remoting]") {
  Fixture fixture;
  RawPeer bystander(fixture.server.port());
  std::uint64_t rejected = 0;
  for (const Breach& breach : breaches()) {
    INFO(breach.what);
    RawPeer peer(fixture.server.port());
    peer.write(encoded(request(kEcho, "good", 1)) + breach.bytes);
    const auto response = peer.read();
    REQUIRE(response);
    CHECK(response->body.view() == "good");
    CHECK(peer.reads_end());
    ++rejected;
    CHECK(eventually([&] { return fixture.counters().frames_rejected == rejected; }));
    bystander.write(encoded(request(kEcho, "still here", 2)));
    CHECK(bystander.read().has_value());
  }
  CHECK(fixture.counters().frames_rejected == breaches().size());
}

TEST_CASE("a configured frame bound holds", "[remoting]") {
  ServerOptions options;
  options.frame_size_max_bytes = 1'000;
  Fixture fixture(options);
  RawPeer peer(fixture.server.port());
  const std::size_t head_size = encoded(request(kEcho, "x")).size() - 1;
  peer.write(encoded(request(kEcho, std::string(1'000 - head_size, 'x'), 0)));
  REQUIRE(peer.read());
  peer.write(encoded(request(kEcho, std::string(1'001 - head_size, 'x'), 0)));
  CHECK(peer.reads_end());
  CHECK(fixture.counters().frames_rejected == 1);
}

TEST_CASE("a peer that goes in the middle of a frame is forgotten", "[remoting]") {
  Fixture fixture;
  {
    RawPeer peer(fixture.server.port());
    const std::string bytes = encoded(request(kEcho, "never whole"));
    peer.write(std::string_view(bytes).substr(0, bytes.size() - 1));
    REQUIRE(eventually([&] { return fixture.service.opened == 1; }));
  }
  CHECK(eventually([&] { return fixture.service.closed == 1; }));
  CHECK(fixture.service.requests == 0);
  CHECK(fixture.counters().frames_rejected == 0);
}

TEST_CASE("a silent connection ends after the idle time", "[remoting]") {
  ServerOptions options;
  options.idle_timeout = 100ms;
  Fixture fixture(options);
  RawPeer peer(fixture.server.port());
  CHECK(peer.reads_end());
  CHECK(eventually([&] { return fixture.service.closed == 1; }));
  CHECK(fixture.counters().connections_idle == 1);
}

TEST_CASE("a frame that trickles in for ever ends its connection", "[remoting]") {
  ServerOptions options;
  options.idle_timeout = 200ms;
  Fixture fixture(options);
  RawPeer peer(fixture.server.port());
  const std::string bytes = encoded(request(kEcho, std::string(1u << 20, 'x')));
  std::size_t at = 0;
  CHECK(eventually([&] {  // A byte at each look, until the server has had enough.
    if (at < bytes.size() - 1) peer.write(std::string_view(bytes).substr(at++, 1));
    return fixture.counters().connections_idle == 1;
  }));
  CHECK(peer.reads_end());
  CHECK(fixture.service.requests == 0);
}

TEST_CASE("a peer that does not read is not read either, and gets everything once it reads", "[remoting]") {
  ServerOptions options;
  options.unsent_max_bytes = 64u << 10;
  Fixture fixture(options);
  RawPeer peer(fixture.server.port());
  const std::string bytes = encoded(request(kEcho, std::string(16u << 10, 'e'), 0));
  const std::size_t written = peer.write_until_blocked(bytes);
  REQUIRE(written > bytes.size());
  const std::size_t whole = (written + bytes.size() - 1) / bytes.size();
  std::thread rest(
      [&] { peer.write(std::string_view(bytes).substr(written % bytes.size() == 0 ? bytes.size() : written % bytes.size())); });
  std::size_t answered = 0;
  while (answered < whole) {
    const auto response = peer.read();
    if (!response || response->body.size() != 16u << 10) break;
    ++answered;
  }
  rest.join();
  CHECK(answered == whole);
  CHECK(fixture.counters().connections_overrun == 0);
}

TEST_CASE("a peer that never reads is closed and its pins are given back", "[remoting]") {
  ServerOptions options;
  options.unsent_max_bytes = 4u << 20;
  options.idle_timeout = 200ms;
  Fixture fixture(options);
  RawPeer peer(fixture.server.port());
  RemotingCommand wanted = request(kStore);
  wanted.ext.add_integer("size", 8 << 20);
  peer.write(encoded(wanted) + encoded(request(kEcho)));
  CHECK(eventually([&] { return fixture.counters().connections_overrun == 1; }));
  CHECK(eventually([&] { return fixture.service.closed == 1 && fixture.service.pins == 0; }));
}

TEST_CASE("output that other threads pile up on a peer that does not read is bounded", "[remoting]") {
  ServerOptions options;
  options.unsent_max_bytes = 64u << 10;
  Fixture fixture(options);
  RawPeer peer(fixture.server.port());
  REQUIRE(eventually([&] { return fixture.service.opened == 1; }));
  const ConnectionPtr connection = fixture.service.last_opened();
  CHECK(eventually([&] {
    connection->send(one_way(kEcho, std::string(64u << 10, 'n')));
    return fixture.counters().connections_overrun == 1;
  }));
  CHECK(eventually([&] { return fixture.service.closed == 1; }));
}

}  // namespace skylark::remoting::test
