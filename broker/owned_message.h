// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/message_store.h"

namespace skylark::broker {

/// A message built by the broker, with the text that its fields point into. The body stays a view of where it came from.
struct OwnedMessage {
  std::string topic;
  std::string properties;
  PutMessage put;

  OwnedMessage() = default;
  OwnedMessage(const OwnedMessage&) = delete;
  OwnedMessage& operator=(const OwnedMessage&) = delete;
  /// Points the fields at `topic` and `properties`; call after these two have their final content.
  void bind() noexcept {
    put.fields.topic = topic;
    put.fields.properties = properties;
  }
};

/// Fills `into` with what a stored record and its copy have in common: body, flags, hosts, times, properties. Bound to the
/// topic of the record; `wait_store_ok` is off, for nobody waits. The body is a view into the record.
void copy_message(const MessageView& record, OwnedMessage& into);

/// A record of the store, decoded, with what keeps its bytes where they are.
struct StoredRecord {
  PinnedSlice bytes;
  MessageView view;
};
/// The record at a physical offset; empty when there is none or it is broken. `size` 0: taken from the record itself.
[[nodiscard]] std::optional<StoredRecord> load_record(MessageStore& store, std::int64_t physical_offset, std::int32_t size = 0);
/// The record that a queue lists at that offset; also empty when the entry leads to the record of another place, as a damaged one can.
/// `MessageStore::may_be_mended` says whether to come back for it.
[[nodiscard]] std::optional<StoredRecord> load_listed(MessageStore& store, const QueueId& queue, std::int64_t queue_offset,
                                                      const MessageStore::QueueEntry& entry);

}  // namespace skylark::broker
