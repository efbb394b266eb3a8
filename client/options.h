// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace skylark::client {

using std::chrono::milliseconds;

/// What every client has. The intervals are those of the official clients; tests shorten them.
struct ClientOptions {
  std::string name_servers;               ///< `host:port`, several joined by `;`. One that cannot be reached gives way to the next.
  std::string instance_name = "DEFAULT";  ///< Part of the client id. Two broadcasting consumers on one machine need two names.
  std::string client_ip;                  ///< First part of the client id; empty: this machine's first IPv4 address that is no loopback.
  milliseconds request_timeout{3'000};    ///< For every request but sends and pulls, connecting included.
  milliseconds route_interval{30'000};    ///< How old a route may get before it is asked for again.
  milliseconds heartbeat_interval{30'000};
  bool offer_flatbuffers = true;  ///< Type 2 frames towards brokers that know them; the official ones never see one.
};

struct ProducerOptions {
  ClientOptions client;
  std::string group = "DEFAULT_PRODUCER";
  milliseconds send_timeout{3'000};          ///< For each attempt.
  std::int32_t retry_count_max = 2;          ///< Further attempts after a failed first one, on another broker where there is one.
  std::size_t compress_from_bytes = 4'096;   ///< Bodies at least this big are deflated; batches never.
  std::size_t body_size_max_bytes = 4u << 20;
  std::size_t in_flight_max = 65'536;        ///< Asynchronous sends beyond it fail at once with `busy`.
  std::int32_t default_topic_queue_nums = 4;  ///< Queues wanted when the broker creates a topic at the first send.
};

/// Where a group starts to read a queue for which the broker holds no offset of the group.
enum class StartFrom { last_offset, first_offset, timestamp };

enum class MessageModel { clustering, broadcasting };

struct PushConsumerOptions {
  ClientOptions client;
  std::string group;
  MessageModel model = MessageModel::clustering;
  StartFrom start_from = StartFrom::last_offset;
  std::int64_t start_timestamp_ms = 0;             ///< For `StartFrom::timestamp`: milliseconds since the epoch.
  std::size_t worker_count = 4;                    ///< Threads that call the listener.
  std::size_t consume_batch_max = 1;               ///< Messages given to the listener at once.
  std::int32_t pull_batch_max = 32;
  std::int32_t reconsume_times_max = -1;           ///< -1: 16 for concurrent listeners, without end for ordered ones.
  std::size_t cached_count_max = 1'000;            ///< Messages of one queue that wait here; pulling pauses above it.
  std::size_t cached_size_max_bytes = 100u << 20;  ///< Bytes of one queue that wait here; pulling pauses above it.
  std::int64_t cached_span_max = 2'000;            ///< Offsets between the oldest and the newest waiting message, concurrent listeners alone.
  milliseconds pull_hold{15'000};                  ///< How long the broker may hold a pull until a message comes.
  milliseconds pull_timeout{30'000};
  milliseconds rebalance_interval{20'000};
  milliseconds persist_interval{5'000};
  milliseconds lock_interval{20'000};
  milliseconds suspend_order{1'000};               ///< Pause of a queue after an ordered listener said suspend.
  std::string offset_folder;                       ///< Broadcasting: where offsets are kept; empty: `~/.rocketmq_offsets`.
};

struct PullConsumerOptions {
  ClientOptions client;
  std::string group;
  StartFrom start_from = StartFrom::last_offset;
  std::int64_t start_timestamp_ms = 0;
  bool auto_commit = true;              ///< Polled positions are committed each `persist_interval` and at shutdown.
  std::int32_t pull_batch_max = 32;
  std::size_t cached_count_max = 1'000;
  milliseconds pull_hold{15'000};
  milliseconds pull_timeout{30'000};
  milliseconds rebalance_interval{20'000};
  milliseconds persist_interval{5'000};
};

}  // namespace skylark::client
