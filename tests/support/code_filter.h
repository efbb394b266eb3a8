// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/message_store.h"

namespace skylark::broker {

/// Wants messages with one tags code.
class CodeFilter final : public MessageFilter {
 public:
  explicit CodeFilter(std::int64_t code) : code_(code) {}
  [[nodiscard]] bool wants_unit(const FilterUnit& unit) const override { return unit.tags_code == code_; }

 private:
  const std::int64_t code_;
};

}  // namespace skylark::broker
