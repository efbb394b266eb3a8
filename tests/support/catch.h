// SPDX-License-Identifier: Apache-2.0
// The only place that knows which version of Catch2 is used.
#pragma once

#include <string>

#include <boost/system/result.hpp>

#include <catch2/catch.hpp>

/// So that `CHECK(result)` compiles for values that cannot be printed, and says the error.
template <class T, class E>
struct Catch::StringMaker<boost::system::result<T, E>> {
  static std::string convert(const boost::system::result<T, E>& result) {
    if (result.has_value()) return "a value";
    if constexpr (requires { result.error().describe(); }) {
      return "error: " + result.error().describe();
    } else {
      return "error: " + result.error().message();
    }
  }
};
