// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/message.h"
#include "protocol/bodies/topic_route.h"

namespace skylark::client {

using RoutePtr = std::shared_ptr<const TopicRouteData>;

/// Queues that messages of the topic may be sent to: writable ones of brokers with a master, or those of the order configuration.
/// Broker by broker in order of names, queue 0 first. Source: MQClientInstance.topicRouteData2TopicPublishInfo.
[[nodiscard]] std::vector<MessageQueue> publish_queues(const TopicRouteData& route, const std::string& topic);
/// Queues that messages of the topic can be read from, in the same order. Source: …topicRouteData2TopicSubscribeInfo.
[[nodiscard]] std::vector<MessageQueue> subscribe_queues(const TopicRouteData& route, const std::string& topic);
/// The route of `TBW102` as that of a topic yet to be created: at most `queue_count_max` queues a broker.
[[nodiscard]] TopicRouteData limit_queues(TopicRouteData route, std::int32_t queue_count_max);

}  // namespace skylark::client
