// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include "base/error.h"

namespace skylark::client {

/// Category of codes that a broker or name server answered with; the value is the response code. Named "broker".
[[nodiscard]] const boost::system::error_category& broker_category() noexcept;

/// Why a call failed: a code of `skylark::Errc` (network, arguments, state of the client) or of `broker_category()`, and a
/// sentence for people.
struct Failure {
  ErrorCode code;
  std::string message;

  Failure() = default;
  Failure(ErrorCode why, std::string sentence) : code(why), message(std::move(sentence)) {}
  Failure(Errc why, std::string sentence) : code(make_error_code(why)), message(std::move(sentence)) {}
  /// A refusal by a broker or name server: its response code and remark.
  [[nodiscard]] static Failure refused(std::int32_t response_code, std::string remark);

  /// The response code when a peer refused; empty for every other failure.
  [[nodiscard]] std::optional<std::int32_t> response_code() const noexcept;
  /// Code and sentence in one line.
  [[nodiscard]] std::string describe() const;
};

/// `value()` of a failed outcome throws `boost::system::system_error` with the failure's code and sentence.
[[noreturn]] void throw_exception_from_error(const Failure& failure, const boost::source_location& where);

/// A value, or why there is none. All calls of the client give one; nothing is thrown across the interface.
template <class T = void>
using Outcome = boost::system::result<T, Failure>;

}  // namespace skylark::client
