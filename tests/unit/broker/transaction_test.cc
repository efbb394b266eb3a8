// SPDX-License-Identifier: Apache-2.0
#include "broker/transaction/transaction_service.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/transaction/half_message.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_message_store.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHalf = "RMQ_SYS_TRANS_HALF_TOPIC", kOp = "RMQ_SYS_TRANS_OP_HALF_TOPIC", kGivenUp = "TRANS_CHECK_MAX_TIME_TOPIC";

struct Check {
  std::string group;
  EndTransactionRequestHeader answer;  ///< As the producer would make it from the check.
  std::string topic;
  std::string body;
};

struct Fixture {
  ManualClock clock;
  FakeMessageStore store{clock};
  std::map<std::string, std::int64_t> progress;
  std::vector<Check> checks;
  bool producer_online = true;
  std::int32_t given_up_topic_needed = 0;
  std::unique_ptr<TransactionService> service = make_service();

  std::unique_ptr<TransactionService> make_service() {
    TransactionOptions options;
    options.check.count_max = 3;
    options.check.broker_name = "broker-a";
    options.check.store_host = *Host::parse("10.0.0.1:10911");
    HalfCheckPorts ports;
    ports.query_progress = [this](std::string_view topic) {
      const auto found = progress.find(std::string(topic));
      return found == progress.end() ? -1 : found->second;
    };
    ports.commit_progress = [this](std::string_view topic, std::int64_t offset) { progress[std::string(topic)] = offset; };
    ports.send_check = [this](std::string_view group, RemotingCommand request) { return take_check(group, request); };
    ports.need_given_up_topic = [this] { ++given_up_topic_needed; };
    return std::make_unique<TransactionService>(store, clock, options, std::move(ports), MessageHook{});
  }

  bool take_check(std::string_view group, const RemotingCommand& request) {
    if (!producer_online) return false;
    const auto header = *decode_header<CheckTransactionStateRequestHeader>(request);
    const auto message = *decode_record(request.body.view());
    CHECK(message.queue_offset == header.half_queue_offset);
    CHECK(message.physical_offset == header.half_physical_offset);
    CHECK(header.broker_name == "broker-a");
    Check check{std::string(group), {}, std::string(message.topic), std::string(message.body)};
    check.answer.producer_group = std::string(message.property(property::kProducerGroup).value());
    check.answer.half_queue_offset = header.half_queue_offset;
    check.answer.half_physical_offset = header.half_physical_offset;
    check.answer.from_transaction_check = true;
    checks.push_back(std::move(check));
    return true;
  }

  /// Stores a half message; the header with which its producer ends it.
  EndTransactionRequestHeader prepare(const std::string& body, const std::string& immunity_seconds = {}) {
    std::string properties;
    append_property(properties, property::kTransactionPrepared, "true");
    append_property(properties, property::kProducerGroup, "payers");
    append_property(properties, property::kUniqueKey, "KEY" + body);
    if (!immunity_seconds.empty()) append_property(properties, property::kCheckImmunity, immunity_seconds);
    PutMessage message;
    message.fields.topic = "Orders";
    message.fields.queue_id = 3;
    message.fields.sys_flag = sys_flag::kTransactionPrepared;
    message.fields.born_timestamp = clock.now_ms();
    message.fields.body = body;
    message.fields.properties = properties;
    REQUIRE(is_half_message(message.fields));
    std::string topic, rewritten;
    redirect_to_half_topic(message, topic, rewritten);
    const PutResult put = store.put_sync(message);
    EndTransactionRequestHeader header;
    header.producer_group = "payers";
    header.half_queue_offset = put.queue_offset;
    header.half_physical_offset = put.physical_offset;
    return header;
  }

  EndOutcome end(EndTransactionRequestHeader header, std::int32_t how) {
    header.commit_or_rollback = how;
    EndOutcome outcome{ResponseCode::system_busy, "no callback"};
    service->end(header, [&](EndOutcome result) { outcome = std::move(result); });
    return outcome;
  }
  EndOutcome commit(const EndTransactionRequestHeader& header) { return end(header, sys_flag::kTransactionCommit); }
  EndOutcome roll_back(const EndTransactionRequestHeader& header) { return end(header, sys_flag::kTransactionRollback); }

  void check_after(std::chrono::milliseconds time) {
    clock.advance(time);
    service->write_ops(false);
    service->run_checks();
  }
  std::size_t visible() { return store.messages("Orders", 3).size(); }
};

}  // namespace

TEST_CASE("a half message is kept in the half topic with a plain flag and the place where it belongs", "[broker][transaction]") {
  Fixture broker;
  broker.prepare("pay");
  CHECK(broker.visible() == 0);
  const auto half = broker.store.messages(kHalf);
  REQUIRE(half.size() == 1);
  CHECK((half[0].sys_flag & sys_flag::kTransactionMask) == 0);
  CHECK(half[0].property(property::kRealTopic) == "Orders");
  CHECK(half[0].property(property::kRealQueueId) == "3");
  CHECK(half[0].property(property::kTransactionId) == "KEYpay");
}

TEST_CASE("a transactional retry of an old client with a delay level is a plain message", "[broker][transaction]") {
  std::string properties;
  append_property(properties, property::kTransactionPrepared, "true");
  append_property(properties, property::kDelay, "3");
  RecordFields fields;
  fields.properties = properties;
  CHECK(is_half_message(fields));
  fields.reconsume_times = 1;
  CHECK_FALSE(is_half_message(fields));
}

TEST_CASE("a commit makes the message visible as it was sent", "[broker][transaction]") {
  Fixture broker;
  const auto header = broker.prepare("pay");
  CHECK(broker.commit(header).code == ResponseCode::success);
  const auto messages = broker.store.messages("Orders", 3);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].body == "pay");
  CHECK((messages[0].sys_flag & sys_flag::kTransactionMask) == sys_flag::kTransactionCommit);
  CHECK(messages[0].prepared_transaction_offset == header.half_physical_offset);
  CHECK(messages[0].property(property::kTransactionPrepared) == "true");
  CHECK(messages[0].properties == broker.store.messages(kHalf)[0].properties);
}

TEST_CASE("a rollback stores nothing, and neither end is carried out twice", "[broker][transaction]") {
  Fixture broker;
  const auto rolled_back = broker.prepare("cancel");
  CHECK(broker.roll_back(rolled_back).code == ResponseCode::success);
  CHECK(broker.commit(rolled_back).code == ResponseCode::success);
  CHECK(broker.visible() == 0);

  const auto committed = broker.prepare("pay");
  CHECK(broker.commit(committed).code == ResponseCode::success);
  CHECK(broker.commit(committed).code == ResponseCode::success);
  CHECK(broker.visible() == 1);
}

TEST_CASE("an end that names another message is refused in Java's words", "[broker][transaction]") {
  Fixture broker;
  const auto header = broker.prepare("pay");

  auto nowhere = header;
  nowhere.half_physical_offset = 123'456;
  CHECK(broker.commit(nowhere).remark == "Find prepared transaction message failed");
  auto stranger = header;
  stranger.producer_group = "thieves";
  CHECK(broker.commit(stranger).remark == "The producer group wrong");
  auto elsewhere = header;
  elsewhere.half_queue_offset = 7;
  const EndOutcome outcome = broker.commit(elsewhere);
  CHECK(outcome.code == ResponseCode::system_error);
  CHECK(outcome.remark == "The transaction state table offset wrong");
  CHECK(broker.visible() == 0);
}

TEST_CASE("a commit that the store refuses can be tried again", "[broker][transaction]") {
  Fixture broker;
  const auto header = broker.prepare("pay");
  broker.store.put_status = PutStatus::service_not_available;
  CHECK(broker.commit(header).code == ResponseCode::service_not_available);
  broker.store.put_status = PutStatus::ok;
  CHECK(broker.commit(header).code == ResponseCode::success);
  CHECK(broker.visible() == 1);
}

TEST_CASE("finished offsets are written together, after the interval or when the body is full", "[broker][transaction]") {
  Fixture broker;
  broker.commit(broker.prepare("one"));
  broker.roll_back(broker.prepare("two"));
  broker.service->write_ops(false);
  CHECK(broker.store.messages(kOp).empty());
  broker.clock.advance(3s);
  broker.service->write_ops(false);
  const auto ops = broker.store.messages(kOp);
  REQUIRE(ops.size() == 1);
  CHECK(ops[0].body == "0,1,");
  CHECK(ops[0].properties == std::string("TAGS\x01"
                                         "d\x02"
                                         "WAIT\x01"
                                         "true\x02"));
}

TEST_CASE("op bodies of all versions are understood", "[broker][transaction]") {
  CHECK(parse_op_body("0,1,5,") == std::vector<std::int64_t>{0, 1, 5});
  CHECK(parse_op_body("42") == std::vector<std::int64_t>{42});
  CHECK(parse_op_body("1,x,,2") == std::vector<std::int64_t>{1, 2});
  CHECK(parse_op_body("").empty());
}

TEST_CASE("an open half message is checked after its time-out and ended by the answer", "[broker][transaction]") {
  Fixture broker;
  broker.prepare("pay");
  broker.check_after(5s);
  CHECK(broker.checks.empty());
  CHECK(broker.progress.count(std::string(kHalf)) == 0);

  broker.check_after(1s);
  REQUIRE(broker.checks.size() == 1);
  CHECK(broker.checks[0].group == "payers");
  CHECK(broker.checks[0].topic == "Orders");
  CHECK(broker.checks[0].body == "pay");
  CHECK(broker.progress[std::string(kHalf)] == 1);
  CHECK(broker.store.messages(kHalf)[1].property(property::kTransactionCheckTimes) == "1");

  CHECK(broker.commit(broker.checks[0].answer).code == ResponseCode::success);
  CHECK(broker.visible() == 1);
  broker.check_after(30s);
  broker.check_after(30s);
  CHECK(broker.checks.size() == 1);
  CHECK(broker.progress[std::string(kHalf)] == 2);
  CHECK(broker.progress[std::string(kOp)] == 1);
}

TEST_CASE("half and op messages that are missing do not hold up those behind them", "[broker][transaction]") {
  Fixture broker;
  broker.prepare("lost");
  broker.prepare("pay");
  const auto finished = broker.prepare("order");
  broker.commit(broker.prepare("gone"));
  broker.service->write_ops(true);
  broker.commit(finished);
  broker.service->write_ops(true);
  broker.store.blank("RMQ_SYS_TRANS_HALF_TOPIC", 0, 0);
  broker.store.blank("RMQ_SYS_TRANS_OP_HALF_TOPIC", 0, 0);
  broker.service = broker.make_service();  // Which knows what it reads.
  broker.check_after(60s);
  REQUIRE_FALSE(broker.checks.empty());
  CHECK(broker.checks.front().body == "pay");
  for (const Check& check : broker.checks) CHECK(check.body != "order");
}

TEST_CASE("finished half messages are never checked, written down or not, before and after a restart", "[broker][transaction]") {
  Fixture broker;
  const bool written = GENERATE(true, false);
  broker.commit(broker.prepare("one"));
  broker.clock.advance(6s);
  if (written) broker.service->write_ops(true);
  broker.service->run_checks();
  CHECK(broker.checks.empty());
  CHECK(broker.progress[std::string(kHalf)] == 1);

  broker.roll_back(broker.prepare("two"));
  broker.service->write_ops(true);
  broker.service = broker.make_service();
  broker.check_after(6s);
  CHECK(broker.checks.empty());
  CHECK(broker.progress[std::string(kHalf)] == 2);
}

TEST_CASE("a half message that nobody answers for is given up after the limit of checks, and can be brought back",
          "[broker][transaction]") {
  Fixture broker;
  broker.prepare("pay");
  for (int round = 0; round < 5; ++round) broker.check_after(30s);
  CHECK(broker.checks.size() == 3);
  CHECK(broker.given_up_topic_needed == 1);
  const auto given_up = broker.store.messages(kGivenUp);
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].body == "pay");
  CHECK(given_up[0].property(property::kTransactionCheckTimes) == "3");

  const std::string id = make_offset_message_id(given_up[0].store_host, given_up[0].physical_offset);
  EndOutcome outcome{ResponseCode::system_busy, {}};
  broker.service->resume(id, [&](EndOutcome result) { outcome = std::move(result); });
  CHECK(outcome.code == ResponseCode::success);
  broker.check_after(30s);
  REQUIRE(broker.checks.size() == 4);
  CHECK(broker.commit(broker.checks.back().answer).code == ResponseCode::success);
  CHECK(broker.visible() == 1);
}

TEST_CASE("only a message that was given up is brought back", "[broker][transaction]") {
  Fixture broker;
  const auto header = broker.prepare("pay");
  EndOutcome outcome;
  broker.service->resume(make_offset_message_id(*Host::parse("10.0.0.1:10911"), header.half_physical_offset),
                         [&](EndOutcome result) { outcome = std::move(result); });
  CHECK(outcome.code == ResponseCode::system_error);
  broker.service->resume("nonsense", [&](EndOutcome result) { outcome = std::move(result); });
  CHECK(outcome.remark == "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.");
}

TEST_CASE("checks are counted while no producer is there to be asked", "[broker][transaction]") {
  Fixture broker;
  broker.producer_online = false;
  broker.prepare("pay");
  broker.check_after(30s);
  broker.producer_online = true;
  broker.check_after(30s);
  REQUIRE(broker.checks.size() == 1);
  CHECK(broker.store.messages(kHalf).back().property(property::kTransactionCheckTimes) == "2");
}

TEST_CASE("an immune half message does not hold up others and is not checked before its time", "[broker][transaction]") {
  Fixture broker;
  const auto immune = broker.prepare("long work", "100");
  broker.prepare("pay");
  broker.check_after(30s);
  REQUIRE(broker.checks.size() == 1);
  CHECK(broker.checks[0].body == "pay");
  CHECK(broker.commit(broker.checks[0].answer).code == ResponseCode::success);

  SECTION("ended in time it is never checked, although its copy stands at another offset") {
    CHECK(broker.commit(immune).code == ResponseCode::success);
    for (int round = 0; round < 5; ++round) broker.check_after(30s);
    CHECK(broker.checks.size() == 1);
    CHECK(broker.visible() == 2);
  }
  SECTION("after its time it is checked, and its producer's own late word is refused") {
    broker.check_after(30s);
    CHECK(broker.checks.size() == 1);
    broker.check_after(60s);
    REQUIRE(broker.checks.size() == 2);
    CHECK(broker.checks[1].body == "long work");
    CHECK(broker.commit(immune).code == ResponseCode::illegal_operation);
    CHECK(broker.commit(broker.checks[1].answer).code == ResponseCode::success);
    CHECK(broker.visible() == 2);
  }
}

TEST_CASE("a producer whose clock is ahead is checked by the broker's clock", "[broker][transaction]") {
  Fixture broker;
  broker.clock.advance(1h);
  broker.prepare("pay");
  broker.clock.advance(-1h);  // Born an hour in the future from here on.
  broker.prepare("pay again");
  broker.check_after(1s);
  CHECK(broker.checks.empty());
}

TEST_CASE("a nonsensical time of birth neither stops the checks nor hurries them", "[broker][transaction]") {
  Fixture broker;
  for (const std::int64_t born : {INT64_MIN, INT64_MAX}) {
    std::string properties;
    append_property(properties, property::kTransactionPrepared, "true");
    append_property(properties, property::kProducerGroup, "payers");
    PutMessage message;
    message.fields.topic = "Orders";
    message.fields.born_timestamp = born;
    message.fields.properties = properties;
    std::string topic, rewritten;
    redirect_to_half_topic(message, topic, rewritten);
    REQUIRE(broker.store.put_sync(message).stored());
  }
  broker.check_after(6s);
  CHECK(broker.store.messages(kGivenUp).size() == 1);  // Born before everything: older than what the broker keeps.
  CHECK(broker.checks.size() == 1);
}

TEST_CASE("messages older than what the broker keeps are given up", "[broker][transaction]") {
  Fixture broker;
  broker.prepare("forgotten");
  broker.check_after(73h);
  CHECK(broker.checks.empty());
  CHECK(broker.store.messages(kGivenUp).size() == 1);
}

TEST_CASE("the service writes down what is finished when it stops", "[broker][transaction]") {
  Fixture broker;
  broker.service->start();
  broker.commit(broker.prepare("pay"));
  broker.service->stop();
  const auto ops = broker.store.messages(kOp);
  REQUIRE(ops.size() == 1);
  CHECK(ops[0].body == "0,");
}

}  // namespace skylark::broker
