// SPDX-License-Identifier: Apache-2.0
// Finding single messages, and asking for what is not there.
#include <set>

#include "protocol/bodies/body.h"
#include "protocol/bodies/topic_route.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "protocol/send_headers.h"
#include "remoting/client.h"
#include "tests/compat/cpp/cases.h"
#include "tests/compat/cpp/check.h"

namespace skylark::compat {

using namespace client;

namespace {

constexpr std::int32_t kNoSuchCode = 9'999;

/// Requests as they stand, past the client's own checks.
class RawChannel {
 public:
  RawChannel() : pool_(1), client_(pool_, remoting::ClientOptions()) {}
  ~RawChannel() {
    client_.stop();
    pool_.stop();
  }
  RawChannel(const RawChannel&) = delete;
  RawChannel& operator=(const RawChannel&) = delete;

  RemotingCommand call(const std::string& address, RemotingCommand request) {
    auto response = client_.invoke_sync(address, std::move(request), std::chrono::seconds(10));
    check(response.has_value(), "an answer from " + address);
    response->own();
    return std::move(*response);
  }
  std::string broker_address(const std::string& name_server) {
    RemotingCommand request;
    request.code = to_int(RequestCode::get_broker_cluster_info);
    const RemotingCommand response = call(name_server, std::move(request));
    const auto info = decode_body<ClusterInfo>(response.body.view());
    check(info.has_value() && info->broker_addr_table.size() == 1, "one broker in the cluster");
    return info->broker_addr_table.begin()->second.broker_addrs.at(0);
  }

 private:
  remoting::IoPool pool_;
  remoting::Client client_;
};

}  // namespace

void query_by_id(CaseContext& context) {
  const std::string topic = context.create_topic(1);
  const auto producer = context.start_producer();
  must(producer->send(Message(topic, "not this one")), "send");
  Message message(topic, "this one");
  message.set_tag("wanted").set_keys({"id-key"});
  const SendResult result = must(producer->send(std::move(message)), "send");
  const ReceivedMessage by_offset_id = must(context.admin().message_by_offset_id(result.offset_message_id), "view by offset id");
  check_equal("this one", by_offset_id.body, "body by offset id");
  check_equal(topic, by_offset_id.topic, "topic by offset id");
  check_equal(1, by_offset_id.queue_offset, "queue offset by offset id");
  check_equal("wanted", by_offset_id.tag(), "tag by offset id");
  ReceivedMessage found;
  await("the unique id in the index", [&] {  // The index follows the log; until then nothing is found.
    found = must(context.admin().message_by_unique_key(topic, result.message_id), "query by unique id");
    return true;
  });
  check_equal("this one", found.body, "body by unique id");
  check_equal(result.message_id, found.message_id, "id by unique id");
  check_equal(by_offset_id.physical_offset, found.physical_offset, "place in the log");
}

void query_by_key(CaseContext& context) {
  const std::string topic = context.create_topic(2);
  const auto producer = context.start_producer();
  const std::int64_t begin_ms = now_ms();
  std::set<std::string> expected, found;
  for (int i = 0; i < 9; ++i) {
    const std::string number = std::to_string(i);
    Message message(topic, "keyed " + number);
    if (i % 3 == 0) {  // Every third message has the key wanted, among others.
      message.set_keys({"other-" + number, "order-77"});
      expected.insert("keyed " + number);
    } else {
      message.set_keys({"order-78"});
    }
    must(producer->send(std::move(message)), "send");
  }
  await("three messages with the key", [&] {
    found.clear();
    for (const ReceivedMessage& message :
         must(context.admin().messages_by_key(topic, "order-77", 32, begin_ms - 1'000, now_ms() + 1'000), "query by key")) {
      found.insert(message.body);
    }
    return found.size() >= expected.size();
  });
  check(expected == found, "messages with the key");
}

void unknown_topic(CaseContext& context) {
  const std::string topic = context.topic_name("absent");
  const auto producer = context.start_producer();
  const auto refused = producer->send(Message(topic, "to nowhere"));
  check(!refused, "a send to an unknown topic fails with auto-creation off");
  check_equal(to_int(ResponseCode::topic_not_exist), refused.error().response_code().value_or(-1), "code of the failure");

  RawChannel channel;  // The same at the broker, past the client's own route check.
  SendMessageRequestHeader header;
  const std::string group = context.group("producer");
  header.producer_group = group;
  header.topic = topic;
  header.default_topic = "TBW102";
  header.born_timestamp = now_ms();
  RemotingCommand request = make_request(to_int(RequestCode::send_message), header, Body(std::string("to nowhere")));
  request.ext.own();
  const RemotingCommand response = channel.call(channel.broker_address(context.name_servers()), std::move(request));
  check_equal(to_int(ResponseCode::topic_not_exist), response.code, "code of the broker");
  check(response.remark.starts_with("topic[" + topic + "] not exist, apply first please!"), "remark of the broker: " + response.remark);
}

void unknown_code(CaseContext& context) {
  RawChannel channel;
  for (const std::string& address : {channel.broker_address(context.name_servers()), context.name_servers()}) {
    RemotingCommand request;
    request.code = kNoSuchCode;
    const RemotingCommand response = channel.call(address, std::move(request));
    check_equal(to_int(ResponseCode::request_code_not_supported), response.code, "code from " + address);
    check_equal(" request type " + std::to_string(kNoSuchCode) + " not supported", response.remark, "remark from " + address);
  }
}

}  // namespace skylark::compat
