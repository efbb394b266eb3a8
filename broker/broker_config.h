// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/config.h"
#include "broker/message_store.h"

namespace skylark::broker {

/// Who the broker is, what it allows, and its services. Keys, defaults, meaning: BrokerConfig.java, NettyServerConfig.java 5.3.
struct BrokerSection final : ConfigSection {
  BrokerSection();

  Setting<std::string> cluster_name, broker_name;
  Setting<std::int64_t> broker_id;
  Setting<std::string> broker_role, name_servers, bind_address, ip1, ip2, log_dir;
  Setting<std::int32_t> listen_port, fast_listen_port, io_threads, idle_time;
  Setting<std::int64_t> register_period_ms;
  Setting<std::int32_t> broker_permission;
  Setting<bool> auto_create_topic, auto_create_group, cluster_topic, broker_topic, trace_topic;
  Setting<std::int32_t> default_topic_queues;
  Setting<std::string> trace_topic_name, region_id;
  Setting<bool> trace_on;
  Setting<bool> slave_read, long_polling;
  Setting<std::int64_t> short_polling_ms;
  Setting<bool> reject_transactions;
  Setting<std::int64_t> transaction_timeout_ms, transaction_check_interval_ms;
  Setting<std::int32_t> transaction_check_max;
  Setting<std::int32_t> transaction_op_bytes_max;
  Setting<std::int64_t> transaction_op_interval_ms;
  Setting<std::int64_t> flush_consumer_offset_ms, consumer_offset_version_step, delay_offset_version_step;
  Setting<bool> server_side_reset, lite_pull;
  Setting<bool> property_filter, filter_retry;
  Setting<bool> filter_bit_map;
  Setting<std::int32_t> filter_consumer_count, bloom_error_percent;
  Setting<std::int64_t> filter_kept_ms;
  Setting<std::int32_t> pull_queue_max, cold_read_threads;
  Setting<std::int64_t> cold_read_bytes_max;
  Setting<std::int64_t> start_accept_sends_ms;
  Setting<std::int64_t> sync_metadata_period_ms;
  Setting<std::string> config_black_list;
  Setting<bool> fast_failure;
  Setting<std::int64_t> send_wait_ms;
  Setting<std::int32_t> send_capacity;
};

/// What is stored, where, how long. Keys, defaults, meaning: MessageStoreConfig.java 5.3.
struct StoreSection final : ConfigSection {
  StoreSection();

  Setting<std::string> root, commit_log_path, read_only_commit_log_paths;
  Setting<std::int64_t> commit_log_file_size, consume_queue_file_size, batch_queue_file_size;
  Setting<bool> consume_queue_ext;
  Setting<std::int64_t> consume_queue_ext_file_size;
  Setting<std::int32_t> index_slots, index_entries;
  Setting<bool> index_enabled;
  Setting<std::int64_t> message_size_max;
  Setting<std::string> flush_disk_type;
  Setting<std::int64_t> flush_interval_ms, sync_flush_timeout_ms, slave_timeout_ms, page_cache_busy_ms;
  Setting<std::int32_t> file_reserved_hours;
  Setting<std::string> delete_when;
  Setting<std::int64_t> clean_interval_ms;
  Setting<std::int32_t> disk_used_ratio_max, disk_clean_ratio, disk_full_ratio;
  Setting<std::int64_t> transfer_bytes_memory, transfer_bytes_disk;
  Setting<std::int32_t> transfer_count_memory, transfer_count_disk, memory_ratio;
  Setting<std::int32_t> query_count_max, default_query_count;
  Setting<bool> offset_check_in_slave;
  Setting<std::string> delay_levels;
  Setting<std::int64_t> flush_delay_offset_ms;
  Setting<std::int32_t> ha_listen_port;
  Setting<std::string> ha_master_address;
  Setting<std::int64_t> ha_heartbeat_ms, ha_housekeeping_ms, ha_reconnect_ms, ha_gap_max;
  Setting<std::int32_t> ha_batch_size, in_sync_replicas;
  Setting<bool> lmq, multi_dispatch;
  Setting<std::int32_t> delete_batch_max;
  Setting<bool> disk_clean_forcibly;
};

/// All of broker.conf. Constructed with defaults; `all()` reads files and flags into it.
/// Threads: reading from any.
class BrokerConfig {
 public:
  BrokerConfig();

  BrokerSection broker;
  StoreSection store;

  [[nodiscard]] Config& all() noexcept { return config_; }
  [[nodiscard]] const Config& all() const noexcept { return config_; }

  /// Fills in what depends on the machine or on other settings (names, addresses, ports, ids of masters) and checks what needs
  /// several settings. Call once, after the file and the flags. Throws `ConfigError`.
  void settle();

  [[nodiscard]] bool is_slave() const { return broker.broker_role.get() == "SLAVE"; }
  [[nodiscard]] bool is_sync_master() const { return broker.broker_role.get() == "SYNC_MASTER"; }
  /// `messageDelayLevel` as its parts: "1s", "5s", ...
  [[nodiscard]] std::vector<std::string> delay_level_list() const;
  [[nodiscard]] MessageStoreOptions store_options() const;
  /// `<storePathRootDir>/config/<name>`.
  [[nodiscard]] std::string config_path(std::string_view name) const;

 private:
  Config config_;
};

/// Milliseconds of `1s`, `5m`, `2h`, `1d`; -1 when it is none of these. Source: DelayOffsetSerializeWrapper, parseDelayLevel.
[[nodiscard]] std::int64_t parse_delay_ms(std::string_view text) noexcept;

/// First IPv4 address of an interface that is up and no loopback, or 127.0.0.1.
[[nodiscard]] std::string default_local_address();

}  // namespace skylark::broker
