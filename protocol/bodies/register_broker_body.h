// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/bodies/topic_config.h"

namespace skylark {

/// What a broker tells a name server about itself, code 103. Static topics are neither read nor written.
/// Source: RegisterBrokerBody.java.
struct RegisterBrokerBody {
  std::vector<std::string> filter_servers;
  TopicConfigTable topics;

  static RegisterBrokerBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;

  /// The compressed form: one zlib stream of counted pieces. It carries neither `order` nor `sys_flag`.
  [[nodiscard]] std::string encode_compressed() const;
  /// Errors: `malformed`, `too_large` when it inflates to more than `size_max`.
  [[nodiscard]] static Result<RegisterBrokerBody> decode_compressed(std::string_view bytes, std::size_t size_max = 256u << 20);
};

/// Reads a body of code 103 as the sender's version has it: none, plain, compressed, or, from before 3.0.11, the bare topic table.
[[nodiscard]] Result<RegisterBrokerBody> decode_register_broker_body(std::string_view body, bool compressed, std::int32_t sender_version);

}  // namespace skylark
