// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/topic_route.h"

#include "protocol/bodies/body.h"

namespace skylark {
namespace {

std::map<std::int64_t, std::string> addresses_from_json(const json::Value& value) {
  std::map<std::int64_t, std::string> addresses;
  for (const auto& [id, address] : value.members()) addresses[id.as_integer()] = address.as_string();
  return addresses;
}

}  // namespace

BrokerData BrokerData::from_json(const json::Value& value) {
  BrokerData data;
  data.broker_addrs = addresses_from_json(value["brokerAddrs"]);
  data.broker_name = value["brokerName"].as_string();
  data.cluster = value["cluster"].as_string();
  data.enable_acting_master = value["enableActingMaster"].as_boolean();
  if (!value["zoneName"].is_null()) data.zone_name = value["zoneName"].as_string();
  return data;
}

json::Value BrokerData::to_json() const {
  json::Value out;
  out.set("brokerAddrs", detail::object_of(broker_addrs));
  out.set("brokerName", broker_name);
  out.set("cluster", cluster);
  out.set("enableActingMaster", enable_acting_master);
  if (zone_name) out.set("zoneName", *zone_name);
  return out;
}

QueueData QueueData::from_json(const json::Value& value) {
  return {.broker_name = value["brokerName"].as_string(),
          .perm = value["perm"].as_int32(),
          .read_queue_nums = value["readQueueNums"].as_int32(),
          .topic_sys_flag = value["topicSysFlag"].as_int32(),
          .write_queue_nums = value["writeQueueNums"].as_int32()};
}

json::Value QueueData::to_json() const {
  json::Value out;
  out.set("brokerName", broker_name);
  out.set("perm", perm);
  out.set("readQueueNums", read_queue_nums);
  out.set("topicSysFlag", topic_sys_flag);
  out.set("writeQueueNums", write_queue_nums);
  return out;
}

TopicRouteData TopicRouteData::from_json(const json::Value& value) {
  TopicRouteData route;
  route.broker_datas = detail::vector_from<BrokerData>(value["brokerDatas"]);
  for (const auto& [key, servers] : value["filterServerTable"].members()) {
    route.filter_server_table[key.as_string()] = detail::strings_from(servers);
  }
  if (!value["orderTopicConf"].is_null()) route.order_topic_conf = value["orderTopicConf"].as_string();
  route.queue_datas = detail::vector_from<QueueData>(value["queueDatas"]);
  return route;
}

json::Value TopicRouteData::to_json() const {
  json::Value filter_servers(json::Object{});
  for (const auto& [address, servers] : filter_server_table) filter_servers.set(address, detail::array_of(servers));
  json::Value out;
  out.set("brokerDatas", detail::array_of(broker_datas));
  out.set("filterServerTable", std::move(filter_servers));
  if (order_topic_conf) out.set("orderTopicConf", *order_topic_conf);
  out.set("queueDatas", detail::array_of(queue_datas));
  return out;
}

ClusterInfo ClusterInfo::from_json(const json::Value& value) {
  ClusterInfo info;
  for (const auto& [name, data] : value["brokerAddrTable"].members())
    info.broker_addr_table[name.as_string()] = BrokerData::from_json(data);
  for (const auto& [name, brokers] : value["clusterAddrTable"].members()) {
    auto& names = info.cluster_addr_table[name.as_string()];
    for (std::string& broker : detail::strings_from(brokers)) names.insert(std::move(broker));
  }
  return info;
}

json::Value ClusterInfo::to_json() const {
  json::Value clusters(json::Object{});
  for (const auto& [name, brokers] : cluster_addr_table) clusters.set(name, detail::array_of(brokers));
  json::Value out;
  out.set("brokerAddrTable", detail::object_of(broker_addr_table));
  out.set("clusterAddrTable", std::move(clusters));
  return out;
}

BrokerMemberGroup BrokerMemberGroup::from_json(const json::Value& value) {
  const json::Value& group = value["brokerMemberGroup"];
  return {.broker_addrs = addresses_from_json(group["brokerAddrs"]),
          .broker_name = group["brokerName"].as_string(),
          .cluster = group["cluster"].as_string()};
}

json::Value BrokerMemberGroup::to_json() const {
  json::Value group;
  group.set("brokerAddrs", detail::object_of(broker_addrs));
  group.set("brokerName", broker_name);
  group.set("cluster", cluster);
  json::Value out;
  out.set("brokerMemberGroup", std::move(group));
  return out;
}

}  // namespace skylark
