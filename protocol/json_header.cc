// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <limits>

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

class HeaderParser {
 public:
  HeaderParser(std::string_view text, RemotingCommand& into) noexcept : at_(text.data()), end_(at_ + text.size()), into_(into) {}

  bool parse() {
    into_.language = Language::java;  // Java's own defaults for what is missing.
    into_.version = 0;
    const bool whole = parse_object([this](std::string_view name) { return parse_member(name); });
    skip_space();
    return whole && at_ == end_;
  }

 private:
  void skip_space() noexcept {
    while (at_ != end_ && is_space(*at_)) ++at_;
  }
  [[nodiscard]] char peek() noexcept {
    skip_space();
    return at_ != end_ ? *at_ : '\0';
  }
  bool take(char c) noexcept {
    // Machines write no space: mostly it stands here already.
    if ((at_ == end_ || *at_ != c) && peek() != c) return false;
    ++at_;
    return true;
  }

  template <class OnMember>
  bool parse_object(OnMember on_member) {
    if (!take('{')) return false;
    while (!take('}')) {
      std::string_view name;
      if (!take_plain_text(name)) {
        Scalar any;
        if (!take_scalar(any)) return false;
        name = text_of(any);
      }
      if (!take(':') || !on_member(name)) return false;
      if (failed_ || (!take(',') && peek() != '}')) return false;
    }
    return true;
  }

  bool parse_member(std::string_view name) {
    if (name == "extFields")
      return peek() == '{' ? parse_object([this](std::string_view field) { return parse_field(field); }) : take_null();
    if (name == "code") return take_integer(into_.code);
    if (name == "opaque") return take_integer(into_.opaque);
    if (name == "flag") return take_integer(into_.flag);
    if (name == "version") return take_version();
    if (name == "language") return take_language();
    if (name == "remark") return take_remark();
    return skip_value();
  }

  bool parse_field(std::string_view name) {
    if (std::string_view text; take_plain_text(text)) {
      into_.ext.add_view(name, text);
      return true;
    }
    const char first = peek();
    if (first == '{' || first == '[') return skip_value();
    Scalar value;
    if (!take_scalar(value)) return false;
    if (!value.is_null()) into_.ext.add_view(name, text_of(value));
    return true;
  }

  /// Takes a text in double quotes without escapes, which nearly every name and value is, when it stands right here; else nothing.
  bool take_plain_text(std::string_view& into) noexcept {
    if (at_ == end_ || *at_ != '"') return false;
    const char* const begin = at_ + 1;
    const char* const stop = detail::find_either<'"', '\\'>(begin, end_);
    if (stop == end_ || *stop != '"') return false;
    into = {begin, stop};
    at_ = stop + 1;
    return true;
  }

  bool take_scalar(Scalar& into) noexcept {
    const char first = peek();
    if (first == '"' || first == '\'') {
      const char* const begin = at_ + 1;
      const char* const end = json::detail::find_closing_quote(begin, end_, first, into.has_escape);
      if (end == end_) return false;
      into.kind = Scalar::Kind::text;
      into.raw = {begin, end};
      at_ = end + 1;
      return true;
    }
    const char* const begin = at_;
    const bool is_number = first == '-' || first == '+' || first == '.' || (first >= '0' && first <= '9');
    while (at_ != end_ && (is_number ? is_number_character(*at_) : is_name_character(*at_))) ++at_;
    into.kind = is_number ? Scalar::Kind::number : Scalar::Kind::word;
    into.raw = {begin, at_};
    return !into.raw.empty();
  }

  /// The text itself, in memory of the field set when escapes had to be resolved.
  std::string_view text_of(const Scalar& scalar) {
    if (!scalar.has_escape) return scalar.raw;
    char* begin = into_.ext.allocate(scalar.raw.size());
    const char* end = json::detail::unescape_to(scalar.raw, begin);
    if (end == nullptr) return failed_ = true, std::string_view();
    return {begin, static_cast<std::size_t>(end - begin)};
  }

  bool take_number(std::int64_t& into) noexcept {
    Scalar scalar;
    if (!take_scalar(scalar)) return false;
    if (scalar.is_null()) return into = 0, true;
    std::string_view digits = scalar.raw;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc{} && stop == digits.data() + digits.size();
  }
  bool take_integer(std::int32_t& into) noexcept {
    std::int64_t value = 0;
    if (!take_number(value)) return false;
    into = static_cast<std::int32_t>(value);
    return value == into;
  }
  bool take_version() noexcept {
    std::int64_t value = 0;
    if (!take_number(value)) return false;
    using Limits = std::numeric_limits<std::int16_t>;
    into_.version = static_cast<std::int16_t>(std::clamp<std::int64_t>(value, Limits::min(), Limits::max()));
    return true;
  }
  bool take_language() {
    Scalar scalar;
    if (!take_scalar(scalar)) return false;
    std::int64_t number = -1;
    const auto [stop, error] = std::from_chars(scalar.raw.data(), scalar.raw.data() + scalar.raw.size(), number);
    into_.language = scalar.kind == Scalar::Kind::number && error == std::errc{} ? language_from(number) : language_from(scalar.raw);
    return true;
  }
  bool take_remark() {
    Scalar scalar;
    if (!take_scalar(scalar)) return false;
    if (!scalar.is_null()) into_.remark = text_of(scalar);
    return true;
  }
  bool take_null() noexcept {
    Scalar scalar;
    return take_scalar(scalar) && scalar.is_null();
  }

  /// Passes over a value by its brackets alone; what is inside is nobody's business.
  bool skip_value() noexcept {
    std::size_t depth = 0;
    do {
      const char c = peek();
      if (c == '{' || c == '[') {
        ++depth, ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return false;
        --depth, ++at_;
      } else if (depth > 0 && (c == ',' || c == ':')) {
        ++at_;
      } else if (Scalar scalar; !take_scalar(scalar)) {
        return false;
      }
    } while (depth > 0);
    return true;
  }

  const char* at_;
  const char* const end_;
  bool failed_ = false;
  RemotingCommand& into_;
};

void put_field(detail::TextWriter& out, const ExtFields::Entry& entry) {
  out.put_quoted(entry.name);
  out.put(':');
  switch (entry.kind) {
    case ExtFields::Kind::text: return out.put_quoted(entry.text);
    case ExtFields::Kind::integer:
      out.put('"');
      out.put_number(entry.number);
      out.put('"');
      return;
    case ExtFields::Kind::boolean: return out.put(entry.number != 0 ? "\"true\"" : "\"false\"");
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
    out.put(",\"extFields\":{");
    bool first = true;
    for (const ExtFields::Entry& entry : command.ext) {
      if (!first) out.put(',');
      first = false;
      put_field(out, entry);
    }
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
