// SPDX-License-Identifier: Apache-2.0
#include "client/message.h"

#include <fmt/core.h>

#include "protocol/message.h"

namespace skylark::client {

namespace {

std::string find_in(const std::map<std::string, std::string>& properties, std::string_view name) {
  const auto found = properties.find(std::string(name));
  return found == properties.end() ? std::string() : found->second;
}

}  // namespace

std::string MessageQueue::to_string() const { return fmt::format("{}/{}/{}", broker_name, topic, queue_id); }

Message& Message::set_tag(std::string tag) { return set_property(std::string(property::kTags), std::move(tag)); }

Message& Message::set_keys(const std::vector<std::string>& keys) {
  std::string joined;
  for (const std::string& key : keys) joined += (joined.empty() ? "" : " ") + key;
  return set_property(std::string(property::kKeys), std::move(joined));
}

Message& Message::set_delay_level(std::int32_t level) { return set_property(std::string(property::kDelay), std::to_string(level)); }

Message& Message::set_wait_stored(bool wait) { return set_property(std::string(property::kWait), wait ? "true" : "false"); }

Message& Message::set_property(std::string name, std::string value) {
  properties.insert_or_assign(std::move(name), std::move(value));
  return *this;
}

std::string Message::property(std::string_view name) const { return find_in(properties, name); }
std::string Message::tag() const { return find_in(properties, property::kTags); }
std::string Message::keys() const { return find_in(properties, property::kKeys); }

std::string_view to_string(SendStatus status) noexcept {
  switch (status) {
    case SendStatus::ok: return "SEND_OK";
    case SendStatus::flush_disk_timeout: return "FLUSH_DISK_TIMEOUT";
    case SendStatus::flush_replica_timeout: return "FLUSH_SLAVE_TIMEOUT";
    case SendStatus::replica_not_available: return "SLAVE_NOT_AVAILABLE";
  }
  return "SEND_OK";
}

std::string ReceivedMessage::property(std::string_view name) const { return find_in(properties, name); }
std::string ReceivedMessage::tag() const { return find_in(properties, property::kTags); }
std::string ReceivedMessage::keys() const { return find_in(properties, property::kKeys); }

}  // namespace skylark::client
