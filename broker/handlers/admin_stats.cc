// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_stats.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "broker/broker_stats.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/handlers/answers.h"
#include "broker/handlers/split.h"
#include "broker/message_store.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/offsets.h"
#include "protocol/bodies/tables.h"

namespace skylark::broker {
namespace {

RemotingCommand no_topic(const RemotingCommand& request, const std::string& topic) {
  return answer(request, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist", topic));
}

BrokerStatsItem shown(const StatsWindow& window) {
  BrokerStatsItem item;
  item.average_per_call = window.average_per_time;
  item.sum = window.sum;
  item.tps = window.tps;
  return item;
}

}  // namespace

remoting::Reply StatsAdmin::topic_stats(RemotingCommand& request) {
  const auto header = decode_header<GetTopicStatsInfoRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetTopicStatsInfoRequestHeader>(request));
  const auto topic = topics_.find(header->topic);
  if (!topic) return no_topic(request, header->topic);

  TopicStatsTable body;
  for (std::int32_t queue_id = 0; queue_id < std::max(topic->read_queues, topic->write_queues); ++queue_id) {
    TopicOffset row;
    row.min_offset = std::max<std::int64_t>(0, store_.min_offset(header->topic, queue_id));
    row.max_offset = std::max<std::int64_t>(0, store_.max_offset(header->topic, queue_id));
    if (row.max_offset > 0)
      row.last_update_timestamp = std::max<std::int64_t>(0, store_.store_time(header->topic, queue_id, row.max_offset - 1));
    body.offset_table[MessageQueue{header->topic, identity_.broker_name, queue_id}] = row;
  }
  body.topic_put_tps = stats_.tps("TOPIC_PUT_NUMS", header->topic);
  return answer_body(request, body);
}

bool StatsAdmin::is_dropped_subscription(const std::string& group, const std::string& topic) const {
  return !consumers_.find_subscription(group, topic) && consumers_.subscription_count(group) > 0;
}

bool StatsAdmin::add_consume_rows(const std::string& group, const std::string& topic, ConsumeStats& stats) const {
  const auto config = topics_.find(topic);
  if (!config || is_dropped_subscription(group, topic)) return false;
  for (std::int32_t queue_id = 0; queue_id < config->read_queues; ++queue_id) {
    OffsetWrapper row;
    row.broker_offset = std::max<std::int64_t>(0, store_.max_offset(topic, queue_id));
    row.consumer_offset = std::max<std::int64_t>(0, offsets_.query(group, topic, queue_id));
    row.pull_offset = std::max(row.consumer_offset, offsets_.query_pull(group, topic, queue_id));
    if (row.consumer_offset > 0)
      row.last_timestamp = std::max<std::int64_t>(0, store_.store_time(topic, queue_id, row.consumer_offset - 1));
    stats.offset_table[MessageQueue{topic, identity_.broker_name, queue_id}] = row;
  }
  stats.consume_tps += stats_.tps("GROUP_GET_NUMS", topic + "@" + group);
  return true;
}

remoting::Reply StatsAdmin::consume_stats(RemotingCommand& request) {
  const auto header = decode_header<GetConsumeStatsRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetConsumeStatsRequestHeader>(request));

  std::set<std::string> topics = split(header->topic_list.value_or(""), ';');
  if (header->topic && !header->topic->empty()) topics = {*header->topic};
  if (topics.empty()) topics = offsets_.topics_of(header->consumer_group);
  ConsumeStats body;
  for (const std::string& topic : topics) (void)add_consume_rows(header->consumer_group, topic, body);
  return answer_body(request, body);
}

remoting::Reply StatsAdmin::all_consume_stats(RemotingCommand& request) {
  const auto header = decode_header<GetBrokerConsumeStatsRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetBrokerConsumeStatsRequestHeader>(request));

  ConsumeStatsList body;
  body.broker_addr = identity_.address;
  for (const auto& [group, config] : groups_.all().groups) {
    std::map<std::string, std::vector<ConsumeStats>> by_group;
    auto& list = by_group[group];
    for (const std::string& topic : offsets_.topics_of(group)) {
      const auto topic_config = topics_.find(topic);
      if (!topic_config || (header->orderly_only && !topic_config->order)) continue;
      ConsumeStats stats;
      if (!add_consume_rows(group, topic, stats)) continue;
      for (const auto& [queue, row] : stats.offset_table) {
        body.total_diff += row.broker_offset - row.consumer_offset;
        body.total_inflight_diff += row.pull_offset - row.consumer_offset;
      }
      list.push_back(std::move(stats));
    }
    body.consume_stats.push_back(std::move(by_group));
  }
  return answer_body(request, body);
}

remoting::Reply StatsAdmin::groups_of_topic(RemotingCommand& request) {
  const auto header = decode_header<QueryTopicConsumeByWhoRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QueryTopicConsumeByWhoRequestHeader>(request));
  std::set<std::string> groups = consumers_.groups_of_topic(header->topic);
  groups.merge(offsets_.groups_of(header->topic));
  GroupList body;
  body.groups.assign(groups.begin(), groups.end());
  return answer_body(request, body);
}

remoting::Reply StatsAdmin::topics_of_group(RemotingCommand& request) {
  const auto header = decode_header<QueryTopicsByConsumerRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QueryTopicsByConsumerRequestHeader>(request));
  const std::set<std::string> topics = offsets_.topics_of(header->group);
  TopicList body;
  body.broker_addr = identity_.address;
  body.topics.assign(topics.begin(), topics.end());
  return answer_body(request, body);
}

remoting::Reply StatsAdmin::consume_time_span(RemotingCommand& request) {
  const auto header = decode_header<QueryConsumeTimeSpanRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QueryConsumeTimeSpanRequestHeader>(request));
  const auto topic = topics_.find(header->topic);
  if (!topic) return no_topic(request, header->topic);

  QueryConsumeTimeSpanBody body;
  for (std::int32_t queue_id = 0; queue_id < topic->write_queues; ++queue_id) {
    const std::int64_t end = store_.max_offset(header->topic, queue_id);
    const std::int64_t consumed = offsets_.query(header->group, header->topic, queue_id);
    QueueTimeSpan span;
    span.queue = MessageQueue{header->topic, identity_.broker_name, queue_id};
    span.min_timestamp = store_.store_time(header->topic, queue_id, store_.min_offset(header->topic, queue_id));
    span.max_timestamp = store_.store_time(header->topic, queue_id, end - 1);
    span.consume_timestamp = consumed > 0 ? store_.store_time(header->topic, queue_id, consumed - 1) : span.min_timestamp;
    if (consumed < end) {
      const std::int64_t next_timestamp = store_.store_time(header->topic, queue_id, std::max<std::int64_t>(0, consumed));
      if (next_timestamp > 0) span.delay_ms = clock_.now_ms() - next_timestamp;
    }
    body.spans.push_back(std::move(span));
  }
  return answer_body(request, body);
}

remoting::Reply StatsAdmin::broker_stats(RemotingCommand& request) {
  const auto header = decode_header<ViewBrokerStatsDataRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<ViewBrokerStatsDataRequestHeader>(request));
  const auto found = stats_.find(header->stats_name, header->stats_key);
  if (!found) {
    return answer(request, ResponseCode::system_error, fmt::format("The stats <{}> <{}> not exist", header->stats_name, header->stats_key));
  }
  BrokerStatsData body;
  body.minute = shown(found->minute);
  body.hour = shown(found->hour);
  body.day = shown(found->day);
  return answer_body(request, body);
}

}  // namespace skylark::broker
