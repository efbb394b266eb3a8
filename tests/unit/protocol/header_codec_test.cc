// SPDX-License-Identifier: Apache-2.0
#include "protocol/header_codec.h"

#include <cstring>

#include "base/error.h"
#include "protocol/admin_headers.h"
#include "protocol/client_headers.h"
#include "protocol/nameserver_headers.h"
#include "protocol/offset_headers.h"
#include "protocol/pull_headers.h"
#include "protocol/query_headers.h"
#include "protocol/send_headers.h"
#include "tests/support/catch.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

SendMessageRequestHeader send_header() {
  SendMessageRequestHeader header;
  header.producer_group = "PG";
  header.topic = "T";
  header.default_topic = "TBW102";
  header.queue_id = 3;
  header.sys_flag = 1;
  header.born_timestamp = 1700000000123;
  header.properties = "KEYS\x01k1\x02";
  header.max_reconsume_times = 16;
  header.broker_name = "broker-a";
  return header;
}

TEST_CASE("a header survives every codec in its long and short names", "[protocol][header]") {
  for (const Codec codec : test::kAllCodecs) {
    for (const FieldNames names : {FieldNames::full, FieldNames::short_form}) {
      INFO("codec " << static_cast<int>(codec) << (names == FieldNames::full ? " long" : " short"));
      RemotingCommand request = make_request(RequestCode::send_message_v2, send_header(), {}, names);
      request.codec = codec;
      const std::string frame = test::frame_of(request);
      const auto command = test::decode_whole_frame(frame);
      REQUIRE(command);
      CHECK(command->ext.find(names == FieldNames::full ? "topic" : "b") != nullptr);
      const auto header = decode_header<SendMessageRequestHeader>(*command, names);
      REQUIRE(header);
      CHECK(header->producer_group == "PG");
      CHECK(header->topic == "T");
      CHECK(header->default_topic_queue_nums == 4);
      CHECK(header->queue_id == 3);
      CHECK(header->born_timestamp == 1700000000123);
      CHECK(header->properties == "KEYS\x01k1\x02");
      CHECK(header->max_reconsume_times == 16);
      CHECK(header->broker_name == "broker-a");
      CHECK_FALSE(header->batch);
    }
  }
}

TEST_CASE("a required field that is absent or no number is named", "[protocol][header]") {
  RemotingCommand command = make_request(RequestCode::get_max_offset, GetMaxOffsetRequestHeader());
  CHECK(first_missing_field<GetMaxOffsetRequestHeader>(command).empty());
  command.ext.add("queueId", "1x");
  CHECK(first_missing_field<GetMaxOffsetRequestHeader>(command) == "queueId");
  CHECK(decode_header<GetMaxOffsetRequestHeader>(command).error() == make_error_code(Errc::missing_field));
  CHECK(first_missing_field<GetMaxOffsetRequestHeader>(RemotingCommand{}) == "topic");
}

TEST_CASE("an optional field that does not parse keeps its default", "[protocol][header]") {
  RemotingCommand command;
  command.ext.add("topic", "T");
  command.ext.add("group", "G");
  command.ext.add("timestamp", "-1");
  command.ext.add("isForce", "TRUE");
  command.ext.add("queueId", "12abc");
  command.ext.add("offset", "99999999999999999999");
  const auto header = decode_header<ResetOffsetRequestHeader>(command);
  REQUIRE(header);
  CHECK(header->queue_id == -1);
  CHECK_FALSE(header->offset);
  CHECK(header->timestamp == -1);
  CHECK(header->force);
}

TEST_CASE("of several fields of one name the last counts, be it broken", "[protocol][header]") {
  struct Row {
    std::string_view first, second;
    std::int32_t reconsume_times;
  };
  const auto row = GENERATE(Row{"7", "8", 8}, Row{"7", "x", 0}, Row{"x", "8", 8});
  RemotingCommand request = make_request(RequestCode::send_message, send_header());
  request.ext.add("reconsumeTimes", row.first);
  request.ext.add("unknown", "1");
  request.ext.add("reconsumeTimes", row.second);
  CHECK(decode_header<SendMessageRequestHeader>(request)->reconsume_times == row.reconsume_times);

  request.ext.add("queueId", "x");
  CHECK_FALSE(decode_header<SendMessageRequestHeader>(request));
  request.ext.add("queueId", "3");
  CHECK(decode_header<SendMessageRequestHeader>(request)->queue_id == 3);
}

TEST_CASE("fields are read in whatever order they come, with others between them", "[protocol][header]") {
  SendMessageRequestHeader header;
  header.producer_group = "group";
  header.topic = "topic";
  header.default_topic = "TBW102";
  header.queue_id = 3;
  header.born_timestamp = 1'700'000'000'000;
  header.properties = "k\x01v\x02";
  header.batch = true;
  RemotingCommand declared;
  encode_header(header, declared);
  const std::vector<ExtFields::Entry> entries(declared.ext.begin(), declared.ext.end());
  for (std::size_t first = 0; first < entries.size(); ++first) {
    for (const bool backwards : {false, true}) {
      RemotingCommand command;
      command.ext.add_view("", "no name");
      for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::size_t at = (first + (backwards ? entries.size() - i : i)) % entries.size();
        command.ext.add_view("unknown", "1");
        if (entries[at].kind == ExtFields::Kind::text) command.ext.add_view(entries[at].name, entries[at].text);
        if (entries[at].kind == ExtFields::Kind::integer) command.ext.add_integer(entries[at].name, entries[at].number);
        if (entries[at].kind == ExtFields::Kind::boolean) command.ext.add_boolean(entries[at].name, entries[at].number != 0);
      }
      const auto read = decode_header<SendMessageRequestHeader>(command);
      REQUIRE(read);
      CHECK(read->producer_group == "group");
      CHECK(read->topic == "topic");
      CHECK(read->queue_id == 3);
      CHECK(read->born_timestamp == 1'700'000'000'000);
      CHECK(read->properties == header.properties);
      CHECK(read->batch);
    }
  }
}

TEST_CASE("only the word true is true", "[protocol][header]") {
  const std::pair<const char*, bool> cases[] = {{"true", true}, {"True", true}, {"TRUE", true}, {"1", false},
                                                {"yes", false}, {"", false},    {"tru", false}, {"true ", false}};
  for (const auto& [text, meaning] : cases) {
    RemotingCommand command;
    command.ext.add("topic", "T");
    command.ext.add("queueId", "0");
    command.ext.add("committed", text);
    const auto header = decode_header<GetMaxOffsetRequestHeader>(command);
    REQUIRE(header);
    CHECK(header->committed == meaning);
  }
}

TEST_CASE("fields that are absent are not written", "[protocol][header]") {
  const RemotingCommand command = make_request(RequestCode::query_consumer_offset, QueryConsumerOffsetRequestHeader());
  CHECK(command.ext.find("bname") == nullptr);
  CHECK(command.ext.find("setZeroIfNotFound") == nullptr);
  CHECK(command.ext.text("queueId") == "0");
}

template <class Header>
void check_defaults_survive() {
  const RemotingCommand command = make_request(RequestCode::heart_beat, Header{});
  CHECK(first_missing_field<Header>(command).empty());
  CHECK(test::describe(make_request(RequestCode::heart_beat, decode_header<Header>(command).value())) == test::describe(command));
}

TEST_CASE("every declared header reads what it writes", "[protocol][header]") {
  check_defaults_survive<SendMessageRequestHeader>();
  check_defaults_survive<SendMessageResponseHeader>();
  check_defaults_survive<ConsumerSendMsgBackRequestHeader>();
  check_defaults_survive<EndTransactionRequestHeader>();
  check_defaults_survive<CheckTransactionStateRequestHeader>();
  check_defaults_survive<PullMessageRequestHeader>();
  check_defaults_survive<PullMessageResponseHeader>();
  check_defaults_survive<QueryConsumerOffsetRequestHeader>();
  check_defaults_survive<OffsetResponseHeader>();
  check_defaults_survive<UpdateConsumerOffsetRequestHeader>();
  check_defaults_survive<SearchOffsetRequestHeader>();
  check_defaults_survive<GetMaxOffsetRequestHeader>();
  check_defaults_survive<GetMinOffsetRequestHeader>();
  check_defaults_survive<GetEarliestMsgStoretimeRequestHeader>();
  check_defaults_survive<GetEarliestMsgStoretimeResponseHeader>();
  check_defaults_survive<HeartbeatResponseHeader>();
  check_defaults_survive<UnregisterClientRequestHeader>();
  check_defaults_survive<GetConsumerListByGroupRequestHeader>();
  check_defaults_survive<NotifyConsumerIdsChangedRequestHeader>();
  check_defaults_survive<QueryMessageRequestHeader>();
  check_defaults_survive<QueryMessageResponseHeader>();
  check_defaults_survive<ViewMessageRequestHeader>();
  check_defaults_survive<CreateTopicRequestHeader>();
  check_defaults_survive<DeleteTopicRequestHeader>();
  check_defaults_survive<GetTopicConfigRequestHeader>();
  check_defaults_survive<GetTopicStatsInfoRequestHeader>();
  check_defaults_survive<QueryTopicConsumeByWhoRequestHeader>();
  check_defaults_survive<QueryTopicsByConsumerRequestHeader>();
  check_defaults_survive<QuerySubscriptionByConsumerRequestHeader>();
  check_defaults_survive<QueryConsumeQueueRequestHeader>();
  check_defaults_survive<QueryConsumeTimeSpanRequestHeader>();
  check_defaults_survive<GetSubscriptionGroupConfigRequestHeader>();
  check_defaults_survive<DeleteSubscriptionGroupRequestHeader>();
  check_defaults_survive<UpdateGroupForbiddenRequestHeader>();
  check_defaults_survive<GetConsumerConnectionListRequestHeader>();
  check_defaults_survive<GetProducerConnectionListRequestHeader>();
  check_defaults_survive<GetConsumeStatsRequestHeader>();
  check_defaults_survive<GetBrokerConsumeStatsRequestHeader>();
  check_defaults_survive<ViewBrokerStatsDataRequestHeader>();
  check_defaults_survive<GetConsumerRunningInfoRequestHeader>();
  check_defaults_survive<ConsumeMessageDirectlyRequestHeader>();
  check_defaults_survive<ResetOffsetRequestHeader>();
  check_defaults_survive<GetConsumerStatusRequestHeader>();
  check_defaults_survive<QueryCorrectionOffsetRequestHeader>();
  check_defaults_survive<CloneGroupOffsetRequestHeader>();
  check_defaults_survive<GetBrokerConfigResponseHeader>();
  check_defaults_survive<ExchangeHaInfoHeader>();
  check_defaults_survive<ResetMasterFlushOffsetRequestHeader>();
  check_defaults_survive<RegisterBrokerRequestHeader>();
  check_defaults_survive<RegisterBrokerResponseHeader>();
  check_defaults_survive<UnregisterBrokerRequestHeader>();
  check_defaults_survive<QueryDataVersionRequestHeader>();
  check_defaults_survive<QueryDataVersionResponseHeader>();
  check_defaults_survive<BrokerHeartbeatRequestHeader>();
  check_defaults_survive<GetBrokerMemberGroupRequestHeader>();
  check_defaults_survive<RegisterTopicRequestHeader>();
  check_defaults_survive<GetRouteInfoRequestHeader>();
  check_defaults_survive<GetTopicsByClusterRequestHeader>();
  check_defaults_survive<WipeWritePermOfBrokerRequestHeader>();
  check_defaults_survive<WipeWritePermOfBrokerResponseHeader>();
  check_defaults_survive<AddWritePermOfBrokerRequestHeader>();
  check_defaults_survive<AddWritePermOfBrokerResponseHeader>();
  check_defaults_survive<DeleteTopicFromNameServerRequestHeader>();
  check_defaults_survive<PutKvConfigRequestHeader>();
  check_defaults_survive<GetKvConfigRequestHeader>();
  check_defaults_survive<GetKvConfigResponseHeader>();
  check_defaults_survive<DeleteKvConfigRequestHeader>();
  check_defaults_survive<GetKvListByNamespaceRequestHeader>();
  check_defaults_survive<NotifyMinBrokerIdChangeRequestHeader>();
}

TEST_CASE("a command made owned outlives its frame", "[protocol][header]") {
  for (const Codec codec : test::kAllCodecs) {
    RemotingCommand request = make_request(RequestCode::send_message, send_header(), Body(std::string("body")));
    request.codec = codec;
    auto frame = std::make_unique<std::string>(test::frame_of(request));
    auto command = test::decode_whole_frame(*frame);
    REQUIRE(command);
    command->own();
    RemotingCommand moved = std::move(*command);
    std::fill(frame->begin(), frame->end(), 'x');
    frame.reset();
    CHECK(decode_header<SendMessageRequestHeader>(moved)->properties == "KEYS\x01k1\x02");
    CHECK(moved.body.view() == "body");
    moved.ext.own();  // Twice is harmless.
    CHECK(moved.ext.text("topic") == "T");
  }
}

TEST_CASE("text made anew lies in the scratch while it lasts, and outlives it when it is made owned", "[protocol][header]") {
  const std::string long_text(70'000, '"');  // More than a scratch holds.
  for (const Codec codec : test::kAllCodecs) {
    SendMessageRequestHeader header = send_header();
    header.producer_group = long_text;
    RemotingCommand request = make_request(RequestCode::send_message, header);
    request.codec = codec;
    const std::string frame = test::frame_of(request);
    DecodeScratch scratch;
    auto command = decode_frame(std::string_view(frame).substr(4), &scratch);
    REQUIRE(command);
    CHECK(decode_header<SendMessageRequestHeader>(*command)->producer_group == long_text);
    CHECK(decode_header<SendMessageRequestHeader>(*command)->properties == "KEYS\x01k1\x02");
    command->own();
    command->ext.add("later", "text");  // No longer in the scratch.
    scratch.clear();
    std::memset(scratch.take(1024), 'x', 1024);
    CHECK(decode_header<SendMessageRequestHeader>(*command)->properties == "KEYS\x01k1\x02");
    CHECK(command->ext.text("later") == "text");
  }
}

}  // namespace
}  // namespace skylark
