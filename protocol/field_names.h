// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/same_text.h"

// Numbers of well-known field names in headers of type 2 (schema/command.fbs).

namespace skylark::field_names {

/// Names in the order of their numbers, from 1. This is wire format: add at the end, never move or remove.
inline constexpr std::string_view kNames[] = {
    "producerGroup",
    "a",
    "topic",
    "b",
    "defaultTopic",
    "c",
    "defaultTopicQueueNums",
    "d",
    "queueId",
    "e",
    "sysFlag",
    "f",
    "bornTimestamp",
    "g",
    "flag",
    "h",
    "properties",
    "i",
    "reconsumeTimes",
    "j",
    "unitMode",
    "k",
    "maxReconsumeTimes",
    "l",
    "batch",
    "m",
    "bname",
    "n",
    "msgId",
    "queueOffset",
    "transactionId",
    "batchUniqId",
    "MSG_REGION",
    "TRACE_ON",
    "offset",
    "group",
    "delayLevel",
    "originMsgId",
    "originTopic",
    "tranStateTableOffset",
    "commitLogOffset",
    "commitOrRollback",
    "fromTransactionCheck",
    "offsetMsgId",
    "consumerGroup",
    "maxMsgNums",
    "commitOffset",
    "suspendTimeoutMillis",
    "subscription",
    "subVersion",
    "expressionType",
    "maxMsgBytes",
    "suggestWhichBrokerId",
    "nextBeginOffset",
    "minOffset",
    "maxOffset",
    "topicSysFlag",
    "groupSysFlag",
    "forbiddenType",
    "setZeroIfNotFound",
    "timestamp",
    "boundaryType",
    "committed",
    "IS_SUPPORT_HEART_BEAT_V2",
    "IS_SUB_CHANGE",
    "clientID",
    "key",
    "maxNum",
    "beginTimestamp",
    "endTimestamp",
    "_UNIQUE_KEY_QUERY",
    "indexLastUpdateTimestamp",
    "indexLastUpdatePhyoffset",
    "readQueueNums",
    "writeQueueNums",
    "perm",
    "topicFilterType",
    "order",
    "attributes",
    "force",
    "index",
    "count",
    "groupName",
    "cleanOffset",
    "readable",
    "topicList",
    "isOrder",
    "statsName",
    "statsKey",
    "clientId",
    "jstackEnable",
    "brokerName",
    "isForce",
    "clientAddr",
    "filterGroups",
    "compareGroup",
    "srcGroup",
    "destGroup",
    "offline",
    "version",
    "masterHaAddress",
    "masterAddress",
    "masterFlushOffset",
    "brokerAddr",
    "clusterName",
    "haServerAddr",
    "brokerId",
    "heartbeatTimeoutMillis",
    "enableActingMaster",
    "compressed",
    "bodyCrc32",
    "__ZONE_NAME",
    "masterAddr",
    "changed",
    "epoch",
    "confirmOffset",
    "heartbeatTimeoutMills",
    "electionPriority",
    "acceptStandardJsonOnly",
    "cluster",
    "wipeTopicCount",
    "addTopicCount",
    "namespace",
    "value",
    "minBrokerId",
    "minBrokerAddr",
    "offlineBrokerAddr",
    "haBrokerAddr",
    "codecs",
    "ns",
    "nsd",
    "oway",
    "lo",
    "storeHost",
    "bornHost",
    "storeTimestamp",
    "recallHandle",
    "AccessKey",
    "Signature",
    "SecurityToken",
    "requestSource",
    "proxyFrowardClientId",
    "offsetDelta",
    "popTime",
    "invisibleTime",
    "reviveQid",
    "restNum",
    "startOffsetInfo",
    "msgOffsetInfo",
    "orderCountInfo",
};
inline constexpr std::size_t kCount = std::size(kNames);

namespace detail {

inline constexpr std::size_t kSlotCount = 1024;  // Over four slots a name, so that most are found at the first look.
static_assert(kCount * 4 < kSlotCount);

/// By size and three characters: a hash of all of them took longer than the rest of an answer's fields.
constexpr std::size_t slot_of(std::string_view name) noexcept {
  if (name.empty()) return 0;
  const auto at = [name](std::size_t i) { return std::size_t{static_cast<unsigned char>(name[i])}; };
  return (name.size() * 61 + at(0) * 17 + at(name.size() / 2) * 31 + at(name.size() - 1) * 7) % kSlotCount;
}

constexpr std::array<std::uint16_t, kSlotCount> make_slots() {
  std::array<std::uint16_t, kSlotCount> slots{};
  for (std::size_t i = 0; i < kCount; ++i) {
    std::size_t slot = slot_of(kNames[i]);
    while (slots[slot] != 0) slot = (slot + 1) % kSlotCount;
    slots[slot] = static_cast<std::uint16_t>(i + 1);
  }
  return slots;
}

inline constexpr auto kSlots = make_slots();

}  // namespace detail

/// Number of a name, or 0 when it has none.
[[nodiscard]] inline std::uint16_t id_of(std::string_view name) noexcept {
  for (std::size_t slot = detail::slot_of(name);; slot = (slot + 1) % detail::kSlotCount) {
    const std::uint16_t id = detail::kSlots[slot];
    if (id == 0 || same_text(kNames[id - 1], name)) return id;
  }
}

/// Name of a number; empty when it is unknown, as from a newer peer.
[[nodiscard]] constexpr std::string_view name_of(std::uint16_t id) noexcept {
  return id >= 1 && id <= kCount ? kNames[id - 1] : std::string_view();
}

}  // namespace skylark::field_names
