// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace skylark {

/// Address of a producer or broker as records hold it: 4 or 16 address bytes in network order, and a port.
struct Host {
  std::array<std::uint8_t, 16> address{};
  std::uint8_t size = 4;  ///< 4 or 16.
  std::int32_t port = 0;

  /// `ip:port`, IPv6 in brackets. An IPv4-mapped IPv6 address becomes IPv4.
  [[nodiscard]] static Result<Host> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Host&, const Host&) = default;
};

namespace sys_flag {
inline constexpr std::int32_t kCompressed = 0x1, kMultiTags = 0x2;
inline constexpr std::int32_t kTransactionMask = 0xC, kTransactionNone = 0x0, kTransactionPrepared = 0x4, kTransactionCommit = 0x8,
                              kTransactionRollback = 0xC;
inline constexpr std::int32_t kBornHostV6 = 0x10, kStoreHostV6 = 0x20, kNeedUnwrap = 0x40, kInnerBatch = 0x80;
inline constexpr std::int32_t kCompressionMask = 0x700, kCompressionLz4 = 0x100, kCompressionZstd = 0x200, kCompressionZlib = 0x300;
}  // namespace sys_flag

inline constexpr std::int32_t kMessageMagicV1 = -626843481;  // 0xDAA320A7, MessageDecoder.MESSAGE_MAGIC_CODE.
inline constexpr std::int32_t kMessageMagicV2 = -626843477;  // 0xDAA320AB, used when the topic is longer than 127.
inline constexpr std::int32_t kBlankMagic = -875286124;      // 0xCBD43194, CommitLog.BLANK_MAGIC_CODE.

/// Where fixed fields stand in a record, whatever its hosts.
namespace record_at {
inline constexpr std::size_t kTotalSize = 0, kMagic = 4, kBodyCrc = 8, kQueueId = 12, kFlag = 16, kQueueOffset = 20, kPhysicalOffset = 28,
                             kSysFlag = 36, kBornTimestamp = 40, kBornHost = 48;
/// Store timestamp: 56, or 68 with an IPv6 born host.
[[nodiscard]] constexpr std::size_t store_timestamp(std::int32_t sys_flag) { return (sys_flag & sys_flag::kBornHostV6) != 0 ? 68 : 56; }
}  // namespace record_at

/// Property names that the broker looks at. Source: MessageConst.java.
namespace property {
inline constexpr std::string_view kKeys = "KEYS", kTags = "TAGS", kWait = "WAIT", kDelay = "DELAY", kRetryTopic = "RETRY_TOPIC",
                                  kRealTopic = "REAL_TOPIC", kRealQueueId = "REAL_QID", kTransactionPrepared = "TRAN_MSG",
                                  kProducerGroup = "PGROUP", kMinOffset = "MIN_OFFSET", kMaxOffset = "MAX_OFFSET",
                                  kOriginMessageId = "ORIGIN_MESSAGE_ID", kReconsumeTime = "RECONSUME_TIME",
                                  kMaxReconsumeTimes = "MAX_RECONSUME_TIMES", kRegion = "MSG_REGION", kTraceOn = "TRACE_ON",
                                  kUniqueKey = "UNIQ_KEY", kCheckImmunity = "CHECK_IMMUNITY_TIME_IN_SECONDS",
                                  kPreparedQueueOffset = "TRAN_PREPARED_QUEUE_OFFSET", kTransactionId = "__transactionId__",
                                  kTransactionCheckTimes = "TRANSACTION_CHECK_TIMES", kCluster = "CLUSTER", kShardingKey = "__SHARDINGKEY",
                                  kInnerNumber = "INNER_NUM", kInnerBase = "INNER_BASE", kDlqOriginTopic = "DLQ_ORIGIN_TOPIC",
                                  kDlqOriginMessageId = "DLQ_ORIGIN_MESSAGE_ID", kPopCheckpoint = "POP_CK", kCrc32 = "__CRC32#",
                                  kTimerDelayMs = "TIMER_DELAY_MS", kTimerDelaySec = "TIMER_DELAY_SEC",
                                  kTimerDeliverMs = "TIMER_DELIVER_MS";
}  // namespace property

/// Property string `name 0x01 value 0x02 ...`, looked through without copying.
/// Pieces shorter than 3 characters, without 0x01, or with an empty name or value are skipped; the last duplicate wins.
[[nodiscard]] std::optional<std::string_view> find_property(std::string_view properties, std::string_view name) noexcept;
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> parse_properties(std::string_view properties);
/// Appends one property, closing an unclosed last one first.
void append_property(std::string& properties, std::string_view name, std::string_view value);
/// The string without any property of that name.
[[nodiscard]] std::string remove_property(std::string_view properties, std::string_view name);
/// Replaces or adds.
void set_property(std::string& properties, std::string_view name, std::string_view value);

/// Java's String.hashCode over UTF-16 units, sign-extended: the tag code of a consume queue. 0 for no tag.
[[nodiscard]] std::int64_t tags_code(std::string_view tags) noexcept;
/// `before`: the hash of the text that this one follows.
[[nodiscard]] std::int32_t java_string_hash(std::string_view utf8, std::int32_t before = 0) noexcept;

/// Fields of a record to be written; `encode_record` makes the bytes. Text members are views of the caller.
struct RecordFields {
  std::int32_t queue_id = 0;
  std::int32_t flag = 0;
  std::int64_t queue_offset = 0;
  std::int64_t physical_offset = 0;
  std::int32_t sys_flag = 0;  ///< The IPv6 bits are set by `encode_record` from the hosts.
  std::int64_t born_timestamp = 0;
  Host born_host;
  std::int64_t store_timestamp = 0;
  Host store_host;
  std::int32_t reconsume_times = 0;
  std::int64_t prepared_transaction_offset = 0;
  std::string_view body;
  std::string_view topic;
  std::string_view properties;
};

/// Size in bytes of the record of these fields.
[[nodiscard]] std::size_t record_size(const RecordFields& fields) noexcept;
/// Appends the record: V1, or V2 when the topic is longer than 127 bytes. Properties must be at most 32,767 bytes.
void encode_record(const RecordFields& fields, std::string& out);

/// One stored record, as views into the bytes it was decoded from.
struct MessageView {
  std::int32_t total_size = 0;
  std::int32_t magic = 0;
  std::uint32_t body_crc = 0;
  std::int32_t queue_id = 0;
  std::int32_t flag = 0;
  std::int64_t queue_offset = 0;
  std::int64_t physical_offset = 0;
  std::int32_t sys_flag = 0;
  std::int64_t born_timestamp = 0;
  Host born_host;
  std::int64_t store_timestamp = 0;
  Host store_host;
  std::int32_t reconsume_times = 0;
  std::int64_t prepared_transaction_offset = 0;
  std::string_view body;
  std::string_view topic;
  std::string_view properties;

  [[nodiscard]] std::optional<std::string_view> property(std::string_view name) const noexcept { return find_property(properties, name); }
};

/// INNER_NUM; see `message_count`.
[[nodiscard]] std::optional<std::int32_t> inner_batch_count(std::string_view properties) noexcept;
/// Messages that a record of these flags and properties holds: that of INNER_NUM in an inner batch, otherwise 1. Empty for an inner batch
/// whose number is no count from 1 to 32,767.
[[nodiscard]] inline std::optional<std::int32_t> message_count(std::int32_t sys_flag, std::string_view properties) noexcept {
  // In place: an optional of a call is put together in memory and read back at once, for which the processor stalls.
  if ((sys_flag & sys_flag::kInnerBatch) == 0) return 1;
  return inner_batch_count(properties);
}

/// Decodes the record at the front of `bytes`. Errors: `malformed` (bad magic, lengths that contradict each other or the bytes).
/// The body CRC is not checked here.
[[nodiscard]] Result<MessageView> decode_record(std::string_view bytes);
/// Decodes records back to back, as a pull response holds them; stops with an error at the first bad one.
[[nodiscard]] Result<std::vector<MessageView>> decode_records(std::string_view bytes);

/// Body in clear: inflated by the type bits of `sys_flag` when compressed, else as it is. Output is bounded by `size_max`.
[[nodiscard]] Result<std::string> decompress_body(std::string_view body, std::int32_t sys_flag, std::size_t size_max = 64u << 20);
[[nodiscard]] std::string compress_zlib(std::string_view body, int level = 5);
[[nodiscard]] Result<std::string> decompress_zlib(std::string_view bytes, std::size_t size_max = 64u << 20);

/// One item of a producer's batch body.
struct BatchItem {
  std::int32_t flag = 0;
  std::string_view body;
  std::string_view properties;
};
[[nodiscard]] Result<std::vector<BatchItem>> decode_batch(std::string_view body);
void encode_batch_item(const BatchItem& item, std::string& out);

/// Offset message id: upper-case hex of address, port (i32) and physical offset (i64).
[[nodiscard]] std::string make_offset_message_id(const Host& store_host, std::int64_t physical_offset);
struct OffsetMessageId {
  Host host;
  std::int64_t physical_offset = 0;
};
[[nodiscard]] Result<OffsetMessageId> parse_offset_message_id(std::string_view text);
/// A new UNIQ_KEY: hex of address, pid, an instance number, milliseconds since the start of the month, a counter.
/// Source: MessageClientIDSetter.java. Threads: any.
[[nodiscard]] std::string make_unique_key(const Host& own_host);

}  // namespace skylark
