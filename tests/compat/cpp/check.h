// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>

#include "client/outcome.h"

namespace skylark::compat {

/// A case that did not pass; the sentence is its verdict.
struct CheckFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
std::string shown(const T& value) {
  if constexpr (requires(std::ostringstream& out) { out << value; }) {
    std::ostringstream out;
    out << value;
    return out.str();
  } else if constexpr (requires { value.size(); }) {
    return std::to_string(value.size()) + " items";
  } else {
    return "a value";
  }
}

inline void check(bool condition, const std::string& what) {
  if (!condition) throw CheckFailed(what);
}

template <class A, class B>
void check_equal(const A& expected, const B& actual, const std::string& what) {
  if (!(expected == actual)) throw CheckFailed(what + ": expected <" + shown(expected) + "> but got <" + shown(actual) + ">");
}

/// The value of an outcome, or the end of the case.
template <class T>
T must(client::Outcome<T> outcome, const std::string& what) {
  if (!outcome) throw CheckFailed(what + ": " + outcome.error().describe());
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

/// Polls until the condition holds; what it throws counts as "not yet".
inline void await(const std::string& what, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string last;
  while (std::chrono::steady_clock::now() < deadline) {
    try {
      if (condition()) return;
      last.clear();
    } catch (const CheckFailed& not_yet) {
      last = not_yet.what();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw CheckFailed("not within 60 s: " + what + (last.empty() ? "" : " (" + last + ")"));
}

}  // namespace skylark::compat
