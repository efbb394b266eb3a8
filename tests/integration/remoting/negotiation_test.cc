// SPDX-License-Identifier: Apache-2.0
// Which codec goes which way: type 2 only between peers that agreed on this connection.
#include "base/error.h"
#include "remoting/client.h"
#include "remoting/server.h"
#include "tests/integration/remoting/harness.h"
#include "tests/support/catch.h"

namespace skylark::remoting::test {
namespace {

struct Fixture {
  explicit Fixture(ClientOptions options = {}) : server(pool, local(), service), client(pool, options) { REQUIRE(server.start()); }
  static ServerOptions local() {
    ServerOptions options;
    options.bind_address = "127.0.0.1";
    return options;
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(server.port()); }
  Result<RemotingCommand> ask(RemotingCommand command) { return client.invoke_sync(address(), std::move(command), kPatience); }
  [[nodiscard]] std::uint64_t received(Codec codec) const { return server.counters().frames_received[static_cast<std::size_t>(codec)]; }
  [[nodiscard]] std::uint64_t sent(Codec codec) const { return server.counters().frames_sent[static_cast<std::size_t>(codec)]; }

  Service service;
  IoPool pool{2};
  Server server;
  Client client;
};

RemotingCommand with_codec(RemotingCommand command, Codec codec) {
  command.codec = codec;
  return command;
}

RemotingCommand offering(RemotingCommand command) {
  command.ext.add_integer("codecs", 2);
  return command;
}

}  // namespace

TEST_CASE("a request is answered in its own codec", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  for (const Codec codec : {Codec::json, Codec::rocketmq, Codec::json}) {
    peer.write(encoded(with_codec(request(kEcho), codec)));
    const auto response = peer.read();
    REQUIRE(response);
    CHECK(response->codec == codec);
    CHECK_FALSE(response->ext.find("codecs"));
  }
}

TEST_CASE("a server echoes the offer and takes type 2 from then on", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  const Codec first = GENERATE(Codec::json, Codec::rocketmq);
  peer.write(encoded(offering(with_codec(request(kEcho, "a", 1), first))));
  const auto echo = peer.read();
  REQUIRE(echo);
  CHECK(echo->codec == first);
  CHECK(echo->ext.integer("codecs") == 2);

  peer.write(encoded(with_codec(request(kEcho, "b", 2), Codec::flatbuffers)));
  const auto response = peer.read();
  REQUIRE(response);
  CHECK(response->codec == Codec::flatbuffers);
  CHECK(response->body.view() == "b");
  CHECK_FALSE(response->ext.find("codecs"));
}

TEST_CASE("the echo also comes with an answer that was deferred", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(offering(request(kDefer, "", 1))) + encoded(request(kEcho, "", 2)));
  const auto overtaking = peer.read();
  REQUIRE(overtaking);
  CHECK(overtaking->opaque == 2);
  CHECK_FALSE(overtaking->ext.find("codecs"));
  fixture.service.release();
  const auto deferred = peer.read();
  REQUIRE(deferred);
  CHECK(deferred->opaque == 1);
  CHECK(deferred->ext.integer("codecs") == 2);
}

TEST_CASE("type 2 from a peer that offered nothing ends the connection", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kEcho)));
  REQUIRE(peer.read());
  peer.write(encoded(with_codec(request(kEcho), Codec::flatbuffers)));
  CHECK(peer.reads_end());
  CHECK(fixture.server.counters().frames_rejected == 1);
}

TEST_CASE("a server asks in the codec that its peer is known to read", "[remoting]") {
  Fixture fixture;
  RawPeer peer(fixture.server.port());
  peer.write(encoded(request(kEcho)));
  REQUIRE(peer.read());
  const ConnectionPtr connection = fixture.service.last_opened();
  const auto asked_in = [&] {
    connection->invoke_one_way(request(40));
    const auto asked = peer.read();
    REQUIRE(asked);
    CHECK(asked->code == 40);
    CHECK(asked->is_one_way());
    CHECK(asked->codec == connection->preferred_codec());
    return asked->codec;
  };
  CHECK(asked_in() == Codec::json);
  peer.write(encoded(with_codec(request(kEcho), Codec::rocketmq)));
  REQUIRE(peer.read());
  CHECK(asked_in() == Codec::rocketmq);
  peer.write(encoded(offering(request(kEcho))));
  REQUIRE(peer.read());
  CHECK(asked_in() == Codec::flatbuffers);
}

TEST_CASE("client and server move to type 2 after the first answer, anew on each connection", "[remoting]") {
  Fixture fixture;
  REQUIRE(fixture.ask(request(kEcho, "first")));
  CHECK(fixture.received(Codec::json) == 1);
  for (int i = 0; i < 3; ++i) {
    const auto response = fixture.ask(request(kEcho, "later"));
    REQUIRE(response);
    CHECK(response->codec == Codec::flatbuffers);
    CHECK(response->body.view() == "later");
  }
  CHECK(fixture.received(Codec::flatbuffers) == 3);
  CHECK(fixture.sent(Codec::flatbuffers) == 3);

  fixture.client.disconnect(fixture.address());
  REQUIRE(fixture.ask(request(kEcho, "first again")));
  CHECK(fixture.received(Codec::json) == 2);
}

TEST_CASE("a client that offers nothing stays with the codec of its requests", "[remoting]") {
  ClientOptions options;
  options.offer_flatbuffers = false;
  Fixture fixture(options);
  for (const Codec codec : {Codec::json, Codec::rocketmq, Codec::json}) {
    const auto response = fixture.ask(with_codec(request(kEcho), codec));
    REQUIRE(response);
    CHECK(response->codec == codec);
    CHECK_FALSE(response->ext.find("codecs"));
  }
  CHECK(fixture.received(Codec::flatbuffers) == 0);
}

TEST_CASE("a peer that does not echo, as Java does not, is never sent type 2", "[remoting]") {
  RawServer server;
  IoPool pool(1);
  Client client(pool, {});
  std::atomic<int> answered{0};
  const auto ask = [&] {
    client.invoke(server.address(), request(kEcho), kPatience, [&](const Result<RemotingCommand>& r) { answered += r ? 1 : 0; });
  };
  ask();
  RawPeer peer = server.accept();
  for (int i = 0; i < 3; ++i) {
    const auto asked = peer.read();
    REQUIRE(asked);
    CHECK(asked->codec == Codec::json);
    CHECK(asked->ext.integer("codecs").has_value() == (i == 0));  // Offered once.
    peer.write(encoded(make_response(*asked, 0)));
    REQUIRE(eventually([&] { return answered == i + 1; }));
    ask();
  }
  RemotingCommand intruder = request(40);
  intruder.codec = Codec::flatbuffers;
  peer.write(encoded(intruder));
  CHECK(peer.reads_end());
  CHECK(client.counters().frames_rejected == 1);
}

}  // namespace skylark::remoting::test
