// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/queue_offset.h"

#include <algorithm>

#include "broker/handlers/handlers.h"
#include "protocol/offset_headers.h"

namespace skylark::broker {
namespace {

RemotingCommand answer_offset(const RemotingCommand& request, std::int64_t offset) {
  RemotingCommand response = answer(request, ResponseCode::success);
  encode_header(OffsetResponseHeader{.offset = offset}, response);
  return response;
}

bool is_upper(const std::optional<std::string>& boundary) {
  constexpr std::string_view kUpper = "upper";
  return boundary && boundary->size() == kUpper.size() &&
         std::equal(kUpper.begin(), kUpper.end(), boundary->begin(), [](char a, char b) { return a == (b | 0x20); });
}

}  // namespace

remoting::Reply QueueOffsetHandler::search_by_time(RemotingCommand& request) {
  const auto header = decode_header<SearchOffsetRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<SearchOffsetRequestHeader>(request));
  return answer_offset(request, store_.offset_by_time(header->topic, header->queue_id, header->timestamp, is_upper(header->boundary_type)));
}

remoting::Reply QueueOffsetHandler::max_offset(RemotingCommand& request) {
  const auto header = decode_header<GetMaxOffsetRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetMaxOffsetRequestHeader>(request));
  return answer_offset(request, store_.max_offset(header->topic, header->queue_id));
}

remoting::Reply QueueOffsetHandler::min_offset(RemotingCommand& request) {
  const auto header = decode_header<GetMinOffsetRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetMinOffsetRequestHeader>(request));
  return answer_offset(request, store_.min_offset(header->topic, header->queue_id));
}

remoting::Reply QueueOffsetHandler::earliest_store_time(RemotingCommand& request) {
  const auto header = decode_header<GetEarliestMsgStoretimeRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetEarliestMsgStoretimeRequestHeader>(request));
  const std::int64_t first = store_.min_offset(header->topic, header->queue_id);
  RemotingCommand response = answer(request, ResponseCode::success);
  encode_header(GetEarliestMsgStoretimeResponseHeader{.timestamp = store_.store_time(header->topic, header->queue_id, first)}, response);
  return response;
}

}  // namespace skylark::broker
