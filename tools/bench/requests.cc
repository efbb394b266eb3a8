// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/requests.h"

#include <chrono>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "protocol/admin_headers.h"
#include "protocol/pull_headers.h"
#include "protocol/request_code.h"
#include "protocol/send_headers.h"

namespace skylark::bench {

namespace {

constexpr std::int32_t kReadAndWrite = 6;  // PermName.java
constexpr std::string_view kKeySent = "7F0000010000000000000000KKKKKKKK";  // 32 letters like a client's; the K are replaced.
constexpr std::string_view kKeyMark = "KKKKKKKK";

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <class Header>
std::string encode(RequestCode code, const Header& header, FieldNames names, Codec codec, std::int32_t opaque, std::string_view body) {
  RemotingCommand command = make_request(code, header, Body::view_of(body), names);
  command.language = Language::java;  // What the load imitates; answers do not depend on it.
  command.codec = codec;
  command.opaque = opaque;
  std::string frame;
  encode_frame(command, frame);
  return frame;
}

NumberPatch must_locate(const std::function<std::string(std::int32_t)>& encode_with) {
  const auto patch = locate_number(encode_with);
  if (!patch) throw BenchError("this codec has no fixed place for a number that changes");
  return *patch;
}

RequestTemplate make_send(const Options& options, const std::string& topic, std::int32_t queue, std::string_view body) {
  const std::string properties = fmt::format("UNIQ_KEY\x01{}\x02WAIT\x01true", kKeySent);
  SendMessageRequestHeader header;
  header.producer_group = "skylark_bench";
  header.topic = topic;
  header.default_topic = "TBW102";
  header.queue_id = queue;
  header.born_timestamp = now_ms();
  header.properties = properties;
  const auto with_opaque = [&](std::int32_t opaque) {
    return encode(RequestCode::send_message_v2, header, FieldNames::short_form, options.codec, opaque, body);
  };
  RequestTemplate made;
  made.frame = with_opaque(kOpaqueBase);
  made.opaque = must_locate(with_opaque);
  made.key_at = made.frame.find(kKeyMark);
  return made;
}

RequestTemplate make_pull(const Options& options, const std::string& topic, std::int32_t queue) {
  PullMessageRequestHeader header;
  header.consumer_group = "skylark_bench";
  header.topic = topic;
  header.queue_id = queue;
  header.queue_offset = kOpaqueBase;
  header.message_count_max = options.batch;
  header.sys_flag = pull_flag::kSubscription;
  header.subscription = "*";
  const auto with_opaque = [&](std::int32_t opaque) {
    return encode(RequestCode::pull_message, header, FieldNames::full, options.codec, opaque, {});
  };
  const auto with_offset = [&](std::int32_t offset) {
    header.queue_offset = offset;
    return with_opaque(kOpaqueBase);
  };
  RequestTemplate made;
  made.frame = with_opaque(kOpaqueBase);
  made.opaque = must_locate(with_opaque);
  made.number = must_locate(with_offset);
  return made;
}

template <class Make>
std::vector<RequestTemplate> for_each_queue(const Options& options, Make&& make) {
  std::vector<RequestTemplate> made;
  for (std::int32_t topic = 0; topic < options.topics; ++topic) {
    const std::string name = topic_name(options, topic);
    for (std::int32_t queue = 0; queue < options.queues; ++queue) made.push_back(make(name, queue));
  }
  return made;
}

}  // namespace

std::string topic_name(const Options& options, std::int32_t topic) {
  return options.topics == 1 ? options.topic : fmt::format("{}{}", options.topic, topic);
}

std::vector<RequestTemplate> make_sends(const Options& options) {
  const std::string body(static_cast<std::size_t>(options.size_bytes), 'b');
  return for_each_queue(options, [&](const std::string& name, std::int32_t queue) { return make_send(options, name, queue, body); });
}

std::vector<RequestTemplate> make_pulls(const Options& options) {
  return for_each_queue(options, [&](const std::string& name, std::int32_t queue) { return make_pull(options, name, queue); });
}

void write_key(char* key, std::uint32_t number) noexcept {
  for (std::size_t i = kKeyMark.size(); i-- > 0; number >>= 4) key[i] = "0123456789ABCDEF"[number & 15];
}

void create_topics(Connection& connection, const Options& options) {
  for (std::int32_t topic = 0; topic < options.topics; ++topic) {
    CreateTopicRequestHeader header;
    header.topic = topic_name(options, topic);
    header.default_topic = "TBW102";
    header.read_queue_nums = options.queues;
    header.write_queue_nums = options.queues;
    header.perm = kReadAndWrite;
    header.topic_sys_flag = 0;
    const RemotingCommand answer = connection.call(make_request(RequestCode::update_and_create_topic, header));
    if (answer.code != 0) throw BenchError(fmt::format("topic {}: code {}: {}", header.topic, answer.code, answer.remark));
  }
}

}  // namespace skylark::bench
