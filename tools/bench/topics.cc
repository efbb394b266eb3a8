// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/topics.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "protocol/admin_headers.h"
#include "protocol/bodies/topic_config.h"
#include "protocol/header_codec.h"
#include "protocol/json.h"
#include "protocol/offset_headers.h"
#include "protocol/request_code.h"
#include "tools/bench/requests.h"

namespace skylark::bench {

namespace {

constexpr std::int32_t kAloneMax = 64;  // More topics go in lists: brokers write their file of topics anew for each request.
constexpr std::size_t kListSize = 500;

void refuse(std::string_view what, const RemotingCommand& answer) {
  throw BenchError(fmt::format("{}: code {}: {}", what, answer.code, answer.remark));
}

void create_one_by_one(Connection& connection, const Options& options) {
  connection.call_each(
      static_cast<std::size_t>(options.topics),
      [&](std::size_t topic) {
        CreateTopicRequestHeader header;
        header.topic = topic_name(options, static_cast<std::int32_t>(topic));
        header.default_topic = "TBW102";
        header.read_queue_nums = options.queues;
        header.write_queue_nums = options.queues;
        header.perm = permission::kRead | permission::kWrite;
        header.topic_sys_flag = 0;
        return make_request(RequestCode::update_and_create_topic, header);
      },
      [&](std::size_t topic, const RemotingCommand& answer) {
        if (answer.code != 0) refuse(topic_name(options, static_cast<std::int32_t>(topic)), answer);
      });
}

/// Numbers of the topics that the broker has not, or with other queues.
std::vector<std::int32_t> missing_topics(Connection& connection, const Options& options) {
  std::vector<std::int32_t> missing;
  connection.call_each(
      static_cast<std::size_t>(options.topics),
      [&](std::size_t topic) {
        GetTopicConfigRequestHeader header;
        header.topic = topic_name(options, static_cast<std::int32_t>(topic));
        return make_request(RequestCode::get_topic_config, header);
      },
      [&](std::size_t topic, const RemotingCommand& answer) {
        const auto body = answer.code == 0 ? json::parse(answer.body.view()) : Result<json::Value>(json::Value());
        const TopicConfig config = TopicConfig::from_json(body ? *body : json::Value());
        if (answer.code != 0 || config.write_queues != options.queues || config.read_queues != options.queues) {
          missing.push_back(static_cast<std::int32_t>(topic));
        }
      });
  return missing;
}

/// A broker skips the rest of a list from the first topic on that it already has as it is: `topics` must be missing.
void create_in_lists(Connection& connection, const Options& options, const std::vector<std::int32_t>& topics) {
  connection.call_each((topics.size() + kListSize - 1) / kListSize,
                       [&](std::size_t list) {
                         json::Value configs{json::Array{}};
                         for (std::size_t i = list * kListSize; i < std::min(topics.size(), (list + 1) * kListSize); ++i) {
                           TopicConfig config;
                           config.name = topic_name(options, topics[i]);
                           config.read_queues = config.write_queues = options.queues;
                           configs.push(config.to_json());
                         }
                         json::Value body;
                         body.set("topicConfigList", std::move(configs));
                         RemotingCommand request;
                         request.code = to_int(RequestCode::update_and_create_topic_list);
                         request.body = Body(json::write(body));
                         return request;
                       },
                       [&](std::size_t, const RemotingCommand& answer) {
                         if (answer.code != 0) refuse("a list of topics", answer);
                       });
}

}  // namespace

void create_topics(Connection& connection, const Options& options) {
  if (options.topics <= kAloneMax) return create_one_by_one(connection, options);
  create_in_lists(connection, options, missing_topics(connection, options));
  const auto left = missing_topics(connection, options);
  if (!left.empty())
    throw BenchError(fmt::format("{} topics were not created, {} the first", left.size(), topic_name(options, left.front())));
}

std::vector<std::int64_t> queue_ends(Connection& connection, const Options& options) {
  const auto queues = static_cast<std::size_t>(options.queues);
  std::vector<std::int64_t> ends(static_cast<std::size_t>(options.topics) * queues);
  connection.call_each(
      ends.size(),
      [&](std::size_t i) {
        GetMaxOffsetRequestHeader header;
        header.topic = topic_name(options, static_cast<std::int32_t>(i / queues));
        header.queue_id = static_cast<std::int32_t>(i % queues);
        return make_request(RequestCode::get_max_offset, header);
      },
      [&](std::size_t i, const RemotingCommand& answer) {
        const auto end = answer.ext.integer("offset");
        if (answer.code != 0 || !end) throw BenchError(fmt::format("end of a queue: code {}: {}", answer.code, answer.remark));
        ends[i] = *end;
      });
  return ends;
}

}  // namespace skylark::bench
