// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "protocol/message.h"

namespace skylark {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // ::ffff:a.b.c.d

}  // namespace

Result<Host> Host::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return make_error_code(Errc::invalid_argument);
  std::string_view address = text.substr(0, colon);
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);

  Host host;
  const std::string_view port = text.substr(colon + 1);
  const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), host.port);
  if (error != std::errc{} || stop != port.data() + port.size() || host.port < 0 || host.port > 65535) {
    return make_error_code(Errc::invalid_argument);
  }
  const std::string terminated(address);
  if (!bracketed && inet_pton(AF_INET, terminated.c_str(), host.address.data()) == 1) return host;
  if (inet_pton(AF_INET6, terminated.c_str(), host.address.data()) != 1) return make_error_code(Errc::invalid_argument);
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), host.address.begin())) {
    std::copy_n(host.address.begin() + 12, 4, host.address.begin());
    std::fill(host.address.begin() + 4, host.address.end(), std::uint8_t{0});
  } else {
    host.size = 16;
  }
  return host;
}

std::string Host::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(size == 16 ? AF_INET6 : AF_INET, address.data(), text, sizeof text);
  std::string whole;
  if (size == 16) whole += '[';
  whole += text;
  if (size == 16) whole += ']';
  whole += ':';
  whole += std::to_string(port);
  return whole;
}

}  // namespace skylark
