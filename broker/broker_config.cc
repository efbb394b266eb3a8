// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_config.h"

#include <charconv>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <fmt/core.h>

namespace skylark::broker {

BrokerConfig::BrokerConfig() : config_({&broker, &store}) {}

void BrokerConfig::settle() {
  if (broker.broker_name.get().empty()) {
    char host[256] = {};
    const bool named = ::gethostname(host, sizeof host - 1) == 0 && host[0] != '\0';
    broker.broker_name.set_value(named ? host : "DEFAULT_BROKER", Origin::built_in);
  }
  if (broker.ip1.get().empty()) broker.ip1.set_value(default_local_address(), Origin::built_in);
  if (broker.ip2.get().empty()) broker.ip2.set_value(broker.ip1.get(), Origin::built_in);
  const std::int32_t port = broker.listen_port.get();
  if (broker.fast_listen_port.get() == 0) broker.fast_listen_port.set_value(port - 2, Origin::built_in);
  if (store.ha_listen_port.get() <= 0) store.ha_listen_port.set_value(port + 1, Origin::built_in);

  if (!is_slave()) {
    broker.broker_id.set_value(0, broker.broker_id.origin());
  } else if (broker.broker_id.get() <= 0) {
    throw ConfigError(fmt::format("brokerId: a broker with brokerRole=SLAVE must have an id above 0, not {}", broker.broker_id.get()));
  }
  for (const std::string& level : delay_level_list()) {
    if (parse_delay_ms(level) < 0)
      throw ConfigError(fmt::format("messageDelayLevel: '{}' is no delay, want a number and s, m, h or d", level));
  }
  if (commit_log_folders(store_options()).writable.empty())
    throw ConfigError(
        fmt::format("storePathCommitLog: there is no folder to write to; '{}' without those of readOnlyCommitLogStorePaths, '{}'",
                    store.commit_log_path.get(), store.read_only_commit_log_paths.get()));
  // A unit of a consume queue has 20 bytes; Java rounds up.
  const std::int64_t size = store.consume_queue_file_size.get();
  store.consume_queue_file_size.set_value((size + 19) / 20 * 20, store.consume_queue_file_size.origin());
  const std::int64_t batch_size = store.batch_queue_file_size.get();
  store.batch_queue_file_size.set_value((batch_size + 45) / 46 * 46, store.batch_queue_file_size.origin());
}

std::vector<std::string> BrokerConfig::delay_level_list() const {
  std::vector<std::string> levels;
  const std::string text = store.delay_levels.get();
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at) levels.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return levels;
}

MessageStoreOptions BrokerConfig::store_options() const {
  MessageStoreOptions options;
  options.root = store.root.get();
  options.commit_log_path = store.commit_log_path.get();
  options.read_only_commit_log_paths = store.read_only_commit_log_paths.get();
  options.commit_log_file_size = store.commit_log_file_size.get();
  options.consume_queue_file_size = store.consume_queue_file_size.get();
  options.batch_queue_file_size = store.batch_queue_file_size.get();
  options.consume_queue_ext = store.consume_queue_ext.get();
  options.consume_queue_ext_file_size = store.consume_queue_ext_file_size.get();
  options.index_slots = store.index_slots.get();
  options.index_entries = store.index_entries.get();
  options.index_enabled = store.index_enabled.get();
  options.sync_flush = store.flush_disk_type.get() == "SYNC_FLUSH";
  options.flush_interval_ms = store.flush_interval_ms.get();
  options.sync_flush_timeout_ms = store.sync_flush_timeout_ms.get();
  options.slave_timeout_ms = store.slave_timeout_ms.get();
  options.message_size_max = store.message_size_max.get();
  options.page_cache_busy_ms = store.page_cache_busy_ms.get();
  options.append_wait_ms = broker.fast_failure.get() ? broker.send_wait_ms.get() : 0;
  options.file_reserved_hours = store.file_reserved_hours.get();
  options.delete_when = store.delete_when.get();
  options.clean_interval_ms = store.clean_interval_ms.get();
  options.disk_used_ratio_max = store.disk_used_ratio_max.get() / 100.0;
  options.disk_clean_ratio = store.disk_clean_ratio.get() / 100.0;
  options.disk_clean_forcibly = store.disk_clean_forcibly.get();
  options.delete_batch_max = store.delete_batch_max.get();
  options.disk_full_ratio = store.disk_full_ratio.get() / 100.0;
  options.transfer_count_max = store.transfer_count_memory.get();
  options.transfer_bytes_max = store.transfer_bytes_memory.get();
  options.transfer_count_cold_max = store.transfer_count_disk.get();
  options.transfer_bytes_cold_max = store.transfer_bytes_disk.get();
  // A replica reads closer to the end: Java takes off 10 at start.
  options.memory_ratio = store.memory_ratio.get() - (is_slave() ? 10 : 0);
  options.delay_levels = delay_level_list();
  options.replica = is_slave();
  options.lmq = store.lmq.get();
  options.multi_dispatch = store.multi_dispatch.get();
  return options;
}

std::string BrokerConfig::config_path(std::string_view name) const { return fmt::format("{}/config/{}", store.root.get(), name); }

std::int64_t parse_delay_ms(std::string_view text) noexcept {
  if (text.size() < 2) return -1;
  std::int64_t unit_ms = 0;
  switch (text.back()) {
    case 's': unit_ms = 1'000; break;
    case 'm': unit_ms = 60'000; break;
    case 'h': unit_ms = 3'600'000; break;
    case 'd': unit_ms = 86'400'000; break;
    default: return -1;
  }
  std::int32_t number = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < 0) return -1;
  return number * unit_ms;
}

std::string default_local_address() {
  std::string found = "127.0.0.1";
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return found;
  for (const ifaddrs* item = all; item != nullptr; item = item->ifa_next) {
    if (item->ifa_addr == nullptr || item->ifa_addr->sa_family != AF_INET) continue;
    if ((item->ifa_flags & IFF_UP) == 0 || (item->ifa_flags & IFF_LOOPBACK) != 0) continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* address = reinterpret_cast<const sockaddr_in*>(item->ifa_addr);
    if (::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text) == nullptr) continue;
    found = text;
    break;
  }
  ::freeifaddrs(all);
  return found;
}

}  // namespace skylark::broker
