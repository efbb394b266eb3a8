// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/consumer_offset.h"

#include <fmt/format.h>

#include "broker/handlers/handlers.h"
#include "protocol/offset_headers.h"
#include "protocol/response_code.h"

namespace skylark::broker {

ConsumerOffsetHandler::ConsumerOffsetHandler(ConsumerOffsetManager& offsets, TopicConfigManager& topics, SubscriptionGroupManager& groups,
                                             MessageStore& store, bool server_side_reset)
    : offsets_(offsets), topics_(topics), groups_(groups), store_(store), server_side_reset_(server_side_reset) {}

remoting::Reply ConsumerOffsetHandler::query(RemotingCommand& request) {
  const auto header = decode_header<QueryConsumerOffsetRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QueryConsumerOffsetRequestHeader>(request));
  std::int64_t offset = offsets_.query(header->consumer_group, header->topic, header->queue_id);
  if (offset < 0) {
    if (!header->set_zero_if_not_found.value_or(true)) {
      return answer(request, ResponseCode::query_not_found, "Not found, do not set to zero, maybe this group boot first");
    }
    // A new group reads all of a queue that is young enough to be in memory; of an old one it asks for the end.
    const bool whole_queue_hot =
        store_.min_offset(header->topic, header->queue_id) <= 0 && !store_.is_cold(header->topic, header->queue_id, 0);
    if (!whole_queue_hot)
      return answer(request, ResponseCode::query_not_found, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
    offset = 0;
  }
  RemotingCommand response = answer(request, ResponseCode::success);
  encode_header(OffsetResponseHeader{.offset = offset}, response);
  return response;
}

remoting::Reply ConsumerOffsetHandler::update(RemotingCommand& request) {
  const auto header = decode_header<UpdateConsumerOffsetRequestHeader>(request);
  if (!header) {
    const auto missing = first_missing_field<UpdateConsumerOffsetRequestHeader>(request);
    if (missing == "queueId") return answer(request, ResponseCode::invalid_parameter, "QueueId is null");
    if (missing == "commitOffset") return answer(request, ResponseCode::invalid_parameter, "Offset is null");
    return answer_missing(request, missing);
  }
  if (!groups_.contains(header->consumer_group)) {  // A commit makes no group: its consumer's heartbeat has.
    return answer(request, ResponseCode::subscription_group_not_exist, fmt::format("Group {} not exist!", header->consumer_group));
  }
  if (!topics_.contains(header->topic))
    return answer(request, ResponseCode::topic_not_exist, fmt::format("Topic {} not exist!", header->topic));
  if (server_side_reset_ && offsets_.has_reset(header->consumer_group, header->topic, header->queue_id)) {
    return answer(request, ResponseCode::success, "Offset has been previously reset");
  }
  offsets_.commit(header->consumer_group, header->topic, header->queue_id, header->commit_offset);
  return answer(request, ResponseCode::success);
}

}  // namespace skylark::broker
