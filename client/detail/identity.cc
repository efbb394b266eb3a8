// SPDX-License-Identifier: Apache-2.0
#include "client/detail/identity.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include <fmt/core.h>

#include "protocol/message.h"

namespace skylark::client {

std::string local_ip() {
  std::string found = "127.0.0.1";
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    if ((entry->ifa_flags & IFF_LOOPBACK) != 0 || (entry->ifa_flags & IFF_UP) == 0) continue;
    char text[INET_ADDRSTRLEN] = {};
    const void* address = &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
    if (inet_ntop(AF_INET, address, text, sizeof text) == nullptr) continue;
    found = text;
    break;
  }
  freeifaddrs(list);
  return found;
}

std::string make_client_id(const std::string& ip, const std::string& instance_name) {
  static std::atomic<std::uint32_t> number{0};
  const auto time = std::chrono::steady_clock::now().time_since_epoch().count();
  return fmt::format("{}@{}#{}#{}#{}", ip, instance_name, getpid(), number++, time);
}

std::string make_message_id(const std::string& ip) {
  const auto host = Host::parse(ip + ":0");
  return make_unique_key(host ? *host : Host{});
}

std::int64_t now_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace skylark::client
