// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/same_text.h"
#include "protocol/remoting_command.h"
#include "protocol/request_code.h"

// One declaration per request or response header. A header is a struct of plain members with
//
//   static constexpr auto fields() {
//     return std::tuple{field("topic", &Self::topic, required, "b"), field("queueId", &Self::queue_id, required, "e"), ...};
//   }
//
// From it come reading and writing through every codec, since all three carry the same named fields (`ExtFields`).
// Member types: std::string, std::string_view (a view into the command: hot headers), std::int32_t, std::int64_t, bool, and
// std::optional of those.

namespace skylark {

enum Presence : bool { optional_field = false, required = true };

template <class Header, class T>
struct Field {
  std::string_view name;  ///< Name on the wire.
  T Header::*member;
  Presence presence;
  std::string_view short_name;  ///< Name in the V2 form (SendMessageRequestHeaderV2.java); empty where there is none.
};

template <class Header, class T>
constexpr Field<Header, T> field(std::string_view name, T Header::*member, Presence presence = optional_field,
                                 std::string_view short_name = {}) {
  return {name, member, presence, short_name};
}

enum class FieldNames { full, short_form };

namespace detail {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

/// Reads a number of nothing but digits, too few to be too large, which nearly every one is; else nothing.
template <std::integral T>
bool read_digits(std::string_view text, T& into) noexcept {
  if (text.empty() || text.size() > std::numeric_limits<T>::digits10) return false;
  T value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = static_cast<T>(value * 10 + (c - '0'));
  }
  into = value;
  return true;
}

template <class T>
bool read_field(const ExtFields::Entry& entry, T& into) {
  if constexpr (is_optional<T>::value) {
    typename T::value_type value{};
    if (!read_field(entry, value)) return false;
    into = std::move(value);
    return true;
  } else if constexpr (std::same_as<T, bool>) {
    if (entry.kind != ExtFields::Kind::text) return into = entry.number != 0, true;
    constexpr std::string_view kTrue = "true";
    bool same = entry.text.size() == kTrue.size();
    for (std::size_t i = 0; same && i < kTrue.size(); ++i) same = (entry.text[i] | 0x20) == kTrue[i];
    into = same;
    return true;
  } else if constexpr (std::integral<T>) {
    if (entry.kind != ExtFields::Kind::text) {
      if (entry.number < std::numeric_limits<T>::min() || entry.number > std::numeric_limits<T>::max()) return false;
      into = static_cast<T>(entry.number);
      return true;
    }
    if (read_digits(entry.text, into)) return true;
    const char* begin = entry.text.data();
    const char* end = begin + entry.text.size();
    if (begin != end && *begin == '+') ++begin;
    T value{};
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc{} || stop != end) return false;  // A default stays what it was.
    into = value;
    return true;
  } else {
    if (entry.kind == ExtFields::Kind::text) return into = T(entry.text), true;
    if constexpr (std::same_as<T, std::string>) {
      into = entry.kind == ExtFields::Kind::integer ? std::to_string(entry.number) : std::string(entry.number != 0 ? "true" : "false");
      return true;
    } else {
      return false;  // A view needs text to look at: a text field never travels as a number between our own ends.
    }
  }
}

template <class T>
void write_field(ExtFields& ext, std::string_view name, const T& value) {
  if constexpr (is_optional<T>::value) {
    if (value) write_field(ext, name, *value);
  } else if constexpr (std::same_as<T, bool>) {
    ext.add_boolean(name, value);
  } else if constexpr (std::integral<T>) {
    ext.add_integer(name, value);
  } else if constexpr (std::same_as<T, std::string_view>) {
    ext.add_view(name, value);
  } else {
    ext.add_view(name, ext.keep(value));
  }
}

/// Reads all fields of one header in walks over its declaration, each of which takes the entries as far as they come in the order of the
/// declaration. Senders keep to it: one walk, or two where texts and numbers come apart, reads all without a look-up.
template <class Header, FieldNames kNames>
class FieldReader {
 public:
  /// False when a required field is absent or does not parse. Of several entries of one name the last counts.
  static bool read(const ExtFields& ext, Header& into) {
    std::uint64_t present = 0;
    auto entry = ext.begin();
    const auto end = ext.end();
    const auto read_at = [&]<std::size_t kIndex>() {
      constexpr std::uint64_t kBit = std::uint64_t{1} << kIndex;
      if (entry == end || !is_name(kNameList[kIndex], entry->name)) return;
      present = read_one<kIndex>(*entry++, into) ? present | kBit : present & ~kBit;
    };
    while (entry != end) {
      const auto before = entry;
      [&]<std::size_t... kIndexes>(std::index_sequence<kIndexes...>) {
        (read_at.template operator()<kIndexes>(), ...);
      }(std::make_index_sequence<kCount>());
      if (entry == before) ++entry;  // Not declared.
    }
    return (present & kRequired) == kRequired;
  }

 private:
  static constexpr auto kFields = Header::fields();
  static constexpr std::size_t kCount = std::tuple_size_v<decltype(kFields)>;
  static_assert(kCount <= 64, "one bit for each field");

  template <class Declared>
  static constexpr std::string_view name_of(const Declared& declared) {
    return kNames == FieldNames::short_form && !declared.short_name.empty() ? declared.short_name : declared.name;
  }
  /// `known` is not empty. The short names have one letter.
  static bool is_name(std::string_view known, std::string_view name) noexcept {
    if (known.size() != name.size() || known[0] != name[0]) return false;
    return known.size() == 1 || same_text(known, name);
  }

  template <std::size_t kIndex>
  static bool read_one(const ExtFields::Entry& entry, Header& into) {
    constexpr auto kMember = std::get<kIndex>(kFields).member;
    if (read_field(entry, into.*kMember)) return true;
    into.*kMember = Header{}.*kMember;  // An entry of that name before this one may have set it.
    return false;
  }

  static constexpr auto kNameList =
      std::apply([](const auto&... declared) { return std::array<std::string_view, kCount>{name_of(declared)...}; }, kFields);
  static constexpr std::uint64_t kRequired = [] {
    std::uint64_t bits = 0, bit = 1;
    std::apply([&](const auto&... declared) { ((bits |= declared.presence == required ? bit : 0, bit <<= 1), ...); }, kFields);
    return bits;
  }();
};

}  // namespace detail

/// Reads a header out of the named fields. Text views point into `command`. A required field that is absent or does not parse
/// gives `missing_field`; an optional one that does not parse counts as absent (Java does the same).
template <class Header>
[[nodiscard]] Result<Header> decode_header(const RemotingCommand& command, FieldNames names = FieldNames::full) {
  Result<Header> header;
  const bool complete = names == FieldNames::short_form ? detail::FieldReader<Header, FieldNames::short_form>::read(command.ext, *header)
                                                        : detail::FieldReader<Header, FieldNames::full>::read(command.ext, *header);
  if (!complete) header = make_error_code(Errc::missing_field);
  return header;
}

/// Adds every field that has a value to the named fields of `command`. Text views must outlive it.
template <class Header>
void encode_header(const Header& header, RemotingCommand& command, FieldNames names = FieldNames::full) {
  const auto write_one = [&](const auto& declared) {
    const auto name = names == FieldNames::short_form && !declared.short_name.empty() ? declared.short_name : declared.name;
    detail::write_field(command.ext, name, header.*declared.member);
  };
  std::apply([&](const auto&... declared) { (write_one(declared), ...); }, Header::fields());
}

/// Name of the first required field that is absent or does not parse; empty when the header is complete.
template <class Header>
[[nodiscard]] std::string_view first_missing_field(const RemotingCommand& command, FieldNames names = FieldNames::full) {
  Header header{};
  std::string_view missing;
  const auto look = [&](const auto& declared) {
    const auto name = names == FieldNames::short_form && !declared.short_name.empty() ? declared.short_name : declared.name;
    const auto* entry = command.ext.find(name);
    const bool read = entry != nullptr && detail::read_field(*entry, header.*declared.member);
    if (!read && declared.presence == required && missing.empty()) missing = declared.name;
  };
  std::apply([&](const auto&... declared) { (look(declared), ...); }, Header::fields());
  return missing;
}

/// A request ready to be sent: code, fields, JSON codec unless the channel agreed on another.
template <class Header>
[[nodiscard]] RemotingCommand make_request(std::int32_t code, const Header& header, Body body = {}, FieldNames names = FieldNames::full) {
  RemotingCommand command;
  command.code = code;
  encode_header(header, command, names);
  command.body = std::move(body);
  return command;
}
template <class Header>
[[nodiscard]] RemotingCommand make_request(RequestCode code, const Header& header, Body body = {}, FieldNames names = FieldNames::full) {
  return make_request(to_int(code), header, std::move(body), names);
}

}  // namespace skylark
