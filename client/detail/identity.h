// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace skylark::client {

/// First IPv4 address of this machine that is no loopback; `127.0.0.1` when there is none. Source: NetworkUtil.getLocalAddress.
[[nodiscard]] std::string local_ip();

/// `ip@instance#pid#number#time`: no two of them are equal, in this process or among those of a machine. Threads: any.
[[nodiscard]] std::string make_client_id(const std::string& ip, const std::string& instance_name);

/// A new UNIQ_KEY of a message of this machine. Threads: any.
[[nodiscard]] std::string make_message_id(const std::string& ip);

/// Milliseconds since the epoch.
[[nodiscard]] std::int64_t now_ms() noexcept;

}  // namespace skylark::client
