// SPDX-License-Identifier: Apache-2.0
#include "protocol/language.h"

#include <algorithm>
#include <array>

namespace skylark {
namespace {

using namespace std::string_view_literals;
constexpr std::array kNames = {"JAVA"sv,  "CPP"sv,  "DOTNET"sv, "PYTHON"sv, "DELPHI"sv, "ERLANG"sv, "RUBY"sv,
                               "OTHER"sv, "HTTP"sv, "GO"sv,     "PHP"sv,    "OMS"sv,    "RUST"sv,   "NODE_JS"sv};

}  // namespace

std::string_view to_text(Language language) noexcept {
  const auto number = static_cast<std::size_t>(language == Language::unknown ? Language::other : language);
  return number < kNames.size() ? kNames[number] : "OTHER"sv;
}

Language language_from(std::string_view text) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), text);
  return found == kNames.end() ? Language::unknown : static_cast<Language>(found - kNames.begin());
}

Language language_from(std::int64_t number) noexcept {
  return number >= 0 && number < static_cast<std::int64_t>(kNames.size()) ? static_cast<Language>(number) : Language::unknown;
}

}  // namespace skylark
