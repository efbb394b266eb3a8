// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "protocol/detail/json_text.h"
#include "protocol/detail/text_writer.h"
#include "protocol/json.h"
#include "protocol/language.h"
#include "protocol/remoting_command.h"

// Reads the one flat object of a header in one pass, in place: text without escapes stays a view of the frame. Lenient as fastjson: bare
// and single-quoted names, numbers and booleans as field values, unknown members skipped whatever they hold.

namespace skylark {
namespace {

using json::detail::is_name_character;
using json::detail::is_number_character;
using json::detail::is_space;

struct Scalar {
  enum class Kind : std::uint8_t { text, word, number };
  Kind kind = Kind::word;
  bool has_escape = false;
  std::string_view raw;  ///< Inside of the quotes, or the word or number itself.

  [[nodiscard]] bool is_null() const noexcept { return kind == Kind::word && raw == "null"; }
};

/// What reads something is told where that begins and returns where it ends, or null when it is malformed: so the place stays in a
/// register.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, RemotingCommand& into) noexcept
      : begin_(text.data()), end_(begin_ + text.size()), marks_(begin_, end_), into_(into) {}

  bool parse() {
    into_.language = Language::java;  // Java's own defaults for what is missing.
    into_.version = 0;
    const char* const at = parse_object(begin_, [this](std::string_view name, const char* value) { return parse_member(name, value); });
    return at != nullptr && skip_space(at) == end_;
  }

 private:
  [[nodiscard]] const char* skip_space(const char* at) const noexcept {
    while (at != end_ && is_space(*at)) ++at;
    return at;
  }
  [[nodiscard]] bool is_at(const char* at, char c) const noexcept { return at != end_ && *at == c; }
  /// Whether there is a `c` at `at` or behind spaces; if so `at` moves behind it.
  bool take(const char*& at, char c) const noexcept {
    // Machines write no space: mostly it stands here already.
    const char* const found = is_at(at, c) ? at : skip_space(at);
    if (!is_at(found, c)) return false;
    at = found + 1;
    return true;
  }

  template <class OnMember>
  const char* parse_object(const char* at, OnMember on_member) {
    if (!take(at, '{')) return nullptr;
    for (;;) {
      std::string_view name;
      if (const char* const quote = plain_text_end(at); quote != nullptr) {
        name = {at + 1, quote};
        at = quote + 1;
      } else {
        if (take(at, '}')) return at;
        Scalar any;
        at = take_scalar(at, any);
        if (at == nullptr) return nullptr;
        name = text_of(any);
        if (name.data() == nullptr) return nullptr;
      }
      if (!take(at, ':')) return nullptr;
      at = on_member(name, at);
      if (at == nullptr || (!take(at, ',') && !is_at(skip_space(at), '}'))) return nullptr;
    }
  }

  const char* parse_member(std::string_view name, const char* at) {
    switch (name.size()) {  // Few share one.
      case 4:
        if (name == "code") return take_integer(at, into_.code);
        if (name == "flag") return take_integer(at, into_.flag);
        break;
      case 6:
        if (name == "opaque") return take_integer(at, into_.opaque);
        if (name == "remark") return take_remark(at);
        break;
      case 7:
        if (name == "version") return take_version(at);
        break;
      case 8:
        if (name == "language") return take_language(at);
        break;
      case 9:
        if (name == "extFields") return parse_fields(at);
        break;
      default: break;
    }
    return skip_value(at);
  }

  const char* parse_fields(const char* at) {
    at = skip_space(at);
    if (!is_at(at, '{')) return take_null(at);
    return parse_object(at, [this](std::string_view name, const char* value) {
      const char* const behind = parse_field(name, value);
      return behind != nullptr ? parse_more_fields(behind) : nullptr;
    });
  }
  const char* parse_field(std::string_view name, const char* at) {
    const char* const quote = plain_text_end(at);
    if (quote == nullptr) return parse_other_field(name, at);
    into_.ext.add_view(name, {at + 1, quote});
    return quote + 1;
  }
  /// Takes as many `,"name":"text"` without spaces as stand here one behind the other, as machines write them: fewer looks than at each
  /// piece alone.
  const char* parse_more_fields(const char* at) {
    while (end_ - at > 2 && std::memcmp(at, ",\"", 2) == 0) {
      const char* const name = at + 2;
      const char* const name_end = marks_.find(name);
      if (end_ - name_end < 4 || std::memcmp(name_end, "\":\"", 3) != 0) break;
      const char* const text = name_end + 3;
      const char* const text_end = marks_.find(text);
      if (is_at(text_end, '"')) {
        into_.ext.add_view({name, name_end}, {text, text_end});
        at = text_end + 1;
      } else if (at = parse_other_field({name, name_end}, text - 1); at == nullptr) {
        break;
      }
    }
    return at;
  }

  /// A field whose value is no plain text.
  [[gnu::noinline]] const char* parse_other_field(std::string_view name, const char* at) {
    at = skip_space(at);
    if (is_at(at, '{') || is_at(at, '[')) return skip_value(at);
    Scalar value;
    at = take_scalar(at, value);
    if (at == nullptr || value.is_null()) return at;
    const std::string_view text = text_of(value);
    if (text.data() == nullptr) return nullptr;
    into_.ext.add_view(name, text);
    return at;
  }

  /// The closing quote of a text in double quotes without escapes, which nearly every name and value is, when it begins right here; else
  /// null.
  [[nodiscard]] const char* plain_text_end(const char* at) noexcept {
    if (!is_at(at, '"')) return nullptr;
    const char* const mark = marks_.find(at + 1);
    return is_at(mark, '"') ? mark : nullptr;
  }
  /// The double quote that closes the text whose inside begins at `at`, or the end.
  [[nodiscard]] const char* find_closing_quote(const char* at, bool& has_escape) noexcept {
    for (;;) {
      at = marks_.find(at);
      if (at == end_ || *at == '"') return at;
      has_escape = true;
      if (end_ - at < 2) return end_;
      at += 2;
    }
  }

  const char* take_scalar(const char* at, Scalar& into) noexcept {
    at = skip_space(at);
    if (at == end_) return nullptr;
    const char first = *at;
    if (first == '"' || first == '\'') {
      const char* const end = first == '"' ? find_closing_quote(at + 1, into.has_escape)
                                           : json::detail::find_closing_quote(at + 1, end_, first, into.has_escape);
      if (end == end_) return nullptr;
      into.kind = Scalar::Kind::text;
      into.raw = {at + 1, end};
      return end + 1;
    }
    const char* const begin = at;
    const bool is_number = first == '-' || first == '+' || first == '.' || (first >= '0' && first <= '9');
    while (at != end_ && (is_number ? is_number_character(*at) : is_name_character(*at))) ++at;
    into.kind = is_number ? Scalar::Kind::number : Scalar::Kind::word;
    into.raw = {begin, at};
    return at != begin ? at : nullptr;
  }

  /// The text itself, in memory of the field set when escapes had to be resolved. Its data is null when there is an unknown one.
  std::string_view text_of(const Scalar& scalar) {
    if (!scalar.has_escape) return scalar.raw;
    char* begin = into_.ext.allocate(scalar.raw.size());
    const char* end = json::detail::unescape_to(scalar.raw, begin);
    if (end == nullptr) return {};
    return {begin, static_cast<std::size_t>(end - begin)};
  }

  /// Takes up to nine digits and nothing else, which nearly every number is, when they stand right here; else null.
  const char* take_digits(const char* at, std::int64_t& into) const noexcept {
    constexpr std::ptrdiff_t kDigitsMax = 9;
    const char* const begin = at;
    std::uint32_t value = 0;
    for (; at != end_ && at - begin < kDigitsMax && *at >= '0' && *at <= '9'; ++at)
      value = value * 10 + static_cast<std::uint32_t>(*at - '0');
    if (at == begin || at == end_ || is_number_character(*at)) return nullptr;
    into = value;
    return at;
  }
  const char* take_number(const char* at, std::int64_t& into) noexcept {
    if (const char* const behind = take_digits(at, into); behind != nullptr) return behind;
    Scalar scalar;
    at = take_scalar(at, scalar);
    if (at == nullptr || scalar.is_null()) return into = 0, at;
    std::string_view digits = scalar.raw;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc{} && stop == digits.data() + digits.size() ? at : nullptr;
  }
  const char* take_integer(const char* at, std::int32_t& into) noexcept {
    std::int64_t value = 0;
    at = take_number(at, value);
    into = static_cast<std::int32_t>(value);
    return value == into ? at : nullptr;
  }
  const char* take_version(const char* at) noexcept {
    std::int64_t value = 0;
    at = take_number(at, value);
    using Limits = std::numeric_limits<std::int16_t>;
    into_.version = static_cast<std::int16_t>(std::clamp<std::int64_t>(value, Limits::min(), Limits::max()));
    return at;
  }
  const char* take_language(const char* at) noexcept {
    if (const char* const quote = plain_text_end(at); quote != nullptr) {
      into_.language = language_from(std::string_view(at + 1, quote));
      return quote + 1;
    }
    Scalar scalar;
    at = take_scalar(at, scalar);
    std::int64_t number = -1;
    const bool is_number = scalar.kind == Scalar::Kind::number &&
                           std::from_chars(scalar.raw.data(), scalar.raw.data() + scalar.raw.size(), number).ec == std::errc{};
    into_.language = is_number ? language_from(number) : language_from(scalar.raw);
    return at;
  }
  const char* take_remark(const char* at) {
    Scalar scalar;
    at = take_scalar(at, scalar);
    if (at == nullptr || scalar.is_null()) return at;
    const std::string_view text = text_of(scalar);
    into_.remark = text;
    return text.data() != nullptr ? at : nullptr;
  }
  const char* take_null(const char* at) noexcept {
    Scalar scalar;
    at = take_scalar(at, scalar);
    return scalar.is_null() ? at : nullptr;
  }

  /// Passes over a value by its brackets alone; what is inside is nobody's business.
  const char* skip_value(const char* at) noexcept {
    if (const char* const quote = plain_text_end(at); quote != nullptr) return quote + 1;
    std::size_t depth = 0;
    do {
      at = skip_space(at);
      const char c = at != end_ ? *at : '\0';
      if (c == '{' || c == '[') {
        ++depth, ++at;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return nullptr;
        --depth, ++at;
      } else if (depth > 0 && (c == ',' || c == ':')) {
        ++at;
      } else {
        Scalar scalar;
        at = take_scalar(at, scalar);
        if (at == nullptr) return nullptr;
      }
    } while (depth > 0);
    return at;
  }

  const char* const begin_;
  const char* const end_;
  detail::MarkFinder marks_;
  RemotingCommand& into_;
};

void put_field(detail::TextWriter& out, char before, const ExtFields::Entry& entry) {
  switch (entry.kind) {
    case ExtFields::Kind::text: return out.put_json_field(before, entry.name, entry.text);
    case ExtFields::Kind::integer: return out.put_json_field(before, entry.name, entry.number);
    case ExtFields::Kind::boolean: return out.put_json_field(before, entry.name, entry.number != 0 ? "true" : "false");
  }
}

}  // namespace

Result<void> decode_json_header(std::string_view header, RemotingCommand& into) {
  if (!HeaderParser(header, into).parse()) return make_error_code(Errc::malformed);
  return {};
}

// Members in the order of Java's, values of fields as strings alone: the Go client refuses anything else.
void encode_json_header(const RemotingCommand& command, std::string& into) {
  detail::TextWriter out(into);
  out.put("{\"code\":");
  out.put_number(command.code);
  if (!command.ext.empty()) {
    out.put(",\"extFields\":");
    char before = '{';
    for (const ExtFields::Entry& entry : command.ext) put_field(out, std::exchange(before, ','), entry);
    out.put('}');
  }
  out.put(",\"flag\":");
  out.put_number(command.flag);
  out.put(",\"language\":\"");
  out.put(to_text(command.language));
  out.put("\",\"opaque\":");
  out.put_number(command.opaque);
  if (!command.remark.empty()) {
    out.put(",\"remark\":");
    out.put_quoted(command.remark);
  }
  out.put(",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":");
  out.put_number(command.version);
  out.put('}');
  out.finish();
}

}  // namespace skylark
