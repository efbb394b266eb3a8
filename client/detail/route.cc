// SPDX-License-Identifier: Apache-2.0
#include "client/detail/route.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "protocol/bodies/topic_config.h"

namespace skylark::client {

namespace {

void append_queues(std::vector<MessageQueue>& to, const std::string& topic, const std::string& broker_name, std::int32_t count) {
  for (std::int32_t id = 0; id < count; ++id) to.push_back(MessageQueue{topic, broker_name, id});
}

/// Items of `broker-a:8;broker-b:8`; what does not have that form is left out.
std::vector<MessageQueue> queues_of_order_conf(std::string_view conf, const std::string& topic) {
  std::vector<MessageQueue> queues;
  while (!conf.empty()) {
    const auto item = conf.substr(0, conf.find(';'));
    conf.remove_prefix(std::min(conf.size(), item.size() + 1));
    const auto colon = item.find(':');
    if (colon == std::string_view::npos) continue;
    const auto digits = item.substr(colon + 1);
    std::int32_t count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    append_queues(queues, topic, std::string(item.substr(0, colon)), count);
  }
  return queues;
}

std::vector<QueueData> sorted_queue_datas(const TopicRouteData& route) {
  auto datas = route.queue_datas;
  std::ranges::sort(datas, {}, &QueueData::broker_name);
  return datas;
}

bool has_master(const TopicRouteData& route, const std::string& broker_name) {
  const auto found = std::ranges::find(route.broker_datas, broker_name, &BrokerData::broker_name);
  return found != route.broker_datas.end() && found->broker_addrs.contains(0);
}

}  // namespace

std::vector<MessageQueue> publish_queues(const TopicRouteData& route, const std::string& topic) {
  if (route.order_topic_conf && !route.order_topic_conf->empty()) return queues_of_order_conf(*route.order_topic_conf, topic);
  std::vector<MessageQueue> queues;
  for (const QueueData& data : sorted_queue_datas(route)) {
    if (!permission::writable(data.perm) || !has_master(route, data.broker_name)) continue;
    append_queues(queues, topic, data.broker_name, data.write_queue_nums);
  }
  return queues;
}

std::vector<MessageQueue> subscribe_queues(const TopicRouteData& route, const std::string& topic) {
  std::vector<MessageQueue> queues;
  for (const QueueData& data : sorted_queue_datas(route)) {
    if (permission::readable(data.perm)) append_queues(queues, topic, data.broker_name, data.read_queue_nums);
  }
  return queues;
}

TopicRouteData limit_queues(TopicRouteData route, std::int32_t queue_count_max) {
  for (QueueData& data : route.queue_datas) {
    const std::int32_t count = std::min(queue_count_max, data.read_queue_nums);
    data.read_queue_nums = count;
    data.write_queue_nums = count;
  }
  return route;
}

}  // namespace skylark::client
