// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/model/judge.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include <fmt/format.h>

namespace skylark::broker {
namespace {

std::string name_of(const QueueId& queue) { return fmt::format("{}-{}", queue.topic, queue.queue_id); }

class Judgement {
 public:
  Judgement(Ledger& ledger, StoreReader& reader) : ledger_(ledger), reader_(reader), log_begin_(reader.min_physical_offset()) {}

  void queue(const QueueId& id) {
    const StoreReader::QueueContent content = reader_.read(id);
    if (deleted(id, content)) return;
    order(id, content);
    std::unordered_set<std::int64_t> seen;
    for (const ReadMessage& message : content.messages) {
      if (!seen.insert(message.number).second && message.number >= 0)
        add(Invariant::offsets_in_order, "{}: message {} is there twice", name_of(id), message.number);
      one(id, message);
    }
    for (const auto& [offset, number] : ledger_.queue(id)) {
      const SentMessage& sent = *ledger_.find(number);
      if (sent.fate != Fate::promised || sent.physical_offset < log_begin_) continue;
      if (!seen.contains(number))
        add(Invariant::acknowledged_kept, "{} offset {}: message {} at {} is lost; the queue holds {} to {}", name_of(id), offset, number,
            sent.physical_offset, content.min_offset, content.max_offset);
    }
    keys(id, content);
    adopt(id, content);
  }

  void consumer_offsets() {
    for (const auto& [of, committed] : ledger_.offsets()) {
      const std::int64_t now = reader_.consumer_offset(of);
      if (now < committed.persisted || now > committed.highest)
        add(Invariant::offsets_never_back, "{} in {}-{}: {}, where {} was written and {} the highest", std::get<0>(of), std::get<1>(of),
            std::get<2>(of), now, committed.persisted, committed.highest);
      known_.emplace_back(of, now);
    }
    for (const auto& [of, offset] : known_) ledger_.adopt_offset(of, offset);
  }

  Verdict take() { return std::move(verdict_); }

 private:
  template <class... Args>
  void add(Invariant invariant, fmt::format_string<Args...> format, Args&&... args) {
    verdict_.violations.push_back({invariant, fmt::format(format, std::forward<Args>(args)...)});
  }

  std::string describe(std::int64_t number) {
    static constexpr const char* kFates[] = {"promised", "doubtful", "refused", "deleted", "expired"};
    const SentMessage* const sent = ledger_.find(number);
    return fmt::format("message {}, {}", number, sent == nullptr ? "never sent" : kFates[static_cast<int>(sent->fate)]);
  }

  /// A queue that was deleted and that nobody wrote to since: nothing is promised of what a crash brings back, not even its order.
  bool deleted(const QueueId& id, const StoreReader::QueueContent& content) {
    if (content.messages.empty()) return false;
    for (const auto& [offset, number] : ledger_.queue(id)) {
      if (ledger_.find(number)->fate == Fate::promised) return false;
    }
    for (const ReadMessage& message : content.messages) {
      const SentMessage* const sent = ledger_.find(message.number);
      if (sent == nullptr || sent->queue != id || (sent->fate != Fate::deleted && sent->fate != Fate::expired)) return false;
    }
    verdict_.topics_back.insert(id.topic);
    ledger_.adopt(id, {});
    return true;
  }

  void order(const QueueId& id, const StoreReader::QueueContent& content) {
    std::int64_t wanted = content.min_offset;
    std::int64_t end = -1;
    for (const ReadMessage& message : content.messages) {
      if (message.place.queue_offset != wanted || message.place.physical_offset <= end)
        add(Invariant::offsets_in_order, "{}: offset {} at {} ({}) where {} behind {} should be; the log begins at {}", name_of(id),
            message.place.queue_offset, message.place.physical_offset, describe(message.number), wanted, end, log_begin_);
      wanted = message.place.queue_offset + 1;
      end = message.place.physical_offset;
    }
    if (const auto& held = ledger_.queue(id); wanted != content.max_offset && !held.empty() && held.rbegin()->first >= wanted) return;
    if (wanted != content.max_offset && !content.messages.empty())
      add(Invariant::offsets_in_order, "{}: reading ends at {}, the queue at {}", name_of(id), wanted, content.max_offset);
  }

  void one(const QueueId& id, const ReadMessage& message) {
    const std::int64_t offset = message.place.queue_offset;
    const SentMessage* const sent = ledger_.find(message.number);
    if (sent == nullptr || sent->queue != id)
      return add(Invariant::nothing_foreign, "{} offset {}: message {} was never sent there", name_of(id), offset, message.number);
    if (sent->fate == Fate::refused)
      return add(Invariant::nothing_foreign, "{} offset {}: message {} was refused or lost before", name_of(id), offset, message.number);
    if (sent->body_crc != message.place.body_crc)
      add(Invariant::bodies_equal, "{} offset {}: the body of message {} differs", name_of(id), offset, message.number);
    if (sent->fate == Fate::promised && sent->queue_offset != offset)
      add(Invariant::offsets_in_order, "{} offset {}: message {} was given offset {}", name_of(id), offset, message.number,
          sent->queue_offset);
  }

  void keys(const QueueId& id, const StoreReader::QueueContent& content) {
    for (const ReadMessage& message : content.messages) {
      const SentMessage* const sent = ledger_.find(message.number);
      if (sent == nullptr || sent->fate == Fate::deleted || sent->fate == Fate::expired || sent->keys_expired ||
          message.place.physical_offset < log_begin_)
        continue;
      for (const std::string& key : {Ledger::unique_key(message.number), Ledger::key(message.number)}) {
        const auto found = reader_.find_by_key(id.topic, key);
        if (std::find(found.begin(), found.end(), message.number) == found.end())
          add(Invariant::found_by_key, "{} offset {}: message {} is not found by {}", name_of(id), message.place.queue_offset,
              message.number, key);
      }
    }
  }

  void adopt(const QueueId& id, const StoreReader::QueueContent& content) {
    std::vector<std::pair<std::int64_t, SentMessage>> found;
    for (const ReadMessage& message : content.messages) found.emplace_back(message.number, message.place);
    ledger_.adopt(id, found);
  }

  Ledger& ledger_;
  StoreReader& reader_;
  const std::int64_t log_begin_;
  Verdict verdict_;
  std::vector<std::pair<Ledger::OffsetOf, std::int64_t>> known_;
};

}  // namespace

std::string_view to_string(Invariant invariant) noexcept {
  switch (invariant) {
    case Invariant::acknowledged_kept: return "acknowledged messages are kept";
    case Invariant::offsets_in_order: return "queue offsets are dense and ordered";
    case Invariant::bodies_equal: return "bodies are what was sent";
    case Invariant::nothing_foreign: return "nothing appears that was not sent";
    case Invariant::offsets_never_back: return "consumer offsets never go back";
    case Invariant::found_by_key: return "messages are found by key";
  }
  return "";
}

Verdict judge(Ledger& ledger, StoreReader& reader) {
  std::set<QueueId> ids;
  for (const auto& [id, queue] : ledger.queues()) ids.insert(id);
  for (QueueId& id : reader.queues()) ids.insert(std::move(id));
  Judgement judgement(ledger, reader);
  for (const QueueId& id : ids) judgement.queue(id);
  judgement.consumer_offsets();
  return judgement.take();
}

std::string to_text(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations)
    text += fmt::format("({}) {}: {}\n", static_cast<int>(violation.invariant), to_string(violation.invariant), violation.what);
  return text;
}

}  // namespace skylark::broker
