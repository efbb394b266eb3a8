// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "commitlog/encoded_records.h"
#include "commitlog/queue_offset_table.h"
#include "protocol/message.h"

namespace skylark::commitlog {

/// Queues that list messages of other topics: the producer names them in a property, the append gives each the next offset in a second one,
/// and dispatch enters the message in each. Source: LmqDispatch.java, MultiDispatchUtils.java, ConsumeQueue.java 5.3.
inline constexpr std::string_view kInnerQueueNames = "INNER_MULTI_DISPATCH", kInnerQueueOffsets = "INNER_MULTI_QUEUE_OFFSET",
                                  kLmqPrefix = "%LMQ%";

struct InnerQueueOptions {
  bool number = false;  ///< enableLmq: names that begin with `%LMQ%` are given offsets, and have the one queue 0.
  bool enter = false;   ///< enableMultiDispatch: numbered queues get their entries.
};

[[nodiscard]] inline bool is_lmq(std::string_view name) noexcept { return name.starts_with(kLmqPrefix); }
/// The names that a message of that topic lists; empty for none, and for topics whose messages are never listed elsewhere.
[[nodiscard]] std::string_view inner_queue_names(std::string_view topic, std::string_view properties);

/// Appends the next offset of each queue that `records.inner_queues` names to its one record; nothing for a name that is of no LMQ.
/// Errors: `too_large` when the properties get longer than a record can hold. The record is as before then.
[[nodiscard]] Result<void> add_inner_offsets(EncodedRecords& records, QueueOffsetTable& next_offsets);
/// What was given out is used up. A queue that is named twice holds the message once.
void count_inner_offsets(std::string_view names, QueueOffsetTable& next_offsets);

/// Calls `visit` with each queue that the record is to be entered in beside its own one, until an error.
using InnerQueueVisitor = std::function<Result<void>(std::string_view name, std::int32_t queue_id, std::int64_t queue_offset)>;
[[nodiscard]] Result<void> for_each_inner_queue(const MessageView& record, const InnerQueueOptions& options,
                                                const InnerQueueVisitor& visit);

}  // namespace skylark::commitlog
