// SPDX-License-Identifier: Apache-2.0
#include "base/properties_text.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/connections.h"
#include "protocol/bodies/consumer_bodies.h"
#include "protocol/bodies/ha_runtime_info.h"
#include "protocol/bodies/heartbeat.h"
#include "protocol/bodies/locks.h"
#include "protocol/bodies/offsets.h"
#include "protocol/bodies/register_broker_body.h"
#include "protocol/bodies/stats.h"
#include "protocol/bodies/subscription_group.h"
#include "protocol/bodies/tables.h"
#include "protocol/bodies/topic_route.h"
#include "tests/fuzz/fuzz.h"

namespace skylark::fuzz {
namespace {

/// Whatever a body made of a value, it must read its own writing the same.
template <class T>
void check_body(const json::Value& value) {
  const std::string written = json::write(T::from_json(value).to_json());
  const auto again = json::parse(written);
  expect(again.has_value(), "a body of our own is refused");
  expect(json::write(T::from_json(*again).to_json()) == written, "a body differs after encoding");
}

template <class... Bodies>
void check_bodies(const json::Value& value) {
  (check_body<Bodies>(value), ...);
}

}  // namespace

void one_input(std::string_view bytes) {
  (void)read_properties(bytes);
  (void)RegisterBrokerBody::decode_compressed(bytes, 1 << 20);
  (void)HeartbeatData::parse(bytes);
  const auto value = json::parse(bytes);
  if (!value) return;
  const auto compact = json::parse(json::write(*value));
  expect(compact && *compact == *value, "a value differs after writing");
  const auto pretty = json::parse(json::write_pretty(*value));
  expect(pretty && *pretty == *value, "a value differs after pretty writing");
  check_bodies<BrokerMemberGroup, BrokerStatsData, CheckClientRequestBody, ClusterInfo, ConsumeMessageDirectlyResult, ConsumeStats,
               ConsumeStatsList, ConsumerConnection, ConsumerIdList, ConsumerOffsetTable, ConsumerRunningInfo, DelayOffsetTable,
               GetConsumerStatusBody, GroupForbidden, GroupList, HaRuntimeInfo, KvTable, LockBatchRequestBody, LockBatchResponseBody,
               ProducerConnection, ProducerTableInfo, QueryConsumeQueueResponseBody, QueryCorrectionOffsetBody,
               QuerySubscriptionResponseBody, RegisterBrokerBody, ResetOffsetBody, SubscriptionGroupTable, TopicList, TopicRouteData,
               TopicStatsTable>(*value);
}

}  // namespace skylark::fuzz
