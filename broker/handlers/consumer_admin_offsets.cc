// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/consumer_admin_offsets.h"

#include <limits>
#include <set>
#include <string>
#include <string_view>

#include "base/log.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/handlers/answers.h"
#include "broker/handlers/split.h"
#include "broker/topic_config_manager.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/offsets.h"

namespace skylark::broker {
remoting::Reply ConsumerOffsetAdmin::all(RemotingCommand& request) {
  RemotingCommand response = answer(request, ResponseCode::success);
  response.body = Body(json::write(offsets_.to_json()));
  return response;
}

remoting::Reply ConsumerOffsetAdmin::correction(RemotingCommand& request) {
  const auto header = decode_header<QueryCorrectionOffsetRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QueryCorrectionOffsetRequestHeader>(request));

  QueryCorrectionOffsetBody body;
  body.correction_offsets = offsets_.min_offsets(header->topic, split(header->filter_groups.value_or(""), ','));
  for (const auto& [queue_id, compared] : offsets_.offsets(header->compare_group, header->topic)) {
    const auto least = body.correction_offsets.find(queue_id);
    // The compared group is the slowest: there is nothing to correct, which Java says by the largest number.
    if (least == body.correction_offsets.end() || least->second > compared) {
      body.correction_offsets[queue_id] = std::numeric_limits<std::int64_t>::max();
    }
  }
  return answer_body(request, body);
}

remoting::Reply ConsumerOffsetAdmin::clone(RemotingCommand& request) {
  const auto header = decode_header<CloneGroupOffsetRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<CloneGroupOffsetRequestHeader>(request));

  const bool one_topic = header->topic && !header->topic->empty();
  const std::set<std::string> topics = one_topic ? std::set<std::string>{*header->topic} : offsets_.topics_of(header->source_group);
  for (const std::string& topic : topics) {
    const bool unsubscribed = !header->offline && consumers_.subscription_count(header->source_group) > 0 &&
                              !consumers_.find_subscription(header->source_group, topic);
    if (!topics_.contains(topic) || unsubscribed) {
      log::warn("offsets of {} in {} are not copied to {}: {}", header->source_group, topic, header->target_group,
                unsubscribed ? "it is not subscribed" : "no such topic");
      continue;
    }
    offsets_.clone(header->source_group, header->target_group, topic);
  }
  return answer(request, ResponseCode::success);
}

}  // namespace skylark::broker
