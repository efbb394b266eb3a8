// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace skylark {

namespace detail {
template <class T>
constexpr T swap_bytes(T value) noexcept {
  if constexpr (sizeof(T) == 1) return value;
  else if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  else if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  else return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}
}  // namespace detail

/// Reads a big-endian integer at `from`, which need not be aligned; `sizeof(T)` bytes must be there.
template <class T>
T load_be(const void* from) noexcept {
  static_assert(std::is_integral_v<T>);
  T raw;
  std::memcpy(&raw, from, sizeof raw);
  return detail::swap_bytes(raw);
}

/// Writes a big-endian integer at `to`; `sizeof(T)` bytes must be there.
template <class T>
void store_be(void* to, T value) noexcept {
  static_assert(std::is_integral_v<T>);
  const T raw = detail::swap_bytes(value);
  std::memcpy(to, &raw, sizeof raw);
}

/// Appends a big-endian integer to a byte string.
template <class T, class Allocator>
void append_be(std::basic_string<char, std::char_traits<char>, Allocator>& to, T value) {
  char raw[sizeof(T)];
  store_be(raw, value);
  to.append(raw, sizeof raw);
}

/// Reads big-endian integers and slices off the front of a byte string; after the first read past the end `ok()` is false
/// and every further read gives zero or nothing.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) noexcept : bytes_(bytes) {}

  template <class T>
  T read() noexcept {
    if (bytes_.size() < sizeof(T)) return fail(), T{};
    const T value = load_be<T>(bytes_.data());
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  /// A length that is negative counts as past the end.
  std::string_view take(std::int64_t size_bytes) noexcept {
    if (size_bytes < 0 || static_cast<std::uint64_t>(size_bytes) > bytes_.size()) return fail(), std::string_view{};
    const auto taken = bytes_.substr(0, static_cast<std::size_t>(size_bytes));
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return bytes_; }
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  void fail() noexcept {
    ok_ = false;
    bytes_ = {};
  }
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace skylark
