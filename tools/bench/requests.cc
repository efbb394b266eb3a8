// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/requests.h"

#include <chrono>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "protocol/nameserver_headers.h"
#include "protocol/offset_headers.h"
#include "protocol/pull_headers.h"
#include "protocol/request_code.h"
#include "protocol/send_headers.h"

namespace skylark::bench {

namespace {

constexpr std::int32_t kReadAndWrite = 6;                                  // PermName.java
constexpr std::string_view kKeySent = "7F0000010000000000000000KKKKKKKK";  // 32 letters like a client's; the K are replaced.
constexpr std::string_view kKeyMark = "KKKKKKKK";
constexpr std::string_view kGroupMark = "GGGGG";

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

std::string marked_group() { return fmt::format("{}_{}", kProducerGroup, kGroupMark); }

/// Template of a pull or commit: finds opaque, queue, offset and group in what `with_opaque` encodes from these fields.
RequestTemplate locate_all(const std::function<std::string(std::int32_t)>& with_opaque, std::int32_t& queue, std::int64_t& offset) {
  RequestTemplate made;
  made.frame = with_opaque(kOpaqueBase);
  made.opaque = must_locate(with_opaque);
  made.queue = must_locate([&](std::int32_t value) {
    queue = value;
    return with_opaque(kOpaqueBase);
  });
  queue = kOpaqueBase;
  made.offset = must_locate([&](std::int32_t value) {
    offset = value;
    return with_opaque(kOpaqueBase);
  });
  made.group_at = made.frame.find(kGroupMark);
  return made;
}

RequestTemplate make_send(const Options& options, const SendPlan& plan, const std::string& topic, std::string_view body) {
  const std::string properties = fmt::format("{}UNIQ_KEY\x01{}\x02WAIT\x01true", plan.properties, kKeySent);
  SendMessageRequestHeader header;
  header.producer_group = kProducerGroup;
  header.topic = topic;
  header.default_topic = "TBW102";
  header.queue_id = kOpaqueBase;
  header.sys_flag = plan.sys_flag;
  header.born_timestamp = now_ms();
  header.properties = properties;
  const auto with_opaque = [&](std::int32_t opaque) {
    return encode(RequestCode::send_message_v2, header, FieldNames::short_form, options.codec, opaque, body);
  };
  const auto with_queue = [&](std::int32_t queue) {
    header.queue_id = queue;
    return with_opaque(kOpaqueBase);
  };
  RequestTemplate made;
  made.frame = with_opaque(kOpaqueBase);
  made.opaque = must_locate(with_opaque);
  made.queue = must_locate(with_queue);
  made.key_at = made.frame.find(kKeyMark);
  made.body_at = made.frame.size() - body.size();
  return made;
}

RequestTemplate make_pull(const Options& options, std::int64_t hold_ms, const std::string& topic) {
  PullMessageRequestHeader header;
  const std::string group = marked_group();
  header.consumer_group = group;
  header.topic = topic;
  header.queue_id = kOpaqueBase;
  header.queue_offset = kOpaqueBase;
  header.message_count_max = options.batch;
  header.sys_flag = pull_flag::kSubscription | (hold_ms > 0 ? pull_flag::kSuspend : 0);
  header.suspend_timeout_ms = hold_ms;
  header.subscription = "*";
  const auto with_opaque = [&](std::int32_t opaque) {
    return encode(RequestCode::pull_message, header, FieldNames::full, options.codec, opaque, {});
  };
  return locate_all(with_opaque, header.queue_id, header.queue_offset);
}

RequestTemplate make_commit(const Options& options, const std::string& topic) {
  UpdateConsumerOffsetRequestHeader header;
  header.consumer_group = marked_group();
  header.topic = topic;
  header.queue_id = kOpaqueBase;
  header.commit_offset = kOpaqueBase;
  const auto with_opaque = [&](std::int32_t opaque) {
    return encode(RequestCode::update_consumer_offset, header, FieldNames::full, options.codec, opaque, {});
  };
  return locate_all(with_opaque, header.queue_id, header.commit_offset);
}

template <class Make>
std::vector<RequestTemplate> for_each_topic(const Options& options, Make&& make) {
  std::vector<RequestTemplate> made;
  for (std::int32_t topic = 0; topic < options.topics; ++topic) made.push_back(make(topic_name(options, topic)));
  return made;
}

}  // namespace

std::string topic_name(const Options& options, std::int32_t topic) {
  return options.topics == 1 ? options.topic : fmt::format("{}{}", options.topic, topic);
}

std::string group_name(std::int32_t group) {
  std::string name = marked_group();
  write_group(name.data() + name.size() - kGroupMark.size(), group);
  return name;
}

std::vector<RequestTemplate> make_sends(const Options& options, const SendPlan& plan) {
  const std::string body(static_cast<std::size_t>(options.size_bytes), 'b');
  return for_each_topic(options, [&](const std::string& name) { return make_send(options, plan, name, body); });
}

std::vector<RequestTemplate> make_pulls(const Options& options, std::int64_t hold_ms) {
  return for_each_topic(options, [&](const std::string& name) { return make_pull(options, hold_ms, name); });
}

std::vector<RequestTemplate> make_commits(const Options& options) {
  return for_each_topic(options, [&](const std::string& name) { return make_commit(options, name); });
}

RequestTemplate make_route_query(const Options& options, const std::string& topic) {
  GetRouteInfoRequestHeader header;
  header.topic = topic;
  const auto with_opaque = [&](std::int32_t opaque) {
    return encode(RequestCode::get_routeinfo_by_topic, header, FieldNames::full, options.codec, opaque, {});
  };
  RequestTemplate made;
  made.frame = with_opaque(kOpaqueBase);
  made.opaque = must_locate(with_opaque);
  return made;
}

void write_key(char* key, std::uint32_t number) noexcept {
  for (std::size_t i = kKeyMark.size(); i-- > 0; number >>= 4) key[i] = "0123456789ABCDEF"[number & 15];
}

void write_group(char* digits, std::int32_t group) noexcept {
  for (std::size_t i = kGroupMark.size(); i-- > 0; group /= 10) digits[i] = static_cast<char>('0' + group % 10);
}

}  // namespace skylark::bench
