// SPDX-License-Identifier: Apache-2.0
#include "base/properties_text.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace skylark {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

/// Cuts a text into lines that end with \n, \r or \r\n.
class LineCutter {
 public:
  explicit LineCutter(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    ++number_;
    const auto end = rest_.find_first_of("\r\n");
    const auto line = rest_.substr(0, end);
    if (end == std::string_view::npos) return rest_ = {}, line;
    const bool pair = rest_[end] == '\r' && end + 1 < rest_.size() && rest_[end + 1] == '\n';
    rest_.remove_prefix(end + (pair ? 2 : 1));
    return line;
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

std::string_view without_leading_blanks(std::string_view line) {
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  return line;
}

/// An odd number of backslashes at the end joins the next line.
bool continues(std::string_view line) {
  std::size_t count = 0;
  while (count < line.size() && line[line.size() - 1 - count] == '\\') ++count;
  return count % 2 == 1;
}

/// A logical line: comments and empty lines skipped, continued lines joined.
struct Logical {
  std::string text;
  int first_line = 0;
  int last_line = 0;
};

std::optional<Logical> next_logical(LineCutter& lines) {
  Logical logical;
  while (const auto line = lines.next()) {
    auto content = without_leading_blanks(*line);
    if (logical.first_line == 0) {
      if (content.empty() || content.front() == '#' || content.front() == '!') continue;
      logical.first_line = lines.number();
    }
    const bool more = continues(content);
    if (more) content.remove_suffix(1);
    logical.text += content;
    logical.last_line = lines.number();
    if (!more) return logical;
  }
  if (logical.first_line == 0) return std::nullopt;
  return logical;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

std::optional<std::uint32_t> hex4(std::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : digits.substr(0, 4)) {
    value <<= 4;
    if (c >= '0' && c <= '9') value += static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f') value += static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') value += static_cast<std::uint32_t>(c - 'A' + 10);
    else return std::nullopt;
  }
  return value;
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 't') out += '\t';
    else if (c == 'n') out += '\n';
    else if (c == 'r') out += '\r';
    else if (c == 'f') out += '\f';
    else if (c != 'u') out += c;
    else if (const auto code = hex4(text.substr(i + 1))) append_utf8(out, *code), i += 4;
    else out += "\\u";
  }
  return out;
}

/// Key and value of a logical line, both still escaped.
std::pair<std::string_view, std::string_view> split(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && line[end] != '=' && line[end] != ':' && !is_blank(line[end])) end += line[end] == '\\' ? 2u : 1u;
  end = std::min(end, line.size());
  auto value = without_leading_blanks(line.substr(end));
  if (!value.empty() && (value.front() == '=' || value.front() == ':')) value = without_leading_blanks(value.substr(1));
  return {line.substr(0, end), value};
}

void append_escaped(std::string& out, std::string_view text, bool is_key) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (c == '\f') out += "\\f";
    else if (c == '\\') out += "\\\\";
    else if (c == ' ' && (is_key || i == 0)) out += "\\ ";
    else if (is_key && (c == '=' || c == ':' || c == '#' || c == '!')) out += '\\', out += c;
    else out += c;
  }
}

}  // namespace

std::vector<Property> read_properties(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<Property> properties;
  LineCutter lines(text);
  while (const auto logical = next_logical(lines)) {
    const auto [key, value] = split(logical->text);
    properties.push_back({unescape(key), unescape(value), logical->first_line});
  }
  return properties;
}

void append_plain_property(std::string& out, std::string_view key, std::string_view value) {
  out += key;
  out += '=';
  out += value;
  out += '\n';
}

void append_escaped_property(std::string& out, std::string_view key, std::string_view value) {
  append_escaped(out, key, true);
  out += '=';
  append_escaped(out, value, false);
  out += '\n';
}

std::string edit_properties(std::string_view text, const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<bool> written(changes.size(), false);
  std::string out;
  LineCutter logical_lines(text);
  LineCutter raw_lines(text);
  const auto copy_raw_until = [&](int line, bool keep) {
    while (raw_lines.number() < line) {
      const auto raw = raw_lines.next();
      if (!raw) return;
      if (keep) out.append(*raw).append("\n");
    }
  };
  while (const auto logical = next_logical(logical_lines)) {
    copy_raw_until(logical->first_line - 1, true);
    const auto key = unescape(split(logical->text).first);
    const auto change = std::find_if(changes.begin(), changes.end(), [&](const auto& c) { return c.first == key; });
    copy_raw_until(logical->last_line, change == changes.end());
    if (change == changes.end()) continue;
    append_escaped_property(out, key, change->second);
    written[static_cast<std::size_t>(change - changes.begin())] = true;
  }
  copy_raw_until(logical_lines.number(), true);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!written[i]) append_escaped_property(out, changes[i].first, changes[i].second);
  }
  return out;
}

}  // namespace skylark
