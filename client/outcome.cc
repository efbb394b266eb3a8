// SPDX-License-Identifier: Apache-2.0
#include "client/outcome.h"

#include <fmt/core.h>

namespace skylark::client {

namespace {

class BrokerCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "broker"; }
  [[nodiscard]] std::string message(int code) const override { return fmt::format("response code {}", code); }
};

}  // namespace

const boost::system::error_category& broker_category() noexcept {
  static const BrokerCategory category;
  return category;
}

Failure Failure::refused(std::int32_t response_code, std::string remark) {
  return Failure(ErrorCode(response_code, broker_category()), std::move(remark));
}

std::optional<std::int32_t> Failure::response_code() const noexcept {
  if (code.category() != broker_category()) return std::nullopt;
  return code.value();
}

std::string Failure::describe() const {
  if (message.empty()) return code.message();
  return fmt::format("{} ({})", message, code.message());
}

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw boost::system::system_error(failure.code, failure.message);
}

}  // namespace skylark::client
