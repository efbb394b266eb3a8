// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/unit/broker/core_fixture.h"

namespace skylark::broker {

TEST_CASE("a send is stored with what every broker adds and answered with its place", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  fixture.store.puts_wait = GENERATE(false, true);  // Answered by the call or by a callback: the same.
  auto header = fixture.send_header();
  header.queue_id = 2;
  header.properties = "TAGS\x01red\x02UNIQ_KEY\x01key-1\x02";
  fixture.send_message(header);
  const auto response = fixture.send_message(header, "second");

  CHECK(code_of(response) == ResponseCode::success);
  CHECK(response.ext.integer("queueId") == 2);
  CHECK(response.ext.integer("queueOffset") == 1);
  CHECK(response.ext.text("transactionId") == "key-1");
  CHECK(response.ext.text("MSG_REGION") == "DefaultRegion");
  CHECK(response.ext.text("TRACE_ON") == "true");
  const auto stored = fixture.store.messages("T", 2);
  REQUIRE(stored.size() == 2);
  CHECK(stored[1].body == "second");
  CHECK(response.ext.text("msgId") == make_offset_message_id(stored[1].store_host, stored[1].physical_offset));
  CHECK(stored[1].property("TAGS") == "red");
  CHECK(stored[1].property("CLUSTER") == "ClusterA");
  CHECK(stored[1].property("MSG_REGION") == "DefaultRegion");
  CHECK(stored[1].born_host.to_string() == "10.0.0.9:51234");
}

TEST_CASE("a message without a unique key gets one, and its pop receipt is taken off", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  auto header = fixture.send_header();
  header.properties = "POP_CK\x01x\x02TAGS\x01red";  // Without the last separator.
  const auto response = fixture.send_message(header);
  const auto stored = fixture.store.messages("T");
  REQUIRE(stored.size() == 1);
  CHECK_FALSE(stored[0].property("POP_CK"));
  CHECK(stored[0].property("TAGS") == "red");
  REQUIRE(stored[0].property("UNIQ_KEY"));
  CHECK(response.ext.text("transactionId") == stored[0].property("UNIQ_KEY"));
}

TEST_CASE("a send that is refused is answered in Java's words", "[broker][send]") {
  struct Row {
    std::string topic;
    std::int32_t queue_id;
    std::string properties;
    std::size_t body_size;
    ResponseCode code;
    std::string remark;
  };
  const std::string faq = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";
  const std::string illegal =
      "the message is illegal, maybe msg body or properties length not matched. msg body length limit 4194304B, msg properties length "
      "limit 32KB.";
  const auto row = GENERATE_COPY(
      Row{" ", 0, "", 1, ResponseCode::invalid_parameter, "The specified topic is blank."},
      Row{"a b", 0, "", 1, ResponseCode::invalid_parameter,
          "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"},
      Row{"SCHEDULE_TOPIC_XXXX", 0, "", 1, ResponseCode::no_permission, "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden."},
      Row{"Unknown", 0, "", 1, ResponseCode::topic_not_exist, "topic[Unknown] not exist, apply first please!" + faq},
      Row{"T", 4, "", 1, ResponseCode::invalid_parameter,
          "request queueId[4] is illegal, TopicConfig [topicName=T, readQueueNums=4, writeQueueNums=4, perm=RW-, "
          "topicFilterType=SINGLE_TAG, "
          "topicSysFlag=0, order=false, attributes={}] Producer: 10.0.0.9:51234"},
      Row{"T", 0, "", (4u << 20) + 1, ResponseCode::message_illegal, illegal},
      Row{"T", 0, "k\x01" + std::string(32'768, 'v') + "\x02", 1, ResponseCode::message_illegal, illegal},
      Row{"T", 0,
          "TIMER_DELAY_SEC\x01"
          "5\x02",
          1, ResponseCode::system_error, "accurate timer message is not enabled, timerWheelEnable is false"});
  CoreFixture fixture;
  fixture.config.broker.auto_create_topic.set_value(false);
  fixture.open();
  auto header = fixture.send_header(row.topic);
  header.queue_id = row.queue_id;
  header.properties = row.properties;
  const auto response = fixture.send_message(header, std::string(row.body_size, 'x'));
  CHECK(code_of(response) == row.code);
  CHECK(response.remark == row.remark);
  CHECK(fixture.store.max_physical_offset() == 0);
}

TEST_CASE("what became of a put is told by Java's codes, with the place when it is stored", "[broker][send]") {
  struct Row {
    PutStatus status;
    ResponseCode code;
  };
  const auto row =
      GENERATE(Row{PutStatus::flush_disk_timeout, ResponseCode::flush_disk_timeout},
               Row{PutStatus::flush_slave_timeout, ResponseCode::flush_slave_timeout},
               Row{PutStatus::slave_not_available, ResponseCode::slave_not_available},
               Row{PutStatus::service_not_available, ResponseCode::service_not_available},
               Row{PutStatus::page_cache_busy, ResponseCode::system_busy}, Row{PutStatus::append_timeout, ResponseCode::system_busy},
               Row{PutStatus::message_illegal, ResponseCode::message_illegal},
               Row{PutStatus::create_file_failed, ResponseCode::system_error}, Row{PutStatus::unknown_error, ResponseCode::system_error});
  CoreFixture fixture;
  fixture.open();
  fixture.store.put_status = row.status;
  const auto response = fixture.send_message(fixture.send_header());
  CHECK(code_of(response) == row.code);
  CHECK(response.ext.text("msgId").has_value() == PutResult{.status = row.status, .message_ids = {}}.stored());
}

TEST_CASE("no more sends are accepted than may wait for their answer", "[broker][send]") {
  CoreFixture fixture;
  fixture.config.broker.send_capacity.set_value(2);
  fixture.open();
  fixture.store.hold_answers = true;
  for (int i = 0; i < 2; ++i) CHECK(fixture.defers_send(fixture.send_header()));
  const auto refused = fixture.send_message(fixture.send_header());
  CHECK(code_of(refused) == ResponseCode::system_busy);
  CHECK(refused.remark == "[OVERLOAD]system busy, start flow control for a while");
  fixture.store.hold_answers = false;
  fixture.store.release_answers();
  CHECK(code_of(fixture.send_message(fixture.send_header())) == ResponseCode::success);
  CHECK(fixture.store.max_offset("T", 0) == 3);
}

TEST_CASE("a send that waited too long for those before it is told how long, and of how many", "[broker][send]") {
  CoreFixture fixture;
  fixture.config.broker.send_wait_ms.set_value(150);
  fixture.open();
  fixture.store.put_status = PutStatus::append_timeout;
  CHECK(fixture.send_message(fixture.send_header()).remark ==
        "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 150ms, size of queue: 1");
}

TEST_CASE("a batch has the limits of a message, and each item with the common properties too", "[broker][send]") {
  struct Row {
    std::size_t body_size, item_properties, common_properties;
    ResponseCode code;
  };
  const auto row = GENERATE(Row{10, 0, 0, ResponseCode::success}, Row{4u << 20, 0, 0, ResponseCode::message_illegal},
                            Row{10, 0, 32'768, ResponseCode::message_illegal}, Row{10, 20'000, 20'000, ResponseCode::message_illegal},
                            Row{10, 16'000, 16'000, ResponseCode::success});
  CoreFixture fixture;
  fixture.open();
  const auto properties = [](std::size_t size) { return size == 0 ? "" : "k\x01" + std::string(size - 3, 'v') + "\x02"; };
  const std::string own = properties(row.item_properties);
  const std::string item(row.body_size, 'x');
  std::string body;
  encode_batch_item({.flag = 0, .body = item, .properties = own}, body);
  auto header = fixture.send_header();
  header.batch = true;
  const std::string common = properties(row.common_properties);
  header.properties = common;
  CHECK(code_of(fixture.send_message(header, body)) == row.code);
  CHECK(fixture.store.max_offset("T", 0) == (row.code == ResponseCode::success ? 1 : 0));
}

TEST_CASE("a refusal for a full disk says how full the disks are", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  fixture.store.put_status = PutStatus::service_not_available;
  CHECK(fixture.send_message(fixture.send_header()).remark ==
        "service not available now. It may be caused by one of the following reasons: the broker's disk is full [CL:  0.91 CQ:  0.50 "
        "INDEX:  0.50], messages are put to the slave, message store has been shut down, etc.");
}

TEST_CASE("an unknown topic is made from its template when that is allowed", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  auto header = fixture.send_header("New");
  header.default_topic_queue_nums = 3;
  header.queue_id = -1;
  CHECK(code_of(fixture.send_message(header)) == ResponseCode::success);
  REQUIRE(fixture.topics->contains("New"));
  CHECK(fixture.topics->find("New")->write_queues == 3);
}

TEST_CASE("a batch becomes messages with places in a row and the batch's properties", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  std::string body;
  encode_batch_item({.flag = 1,
                     .body = "one",
                     .properties = "TAGS\x01"
                                   "a"},
                    body);
  encode_batch_item({.flag = 2, .body = "two", .properties = ""}, body);
  auto header = fixture.send_header();
  header.batch = true;
  header.properties =
      "UNIQ_KEY\x01"
      "batch\x02";
  const auto response = fixture.send_message(header, body);
  CHECK(code_of(response) == ResponseCode::success);
  CHECK(response.ext.text("transactionId") == "batch");
  const auto stored = fixture.store.messages("T");
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].body == "one");
  CHECK(stored[0].flag == 1);
  CHECK(stored[0].property("TAGS") == "a");
  CHECK(stored[1].queue_offset == 1);
  CHECK(stored[1].property("UNIQ_KEY") == "batch");
  CHECK(stored[1].property("CLUSTER") == "ClusterA");
  CHECK(stored[1].property("MSG_REGION") == "DefaultRegion");
  CHECK(stored[1].property("TRACE_ON") == "true");
  const auto ids = response.ext.text("msgId");
  REQUIRE(ids);
  CHECK(std::count(ids->begin(), ids->end(), ',') == 1);
}

TEST_CASE("a batch to a topic of type BatchCQ stays one record", "[broker][send][batch]") {
  CoreFixture fixture;
  fixture.open();
  TopicConfig topic = *fixture.topics->find("T");
  topic.attributes["queue.type"] = "BatchCQ";
  fixture.topics->update(topic);
  std::string body;
  for (const char* text : {"one", "two", "three"}) encode_batch_item({.flag = 1, .body = text, .properties = ""}, body);
  auto header = fixture.send_header();
  header.batch = true;
  header.sys_flag = 0;
  SECTION("with the key that tells the producer so") {
    header.properties =
        "UNIQ_KEY\x01"
        "batch\x02";
    const auto response = fixture.send_message(header, body);
    CHECK(code_of(response) == ResponseCode::success);
    CHECK(response.ext.text("batchUniqId") == "batch");
    CHECK(response.ext.text("transactionId") == "batch");
    const auto stored = fixture.store.messages("T");
    REQUIRE(stored.size() == 1);
    CHECK(stored[0].body == body);
    CHECK(stored[0].sys_flag == (sys_flag::kInnerBatch | sys_flag::kNeedUnwrap));
    CHECK(stored[0].property("INNER_NUM") == "3");
    CHECK(stored[0].property("CLUSTER") == "ClusterA");
  }
  SECTION("but not without one") {
    const auto response = fixture.send_message(header, body);
    CHECK(code_of(response) == ResponseCode::success);
    CHECK_FALSE(response.ext.text("batchUniqId"));
    CHECK(fixture.store.messages("T").size() == 3);
  }
  SECTION("nor for an exact time") {
    header.properties =
        "UNIQ_KEY\x01"
        "batch\x02TIMER_DELAY_SEC\x01"
        "5\x02";
    CHECK(code_of(fixture.send_message(header, body)) == ResponseCode::message_illegal);
    CHECK(fixture.store.max_physical_offset() == 0);
  }
}

TEST_CASE("a batch that may not be one is refused", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  std::string body;
  encode_batch_item({.flag = 0, .body = "one", .properties = ""}, body);
  auto header = fixture.send_header();
  header.batch = true;
  SECTION("to a retry topic") {
    header.topic = "%RETRY%G";
    CHECK(fixture.send_message(header, body).remark == "batch request does not support retry group %RETRY%G");
  }
  SECTION("delayed") {
    header.properties =
        "DELAY\x01"
        "3\x02";
    CHECK(code_of(fixture.send_message(header, body)) == ResponseCode::message_illegal);
  }
  SECTION("transactional") {
    header.sys_flag = sys_flag::kTransactionPrepared;
    CHECK(code_of(fixture.send_message(header, body)) == ResponseCode::message_illegal);
  }
  SECTION("that cannot be decoded") { CHECK(code_of(fixture.send_message(header, "abc")) == ResponseCode::system_error); }
  CHECK(fixture.store.max_physical_offset() == 0);
}

TEST_CASE("hooks turn delayed, transactional and retried messages to where they belong", "[broker][send]") {
  CoreFixture fixture;
  std::vector<std::string> called;
  fixture.hooks.delay = [&called](PutMessage& message, OwnedParts& parts) {
    called.push_back("delay");
    if (!find_property(message.fields.properties, property::kDelay)) return;
    parts.topic = "SCHEDULE_TOPIC_XXXX";
    message.fields.topic = parts.topic;
  };
  fixture.hooks.prepare_transaction = [&called](PutMessage& message, OwnedParts& parts) {
    called.push_back("half");
    parts.topic = "RMQ_SYS_TRANS_HALF_TOPIC";
    message.fields.topic = parts.topic;
  };
  fixture.hooks.retry_send = [&called](const RetrySend& send, PutMessage&, OwnedParts&) -> std::optional<Refusal> {
    called.push_back("retry");
    if (send.max_reconsume_times == 1) return Refusal{ResponseCode::subscription_group_not_exist, "no group"};
    return std::nullopt;
  };
  fixture.open();
  auto header = fixture.send_header();
  SECTION("delayed: the answer has the queue that was asked for") {
    header.properties =
        "DELAY\x01"
        "3\x02";
    header.queue_id = 3;
    CHECK(fixture.send_message(header).ext.integer("queueId") == 3);
    CHECK(called == std::vector<std::string>{"delay"});
    CHECK(fixture.store.messages("SCHEDULE_TOPIC_XXXX", 3).size() == 1);
  }
  SECTION("transactional") {
    header.properties = "TRAN_MSG\x01true\x02PGROUP\x01P\x02";
    CHECK(code_of(fixture.send_message(header)) == ResponseCode::success);
    CHECK(called == std::vector<std::string>{"half"});
  }
  SECTION("transactional, and the broker wants none") {
    fixture.config.broker.reject_transactions.set_value(true);
    header.properties = "TRAN_MSG\x01true\x02";
    CHECK(fixture.send_message(header).remark == "the broker[10.0.0.1] sending transaction message is forbidden");
  }
  SECTION("retried") {
    header.topic = "%RETRY%G";
    CHECK(code_of(fixture.send_message(header)) == ResponseCode::success);
    CHECK(called == std::vector<std::string>{"retry"});
    header.properties =
        "DELAY\x01"
        "3\x02";
    CHECK(code_of(fixture.send_message(header)) == ResponseCode::success);
    CHECK(called == std::vector<std::string>{"retry", "retry", "delay"});
  }
  SECTION("retried, and the hook refuses") {
    header.topic = "%RETRY%G";
    header.max_reconsume_times = 1;
    CHECK(fixture.send_message(header).remark == "no group");
  }
}

TEST_CASE("sends of one read are stored together, and each is answered for itself", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  fixture.store.puts_wait = GENERATE(false, true);
  fixture.connection->reads = true;
  constexpr std::int32_t kCount = 150, kOneWay = 70, kBatch = 80, kRefused = 90;
  std::vector<RemotingCommand> answers;
  const auto collect = [&] {
    for (auto& answer : fixture.connection->take_sent()) answers.push_back(std::move(answer));
  };
  for (std::int32_t i = 0; i < kCount; ++i) {
    auto header = fixture.send_header(i == kRefused ? "a topic?" : "T");
    const std::string properties = "UNIQ_KEY\x01key-" + std::to_string(i) + "\x02";
    header.properties = properties;
    header.batch = i == kBatch;
    std::string body = std::to_string(i);
    if (header.batch) {
      body.clear();
      for (const std::string_view item : {"one", "two"}) encode_batch_item({.body = item, .properties = ""}, body);
    }
    RemotingCommand request = make_request(to_int(RequestCode::send_message_v2), header, Body(std::move(body)), FieldNames::short_form);
    request.opaque = 1000 + i;
    request.codec = i % 2 == 0 ? Codec::json : Codec::rocketmq;
    if (i == kOneWay) request.flag = kFlagOneWay;
    auto reply = fixture.send->handle(request, fixture.connection);
    REQUIRE(reply.has_response() == (i == kRefused));
    collect();
    if (i == 10) CHECK(answers.empty());
  }
  fixture.send->dispatched(fixture.connection);
  collect();
  fixture.send->dispatched(fixture.connection);  // Nothing is left of the read.
  CHECK(fixture.connection->take_sent().empty());

  REQUIRE(answers.size() == kCount - 2);
  std::int64_t next = 0;
  for (std::int32_t i = 0, at = 0; i < kCount; ++i) {
    if (i == kRefused) continue;
    if (i != kOneWay) {
      const RemotingCommand& answer = answers[static_cast<std::size_t>(at++)];
      CHECK(code_of(answer) == ResponseCode::success);
      CHECK(answer.is_response());
      CHECK(answer.opaque == 1000 + i);
      CHECK(answer.codec == (i % 2 == 0 ? Codec::json : Codec::rocketmq));
      CHECK(answer.ext.integer("queueOffset") == next);
      CHECK(answer.ext.text("transactionId") == "key-" + std::to_string(i));
    }
    next += i == kBatch ? 2 : 1;
  }
  const auto stored = fixture.store.messages("T");
  REQUIRE(stored.size() == static_cast<std::size_t>(next));
  CHECK(stored[kOneWay].body == std::to_string(kOneWay));
  CHECK(stored.back().body == std::to_string(kCount - 1));
}

TEST_CASE("a replica refuses sends before anything else", "[broker][send]") {
  CoreFixture fixture;
  fixture.config.broker.broker_role.set_value("SLAVE");
  fixture.config.broker.broker_id.set_value(1);
  fixture.open();
  const auto response = fixture.send_message(fixture.send_header(" "));
  CHECK(code_of(response) == ResponseCode::system_busy);
  CHECK(response.remark == "[REJECTREQUEST]system busy, start flow control for a while");
}

TEST_CASE("a missing field is named, in both forms of the header", "[broker][send]") {
  CoreFixture fixture;
  fixture.open();
  const auto code = GENERATE(RequestCode::send_message, RequestCode::send_message_v2);
  RemotingCommand request;
  request.code = to_int(code);
  const auto response = fixture.answer_of(fixture.send->handle(request, fixture.connection));
  CHECK(code_of(response) == ResponseCode::system_error);
  CHECK(response.remark.find("producerGroup") != std::string::npos);
}

}  // namespace skylark::broker
