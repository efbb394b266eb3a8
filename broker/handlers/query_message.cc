// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/query_message.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "broker/handlers/answers.h"
#include "broker/message_store.h"
#include "protocol/query_headers.h"

namespace skylark::broker {

remoting::Reply QueryMessageHandler::by_key(RemotingCommand& request) {
  const auto header = decode_header<QueryMessageRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QueryMessageRequestHeader>(request));

  const std::int32_t wanted = header->unique_key_query == "true" ? unique_key_count_ : header->count_max;
  const std::int32_t count = std::clamp(wanted, 0, count_max_);
  auto found = store_.query_by_key(header->topic, header->key, count, header->begin_timestamp, header->end_timestamp);

  const bool any = !found.records.empty();
  RemotingCommand response = any ? answer(request, ResponseCode::success)
                                 : answer(request, ResponseCode::query_not_found, "can not find message, maybe time range not correct");
  encode_header(QueryMessageResponseHeader{found.index_last_update_timestamp, found.index_last_update_physical_offset}, response);
  if (any) response.body = Body(std::move(found.records));
  return response;
}

remoting::Reply QueryMessageHandler::by_offset(RemotingCommand& request) {
  const auto header = decode_header<ViewMessageRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<ViewMessageRequestHeader>(request));

  auto record = store_.record_at(header->physical_offset);
  if (!record) {
    return answer(request, ResponseCode::system_error, fmt::format("can not find message by the offset, {}", header->physical_offset));
  }
  RemotingCommand response = answer(request, ResponseCode::success);
  std::vector<PinnedSlice> slices;
  slices.push_back(std::move(*record));
  response.body = Body(std::move(slices));
  return response;
}

}  // namespace skylark::broker
