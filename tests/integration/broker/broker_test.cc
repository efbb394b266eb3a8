// SPDX-License-Identifier: Apache-2.0
// A broker on loopback, spoken to by a bare client.
#include <atomic>

#include "broker/consumer_manager.h"
#include "broker/held_pulls.h"
#include "protocol/bodies/heartbeat.h"
#include "protocol/json.h"
#include "protocol/nameserver_headers.h"
#include "protocol/offset_headers.h"
#include "remoting/server.h"
#include "tests/integration/broker/harness.h"

namespace skylark::broker {
namespace {

RemotingCommand heartbeat(const std::string& client_id, const std::string& topic) {
  HeartbeatData data;
  data.client_id = client_id;
  ConsumerData consumer;
  consumer.group = "G";
  SubscriptionData subscription;
  subscription.topic = topic;
  consumer.subscriptions.push_back(subscription);
  data.consumers.push_back(consumer);
  RemotingCommand request;
  request.code = to_int(RequestCode::heart_beat);
  request.body = Body(json::write(data.to_json()));
  return request;
}

bool routed(Peer& peer, const std::string& name_server, const std::string& topic) {
  GetRouteInfoRequestHeader header;
  header.topic = topic;
  return peer.ask(name_server, make_request(to_int(RequestCode::get_routeinfo_by_topic), header)).code == to_int(ResponseCode::success);
}

/// A name server that answers registrations only once it may, and notes them.
class SlowNameServer final : public remoting::Dispatcher {
 public:
  explicit SlowNameServer(remoting::IoPool& pool) : server_(pool, {.bind_address = "127.0.0.1"}, *this) { REQUIRE(server_.start()); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(server_.port()); }
  remoting::Reply dispatch(RemotingCommand& request, const remoting::ConnectionPtr& connection) override {
    if (request.code != to_int(RequestCode::register_broker)) return make_response(request, to_int(ResponseCode::success));
    const std::lock_guard lock(mutex_);
    bodies_.push_back(request.body.to_string());
    if (!held_) return make_response(request, to_int(ResponseCode::success));
    waiting_.emplace_back(connection, request);
    return remoting::Reply::deferred();
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    for (const remoting::Responder& responder : waiting_) responder.respond(RemotingCommand());
  }
  [[nodiscard]] std::size_t registrations() {
    const std::lock_guard lock(mutex_);
    return bodies_.size();
  }
  [[nodiscard]] bool told(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    return !bodies_.empty() && bodies_.back().find('"' + topic + '"') != std::string::npos;
  }

 private:
  std::mutex mutex_;
  bool held_ = true;
  std::vector<std::string> bodies_;
  std::vector<remoting::Responder> waiting_;
  remoting::Server server_;
};

std::int64_t committed(Peer& peer, const std::string& address) {
  const QueryConsumerOffsetRequestHeader header{
      .consumer_group = "G", .topic = "T", .queue_id = 0, .set_zero_if_not_found = false, .broker_name = std::nullopt};
  return peer.ask(address, make_request(to_int(RequestCode::query_consumer_offset), header)).ext.integer("offset").value_or(-1);
}

}  // namespace

TEST_CASE("messages, topics and offsets are there again after a restart", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker broker(pool);
  Peer peer(pool);
  broker.start();
  for (int i = 0; i < 100; ++i) CHECK(peer.send(broker.address(), "T", "message " + std::to_string(i)) == i);
  CHECK(peer.ask(broker.address(), heartbeat("a", "T")).code == 0);  // Makes the group.
  const UpdateConsumerOffsetRequestHeader commit{
      .consumer_group = "G", .topic = "T", .queue_id = 0, .commit_offset = 42, .broker_name = std::nullopt};
  CHECK(peer.ask(broker.address(), make_request(to_int(RequestCode::update_consumer_offset), commit)).code == 0);
  broker.stop();

  broker.start({}, "autoCreateTopicEnable=false\n");  // The topic is in the table, or this send fails.
  const auto again = [&] { return peer.client().invoke_sync(broker.address(), Peer::send_request("T", "after"), kPatience); };
  Result<RemotingCommand> response = again();
  CHECK(eventually([&] { return response || (response = again()); }));  // The old channel may be found dead first.
  REQUIRE(response);
  CHECK(response->ext.integer("queueOffset") == 100);
  REQUIRE(broker.readable_until("T", 101));
  CHECK(peer.pull(broker.address(), "T", 99) == std::vector<std::string>{"message 99", "after"});
  CHECK(committed(peer, broker.address()) == 42);
}

// What a kill right after an auto-creation can leave: the queues of a topic without its entry.
TEST_CASE("messages of a topic that the table lost are readable again once a client sends", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker broker(pool);
  broker.start();
  {
    Peer peer(pool);
    for (int i = 0; i < 10; ++i) CHECK(peer.send(broker.address(), "T", "message " + std::to_string(i)) == i);
    REQUIRE(broker.readable_until("T", 10));
  }
  broker.stop();
  const auto files = make_disk_file_system();
  REQUIRE(files->remove(broker.root() + "/config/topics.json"));
  (void)files->remove(broker.root() + "/config/topics.json.bak");

  broker.start();
  Peer peer(pool);
  CHECK(peer.ask(broker.address(), Peer::pull_request("T", 0)).code == to_int(ResponseCode::topic_not_exist));
  CHECK(broker.parts().store.max_offset("T", 0) == 10);
  CHECK(peer.send(broker.address(), "T", "after") == 10);
  REQUIRE(broker.readable_until("T", 11));
  const auto bodies = peer.pull(broker.address(), "T", 0);
  REQUIRE(bodies.size() == 11);
  CHECK(bodies.front() == "message 0");
  CHECK(bodies.back() == "after");
}

TEST_CASE("a held pull is answered by the next message", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker broker(pool);
  Peer producer(pool);
  Peer consumer(pool);
  broker.start();
  producer.send(broker.address(), "T", "first");
  REQUIRE(broker.readable_until("T", 1));

  std::atomic<bool> answered{false};
  Result<RemotingCommand> response = make_error_code(boost::system::errc::not_connected);
  consumer.client().invoke(broker.address(), Peer::pull_request("T", 1, 50'000), kPatience, [&](Result<RemotingCommand> result) {
    if (result) result->own();
    response = std::move(result);
    answered = true;
  });
  REQUIRE(eventually([&] { return broker.parts().held_pulls.size() == 1; }));
  CHECK_FALSE(answered);
  producer.send(broker.address(), "T", "second");
  REQUIRE(eventually([&] { return answered.load(); }));
  REQUIRE(response);
  CHECK(Peer::bodies(*response) == std::vector<std::string>{"second"});
}

TEST_CASE("a held pull is answered when its time is over, and when the broker stops", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker broker(pool);
  Peer peer(pool);
  broker.start();
  peer.send(broker.address(), "T", "first");
  REQUIRE(broker.readable_until("T", 1));
  CHECK(peer.ask(broker.address(), Peer::pull_request("T", 1, 50)).code == to_int(ResponseCode::pull_not_found));

  std::atomic<std::int32_t> code{-1};
  peer.client().invoke(broker.address(), Peer::pull_request("T", 1, 50'000), kPatience,
                       [&code](Result<RemotingCommand> result) { code = result ? result->code : -2; });
  REQUIRE(eventually([&] { return broker.parts().held_pulls.size() == 1; }));
  broker.stop();
  REQUIRE(eventually([&] { return code != -1; }));
  CHECK(code == to_int(ResponseCode::pull_not_found));
}

TEST_CASE("answers overtake a held pull, and sends that wait for the disk share flushes", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker broker(pool);
  Peer peer(pool);
  broker.start({}, "flushDiskType=SYNC_FLUSH\n");
  peer.send(broker.address(), "T", "first");
  const std::int64_t flushes_before = broker.parts().store.flush_count();

  std::atomic<bool> pull_answered{false};
  peer.client().invoke(broker.address(), Peer::pull_request("T", 0, 50'000, 1), kPatience,
                       [&](Result<RemotingCommand>) { pull_answered = true; });
  REQUIRE(eventually([&] { return broker.parts().held_pulls.size() == 1; }));
  // 64 at a time; more rounds only where a flush is so quick, or the client so slow, that each send finds the disk idle.
  constexpr int kSends = 64, kRoundsMax = 50;
  std::atomic<int> stored{0};
  bool shared = false;
  for (int round = 1; round <= kRoundsMax && !shared; ++round) {
    for (int i = 0; i < kSends; ++i) {
      peer.client().invoke(broker.address(), Peer::send_request("T", "message"), kPatience, [&stored](Result<RemotingCommand> result) {
        if (result && result->code == to_int(ResponseCode::success)) ++stored;
      });
    }
    REQUIRE(eventually([&] { return stored == round * kSends; }));
    shared = broker.parts().store.flush_count() - flushes_before < round * kSends;
  }
  CHECK(shared);
  CHECK_FALSE(pull_answered);
  CHECK(broker.parts().store.flushed_physical_offset() == broker.parts().store.max_physical_offset());
  broker.stop();
  CHECK(eventually([&] { return pull_answered.load(); }));
}

TEST_CASE("members of a group hear of each other, also of one that is cut off", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker broker(pool);
  Peer first(pool);
  Peer second(pool);
  broker.start();
  CHECK(first.ask(broker.address(), heartbeat("a", "T")).code == to_int(ResponseCode::success));
  CHECK(eventually([&] { return first.inbox().count(RequestCode::notify_consumer_ids_changed) == 1; }));
  CHECK(second.ask(broker.address(), heartbeat("b", "T")).code == to_int(ResponseCode::success));
  CHECK(eventually([&] {
    return first.inbox().count(RequestCode::notify_consumer_ids_changed) == 2 &&
           second.inbox().count(RequestCode::notify_consumer_ids_changed) == 1;
  }));
  CHECK(broker.parts().consumers.client_ids("G") == std::vector<std::string>{"a", "b"});
  second.client().disconnect(broker.address());
  CHECK(eventually([&] { return first.inbox().count(RequestCode::notify_consumer_ids_changed) == 3; }));
  CHECK(broker.parts().consumers.client_ids("G") == std::vector<std::string>{"a"});
}

TEST_CASE("the fast port serves everything but pulls", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker broker(pool);
  Peer peer(pool);
  broker.start();
  CHECK(peer.send(broker.fast_address(), "T", "fast") == 0);
  const auto refused = peer.ask(broker.fast_address(), Peer::pull_request("T", 0));
  CHECK(refused.code == to_int(ResponseCode::request_code_not_supported));
  CHECK(refused.remark == " request type 11 not supported");
  CHECK(peer.pull(broker.address(), "T", 0) == std::vector<std::string>{"fast"});
}

TEST_CASE("a broker registers with every name server, tells new topics at once and leaves at stop", "[broker]") {
  remoting::IoPool pool(2);
  TestNameServer one(pool);
  auto other = std::make_unique<TestNameServer>(pool);
  TestBroker broker(pool);
  Peer peer(pool);
  broker.start(one.address + ";" + other->address);
  CHECK(eventually([&] { return routed(peer, one.address, "TBW102") && routed(peer, other->address, "TBW102"); }));
  peer.send(broker.address(), "T", "first");
  CHECK(eventually([&] { return routed(peer, one.address, "T") && routed(peer, other->address, "T"); }));

  other->server.stop();
  peer.send(broker.address(), "U", "first");
  CHECK(eventually([&] { return routed(peer, one.address, "U"); }));
  broker.stop();
  CHECK(eventually([&] { return !routed(peer, one.address, "T"); }));
}

TEST_CASE("topics that are made while a registration is under way share the next one", "[broker]") {
  remoting::IoPool pool(2);
  SlowNameServer name_server(pool);
  TestBroker broker(pool);
  Peer peer(pool);
  broker.start(name_server.address());
  REQUIRE(eventually([&] { return name_server.registrations() == 1; }));
  for (int i = 0; i < 100; ++i) peer.send(broker.address(), "Topic" + std::to_string(i), "first");
  CHECK(name_server.registrations() == 1);
  name_server.release();
  CHECK(eventually([&] { return name_server.told("Topic99"); }));
  CHECK(name_server.told("Topic0"));
  CHECK(name_server.registrations() == 2);
}

TEST_CASE("a broker whose port is taken says which and leaves a clean store", "[broker]") {
  remoting::IoPool pool(2);
  TestBroker running(pool);
  running.start();
  const std::string port = std::to_string(running.port());
  TestBroker other(pool);
  CHECK_THROWS_WITH(other.start({}, "fastListenPort=" + port + "\n"), Catch::Contains(port));
  CHECK_FALSE(running.parts().files.exists(other.root() + "/abort"));
}

}  // namespace skylark::broker
