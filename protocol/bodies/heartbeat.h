// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/json.h"

namespace skylark {

/// One subscription of a consumer group. Source: SubscriptionData.java.
struct SubscriptionData {
  std::string topic;
  std::string expression = "*";         ///< subString.
  std::string expression_type = "TAG";  ///< `TAG` or `SQL92`.
  std::set<std::string> tags;
  std::set<std::int32_t> codes;  ///< Java hash code of each tag.
  std::int64_t version = 0;      ///< subVersion: milliseconds when the client made it.
  bool class_filter = false;

  [[nodiscard]] bool matches_all() const noexcept { return expression == "*"; }
  [[nodiscard]] bool is_tag_type() const noexcept { return expression_type.empty() || expression_type == "TAG"; }
  /// Whether a consume queue entry with that tag code is wanted. Codes are compared as 32-bit numbers.
  [[nodiscard]] bool wants(std::int64_t tags_code) const noexcept;
  /// `a || b`, `*` or nothing (all). Errors: `malformed` when only separators are left. Source: FilterAPI.buildSubscriptionData.
  [[nodiscard]] static Result<SubscriptionData> parse(std::string_view topic, std::string_view expression);
  [[nodiscard]] static SubscriptionData from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  friend bool operator==(const SubscriptionData&, const SubscriptionData&) = default;
};

/// One consumer group of a client. Source: ConsumerData.java.
struct ConsumerData {
  std::string group;
  std::string consume_type = "CONSUME_PASSIVELY";  ///< CONSUME_ACTIVELY, CONSUME_PASSIVELY, CONSUME_POP.
  std::string message_model = "CLUSTERING";        ///< CLUSTERING or BROADCASTING.
  std::string consume_from_where = "CONSUME_FROM_LAST_OFFSET";
  std::vector<SubscriptionData> subscriptions;
  bool unit_mode = false;
};

/// What a client tells every broker each 30 s. Source: HeartbeatData.java.
struct HeartbeatData {
  std::string client_id;
  std::vector<std::string> producer_groups;
  std::vector<ConsumerData> consumers;
  std::int32_t fingerprint = 0;  ///< Heartbeat V2; 0 is V1.
  bool without_subscriptions = false;

  [[nodiscard]] static Result<HeartbeatData> parse(std::string_view body);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of code 46, sent for subscriptions by expression. Source: CheckClientRequestBody.java.
struct CheckClientRequestBody {
  std::string client_id;
  std::string group;
  SubscriptionData subscription;

  [[nodiscard]] static CheckClientRequestBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
