// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/header_codec.h"

// Headers of producing: send in its long and short form, send back, transactions.

namespace skylark {

/// Codes 10, 320 and 310 (the short names). Views into the command. Whether the body is a batch is said by `batch`, not by the code.
/// Source: SendMessageRequestHeader.java, SendMessageRequestHeaderV2.java.
struct SendMessageRequestHeader {
  using Self = SendMessageRequestHeader;
  std::string_view producer_group;
  std::string_view topic;
  std::string_view default_topic;  ///< Template for auto-creation: `TBW102`.
  std::int32_t default_topic_queue_nums = 4;
  std::int32_t queue_id = 0;        ///< Negative: the broker picks.
  std::int32_t sys_flag = 0;        ///< Bits of `sys_flag`.
  std::int64_t born_timestamp = 0;  ///< Milliseconds since the epoch.
  std::int32_t flag = 0;
  std::string_view properties;
  std::int32_t reconsume_times = 0;
  bool unit_mode = false;
  std::optional<std::int32_t> max_reconsume_times;  ///< Looked at for retry topics alone.
  bool batch = false;
  std::optional<std::string_view> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("producerGroup", &Self::producer_group, required, "a"),
                      field("topic", &Self::topic, required, "b"),
                      field("defaultTopic", &Self::default_topic, required, "c"),
                      field("defaultTopicQueueNums", &Self::default_topic_queue_nums, required, "d"),
                      field("queueId", &Self::queue_id, required, "e"),
                      field("sysFlag", &Self::sys_flag, required, "f"),
                      field("bornTimestamp", &Self::born_timestamp, required, "g"),
                      field("flag", &Self::flag, required, "h"),
                      field("properties", &Self::properties, optional_field, "i"),
                      field("reconsumeTimes", &Self::reconsume_times, optional_field, "j"),
                      field("unitMode", &Self::unit_mode, optional_field, "k"),
                      field("maxReconsumeTimes", &Self::max_reconsume_times, optional_field, "l"),
                      field("batch", &Self::batch, optional_field, "m"),
                      field("bname", &Self::broker_name, optional_field, "n")};
  }
};

/// Answer to a send; the first three are there on success and on codes 10, 11 and 12. Source: SendMessageResponseHeader.java.
struct SendMessageResponseHeader {
  using Self = SendMessageResponseHeader;
  std::string message_id;  ///< Offset id; for a batch the ids joined by commas.
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;               ///< That of the first message of a batch.
  std::optional<std::string> transaction_id;   ///< The UNIQ_KEY of a single message.
  std::optional<std::string> batch_unique_id;  ///< Inner batch alone.
  std::optional<std::string> region;
  std::optional<std::string> trace_on;  ///< `true` or `false`.

  static constexpr auto fields() {
    return std::tuple{field("msgId", &Self::message_id, required),
                      field("queueId", &Self::queue_id, required),
                      field("queueOffset", &Self::queue_offset, required),
                      field("transactionId", &Self::transaction_id),
                      field("batchUniqId", &Self::batch_unique_id),
                      field("MSG_REGION", &Self::region),
                      field("TRACE_ON", &Self::trace_on)};
  }
};

/// Code 36. Source: ConsumerSendMsgBackRequestHeader.java.
struct ConsumerSendMsgBackRequestHeader {
  using Self = ConsumerSendMsgBackRequestHeader;
  std::int64_t physical_offset = 0;  ///< Where the message lies in the commit log.
  std::string group;
  std::int32_t delay_level = 0;  ///< -1: to the dead-letter queue; 0: the broker decides; else that level.
  std::optional<std::string> origin_message_id;
  std::optional<std::string> origin_topic;
  bool unit_mode = false;
  std::optional<std::int32_t> max_reconsume_times;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("offset", &Self::physical_offset, required),
                      field("group", &Self::group, required),
                      field("delayLevel", &Self::delay_level, required),
                      field("originMsgId", &Self::origin_message_id),
                      field("originTopic", &Self::origin_topic),
                      field("unitMode", &Self::unit_mode),
                      field("maxReconsumeTimes", &Self::max_reconsume_times),
                      field("bname", &Self::broker_name)};
  }
};

/// Code 37. Source: EndTransactionRequestHeader.java.
struct EndTransactionRequestHeader {
  using Self = EndTransactionRequestHeader;
  std::optional<std::string> topic;
  std::string producer_group;
  std::int64_t half_queue_offset = 0;     ///< Queue offset of the half message.
  std::int64_t half_physical_offset = 0;  ///< Its place in the commit log.
  std::int32_t commit_or_rollback = 0;    ///< 8 commit, 12 rollback, 0 unknown.
  bool from_transaction_check = false;    ///< The answer to a check rather than the producer's own word.
  std::string message_id;
  std::optional<std::string> transaction_id;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic),
                      field("producerGroup", &Self::producer_group, required),
                      field("tranStateTableOffset", &Self::half_queue_offset, required),
                      field("commitLogOffset", &Self::half_physical_offset, required),
                      field("commitOrRollback", &Self::commit_or_rollback, required),
                      field("fromTransactionCheck", &Self::from_transaction_check),
                      field("msgId", &Self::message_id, required),
                      field("transactionId", &Self::transaction_id),
                      field("bname", &Self::broker_name)};
  }
};

/// Code 39, broker to producer. Source: CheckTransactionStateRequestHeader.java.
struct CheckTransactionStateRequestHeader {
  using Self = CheckTransactionStateRequestHeader;
  std::optional<std::string> topic;
  std::int64_t half_queue_offset = 0;
  std::int64_t half_physical_offset = 0;
  std::optional<std::string> message_id;      ///< The UNIQ_KEY.
  std::optional<std::string> transaction_id;  ///< The UNIQ_KEY as well.
  std::optional<std::string> offset_message_id;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic),
                      field("tranStateTableOffset", &Self::half_queue_offset, required),
                      field("commitLogOffset", &Self::half_physical_offset, required),
                      field("msgId", &Self::message_id),
                      field("transactionId", &Self::transaction_id),
                      field("offsetMsgId", &Self::offset_message_id),
                      field("bname", &Self::broker_name)};
  }
};

}  // namespace skylark
