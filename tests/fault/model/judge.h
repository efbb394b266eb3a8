// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fault/model/ledger.h"

namespace skylark::broker {

/// What must be true of a store whatever happened to its disk.
enum class Invariant {
  acknowledged_kept = 1,  ///< Every message acknowledged within the promise of its setting is there.
  offsets_in_order,       ///< Offsets of a queue are dense and ordered, and each message has the one that its sender was told.
  bodies_equal,           ///< Bodies have the checksum of what was sent.
  nothing_foreign,        ///< Nothing appears that was never sent, was refused, or had gone.
  offsets_never_back,     ///< Committed consumer offsets never go back behind what was written.
  found_by_key,           ///< Every message is found by its key and by its unique key.
};
[[nodiscard]] std::string_view to_string(Invariant invariant) noexcept;

struct Violation {
  Invariant invariant;
  std::string what;
};

struct Verdict {
  std::vector<Violation> violations;
  std::set<std::string> topics_back;  ///< Deleted ones of which a crash brought messages back: to be deleted again.
};

/// A record as a reader sees it.
struct ReadMessage {
  std::int64_t number = -1;  ///< From its unique key; -1 when that is none of ours.
  SentMessage place;         ///< Queue, offsets, store time and checksum, taken from the record.
};

/// The store seen from outside. A test may put itself between the judge and a store here.
class StoreReader {
 public:
  virtual ~StoreReader() = default;
  struct QueueContent {
    std::int64_t min_offset = 0, max_offset = 0;
    std::vector<ReadMessage> messages;  ///< In the order of the queue.
  };
  virtual std::vector<QueueId> queues() = 0;
  virtual QueueContent read(const QueueId& queue) = 0;
  /// Numbers of the messages that a query by key finds.
  virtual std::vector<std::int64_t> find_by_key(std::string_view topic, const std::string& key) = 0;
  virtual std::int64_t consumer_offset(const Ledger::OffsetOf& of) = 0;
  virtual std::int64_t min_physical_offset() = 0;
};

/// Everything in which the store contradicts the ledger, by queue and offset; the ledger then takes over what is there.
/// The store must have dispatched all.
[[nodiscard]] Verdict judge(Ledger& ledger, StoreReader& reader);
/// One line for each.
[[nodiscard]] std::string to_text(const std::vector<Violation>& violations);

}  // namespace skylark::broker
