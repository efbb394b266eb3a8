// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "broker/consumer_manager.h"
#include "broker/filter/consumer_filter_manager.h"
#include "broker/message_store.h"

namespace skylark::broker {

/// Wants what a subscription by tags names. Source: ExpressionMessageFilter.java.
class TagMessageFilter final : public MessageFilter {
 public:
  explicit TagMessageFilter(SubscriptionPtr subscription) : subscription_(std::move(subscription)) {}
  [[nodiscard]] bool wants_unit(const FilterUnit& unit) const override { return !unit.tags_code || subscription_->wants(*unit.tags_code); }

 private:
  const SubscriptionPtr subscription_;
};

/// Wants messages whose properties an expression is true for. What a message's bit map refuses is not read.
/// Source: ExpressionMessageFilter.java.
class SqlMessageFilter final : public MessageFilter {
 public:
  /// `filter` is a registered one, or has an expression and no bits.
  explicit SqlMessageFilter(ConsumerFilterPtr filter) : filter_(std::move(filter)) {}
  [[nodiscard]] bool wants_unit(const FilterUnit& unit) const override;
  [[nodiscard]] bool reads_properties() const override { return true; }
  [[nodiscard]] bool wants_properties(std::string_view properties) const override { return filter_->compiled->matches(properties); }

 private:
  const ConsumerFilterPtr filter_;
};

/// For a retry topic: the filter that its group has for the topic where a message comes from; without one every message is wanted.
/// Source: ExpressionForRetryMessageFilter.java, setting filterSupportRetry.
class RetrySqlMessageFilter final : public MessageFilter {
 public:
  /// `filters` outlives this.
  RetrySqlMessageFilter(const ConsumerFilterManager& filters, std::string group) : filters_(filters), group_(std::move(group)) {}
  [[nodiscard]] bool wants_unit(const FilterUnit& /*unit*/) const override { return true; }
  [[nodiscard]] bool reads_properties() const override { return true; }
  [[nodiscard]] bool wants_properties(std::string_view properties) const override;

 private:
  const ConsumerFilterManager& filters_;
  const std::string group_;
};

}  // namespace skylark::broker
