// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "broker/message_store.h"

namespace skylark::broker {

/// What a store must do with a message that was handed to it.
enum class Fate {
  promised,  ///< Must be found at its offset.
  doubtful,  ///< A fault came before the promise was kept: there or not, but nowhere else.
  refused,   ///< The put failed, or a crash lost it: it must not (re)appear.
  deleted,   ///< Its topic was deleted: a crash may bring it back, nobody may rely on it.
  expired,   ///< Its log file was removed; a name that was not durable may bring it back.
};

/// One message as it was sent, and where the store said that it lies.
struct SentMessage {
  QueueId queue;
  std::int64_t queue_offset = -1;
  std::int64_t physical_offset = -1;
  std::int64_t record_end = -1;  ///< Of its batch: bytes of the log up to here hold it.
  std::int64_t store_timestamp = 0;
  std::uint32_t body_crc = 0;
  std::int64_t delay_ms = 0;  ///< Of its level; the consume queue's tag code is its due time then.
  bool flush_waited = false;  ///< Acknowledged under SYNC_FLUSH: a power cut must not take it. Others are kept below the flushed end.
  bool keys_expired = false;  ///< It went and came back: its keys need not.
  Fate fate = Fate::refused;
};

/// The naive model: every message ever sent by its unique key, each queue as a map, the offsets that groups have committed.
/// It knows nothing of files. Not thread safe.
class Ledger {
 public:
  using Queue = std::map<std::int64_t, std::int64_t>;                   ///< Queue offset to number of the message.
  using OffsetOf = std::tuple<std::string, std::string, std::int32_t>;  ///< Group, topic, queue.
  struct Committed {
    std::int64_t highest = -1;    ///< Ever committed: nothing above it was ever said.
    std::int64_t current = -1;    ///< Committed last; -1 when its topic was deleted since.
    std::int64_t persisted = -1;  ///< On disk at the last write that succeeded: a crash goes back no further.
  };

  /// A number for the next message, which is `refused` until `stored` is called.
  std::int64_t send(QueueId queue, std::uint32_t body_crc);
  void stored(std::int64_t number, const SentMessage& place);
  /// The machine is about to lose its memory: what the log has not flushed and nobody waited for becomes doubtful.
  void lose_unflushed(std::int64_t flushed_physical_offset);
  void delete_topic(std::string_view topic);
  /// The log begins here now.
  void expire(std::int64_t min_physical_offset);
  /// The store came back with exactly these messages in that queue: they are promised now, the others are gone.
  void adopt(const QueueId& queue, const std::vector<std::pair<std::int64_t, SentMessage>>& found);

  void commit(const OffsetOf& of, std::int64_t offset);
  void offsets_persisted();
  /// After a start: what the broker knows now is what it may not go below.
  void adopt_offset(const OffsetOf& of, std::int64_t offset);

  [[nodiscard]] const SentMessage* find(std::int64_t number) const;
  [[nodiscard]] const std::map<QueueId, Queue>& queues() const { return queues_; }
  [[nodiscard]] const Queue& queue(const QueueId& id) { return queues_[id]; }
  [[nodiscard]] const std::map<OffsetOf, Committed>& offsets() const { return offsets_; }
  [[nodiscard]] std::int64_t sent_count() const { return next_; }

  /// The text by which a message is known: its UNIQ_KEY. And back; nothing when it is not such a text.
  [[nodiscard]] static std::string unique_key(std::int64_t number) { return "U" + std::to_string(number); }
  [[nodiscard]] static std::optional<std::int64_t> number_of(std::string_view unique_key);
  /// The KEYS property of a message; neighbours share one.
  [[nodiscard]] static std::string key(std::int64_t number) { return "order" + std::to_string(number / 2); }

 private:
  std::int64_t next_ = 0;
  std::unordered_map<std::int64_t, SentMessage> messages_;
  std::map<QueueId, Queue> queues_;
  std::map<OffsetOf, Committed> offsets_;
};

}  // namespace skylark::broker
