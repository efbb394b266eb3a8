// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "protocol/remoting_command.h"

namespace skylark {

/// Name of a language on the wire; `OTHER` for an unknown one. Source: LanguageCode.java.
[[nodiscard]] std::string_view to_text(Language language) noexcept;
/// `unknown` for names that are not in the list.
[[nodiscard]] Language language_from(std::string_view text) noexcept;
/// `unknown` for numbers that are not in the list.
[[nodiscard]] Language language_from(std::int64_t number) noexcept;

}  // namespace skylark
