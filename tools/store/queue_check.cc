// SPDX-License-Identifier: Apache-2.0
#include "tools/store/queue_check.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/core.h>

#include "consumequeue/dispatcher.h"

namespace skylark::tools {
namespace {

using consumequeue::QueueEntry;
using consumequeue::QueueTable;

constexpr std::string_view kDelayTopic = "SCHEDULE_TOPIC_XXXX";
constexpr std::string_view kManyQueues = "%LMQ%";  // Their units point at records of other topics.
constexpr std::size_t kActiveMax = 20'000;         // Queues whose files are mapped; the system allows some 65,000 mappings.
constexpr std::size_t kWrongListed = 8;

bool is_batch(const QueueTable::QueuePtr& queue) { return queue && queue->kind() == consumequeue::ConsumeQueue::Kind::batch; }

std::string place_of(std::string_view topic, std::int32_t queue_id, bool batch) {
  return fmt::format("{}consumequeue/{}/{}", batch ? "batch" : "", topic, queue_id);
}

/// What a unit of a batch queue says about its record that is not so; empty when all is.
std::string compare_batch(const QueueEntry& unit, const MessageView& record) {
  const std::int32_t count = message_count(record.sys_flag, record.properties).value_or(1);
  if (unit.queue_offset != record.queue_offset || unit.message_count != count) {
    return fmt::format("a unit says {} messages from offset {} on, its record {} from {}", unit.message_count, unit.queue_offset, count,
                       record.queue_offset);
  }
  if (unit.store_timestamp == record.store_timestamp) return {};
  return fmt::format("unit {} has store time {}, its record {}", unit.queue_offset, unit.store_timestamp, record.store_timestamp);
}

}  // namespace

QueueCheck::QueueCheck(const consumequeue::QueueTable& queues, std::optional<ConfiguredTopics> configured, std::int64_t log_begin,
                       bool unclean, Findings& findings)
    : queues_(queues), configured_(std::move(configured)), log_begin_(log_begin), unclean_(unclean), findings_(findings) {}

QueueCheck::State& QueueCheck::state_of(const MessageView& record) {
  const Name name(record.topic, record.queue_id);
  auto found = states_.find(name);
  if (found == states_.end()) {
    found = states_.emplace(name, State{}).first;
    found->second.queue = queues_.find(record.topic, record.queue_id);
    found->second.active = false;
  }
  if (!found->second.active) {
    unmap_now_and_then();
    found->second.active = true;
    ++active_;
  }
  return found->second;
}

void QueueCheck::unmap_now_and_then() {
  if (active_ < kActiveMax) return;
  for (auto& [name, state] : states_) {
    if (state.active && state.queue) {
      state.queue->rest();
      state.queue->rest();  // The first call only notes that nobody uses it any more.
    }
    state.active = false;
  }
  active_ = 0;
}

void QueueCheck::see(const MessageView& record) {
  const std::int32_t type = record.sys_flag & sys_flag::kTransactionMask;
  if (type != sys_flag::kTransactionNone && type != sys_flag::kTransactionCommit) return;
  const bool inner_batch = (record.sys_flag & sys_flag::kInnerBatch) != 0;
  if (record.queue_id < 0 || record.queue_offset < 0) {
    findings_.add_damage(place_of(record.topic, record.queue_id, inner_batch), record.physical_offset, fmt::format("the record claims offset {} of the queue", record.queue_offset));
    return;
  }
  State& state = state_of(record);
  const std::string place = place_of(record.topic, record.queue_id, is_batch(state.queue));
  if (state.next >= 0 && record.queue_offset == 0 && state.next > 0) {
    findings_.add_note(place, record.physical_offset,
                       fmt::format("offsets begin at 0 again behind {}: the topic was deleted and made anew", state.next - 1));
    const auto queue = state.queue;
    state = State{};
    state.queue = queue;
  } else if (state.next >= 0 && record.queue_offset != state.next) {
    const char* what = record.queue_offset > state.next ? "the log lacks messages in between" : "offsets must grow by one";
    findings_.add_damage(place, record.physical_offset, fmt::format("offset {} follows {}: {}", record.queue_offset, state.next - 1, what));
  }
  if (state.first < 0) state.first = record.queue_offset;
  state.next = record.queue_offset + message_count(record.sys_flag, record.properties).value_or(1);
  // Simple queues beside it: left over from a topic of that name that was deleted.
  if (!inner_batch || !state.queue || is_batch(state.queue)) compare(state, record);
}

void QueueCheck::compare(State& state, const MessageView& record) {
  state.compared = true;
  const auto unit = state.queue ? state.queue->at(record.queue_offset) : std::nullopt;
  if (!unit || !consumequeue::valid_unit(*unit) || unit->blank()) {
    if (state.missing++ == 0) {
      state.missing_first = record.queue_offset;
      state.missing_physical = record.physical_offset;
    }
    return;
  }
  std::string what;
  if (unit->physical_offset != record.physical_offset || unit->size != record.total_size) {
    what = fmt::format("unit {} points at {} ({} bytes), its record is at {} ({} bytes)", record.queue_offset, unit->physical_offset,
                       unit->size, record.physical_offset, record.total_size);
  } else if (record.topic != kDelayTopic && unit->tags_code >= std::numeric_limits<std::int32_t>::min()) {
    // In the delay topic it is a time that hangs on the settings of back then; a smaller number is an address in the queue's extension.
    const std::int64_t tags = consumequeue::queue_tags_code(record, {});
    if (unit->tags_code != tags) what = fmt::format("unit {} has tags code {}, its record {}", record.queue_offset, unit->tags_code, tags);
  }
  if (what.empty() && is_batch(state.queue)) what = compare_batch(*unit, record);
  if (what.empty()) return;
  ++state.wrong;
  if (state.wrong_listed.size() < kWrongListed) state.wrong_listed.emplace_back(record.physical_offset, std::move(what));
}

void QueueCheck::report(const Name& name, const State& state) {
  const std::string place = place_of(name.first, name.second, is_batch(state.queue));
  for (const auto& [physical, what] : state.wrong_listed) findings_.add_damage(place, physical, what);
  const auto more = state.wrong - static_cast<std::int64_t>(state.wrong_listed.size());
  if (more > 0) findings_.add_damage(place, -1, fmt::format("{} more units differ from their records", more));
  if (state.missing == 0) return;

  if (!state.queue && configured_ && !configured_->contains(name.first) && !is_system_topic(name.first)) {
    findings_.add_note(place, state.missing_physical, fmt::format("{} records of a topic that was deleted", state.missing));
    return;
  }
  const std::string what = state.queue ? fmt::format("{} units are missing, the first is {}", state.missing, state.missing_first)
                                       : fmt::format("the queue is missing, with {} units", state.missing);
  const bool at_end = state.missing == state.next - state.missing_first;
  if (unclean_ && at_end)
    findings_.add_note(place, state.missing_physical, what + "; the next start adds them");
  else
    findings_.add_damage(place, state.missing_physical, what);
}

void QueueCheck::walk_rest(const std::string& place, const consumequeue::ConsumeQueue& queue, std::int64_t first, std::int64_t next) {
  std::array<QueueEntry, 256> units;
  std::int64_t strays = 0;
  std::int64_t stray_first = -1;
  std::int64_t stray_physical = -1;
  const auto stray = [&](std::int64_t at, const QueueEntry& unit) {
    if (strays++ > 0) return;
    stray_first = at;
    stray_physical = unit.physical_offset;
  };
  // Below the first record: what expired with its part of the log may stand there. Behind the last one: nothing.
  for (std::int64_t at = queue.min_offset(); at < first;) {
    const auto count = queue.read(at, units);
    if (count == 0) break;
    for (std::size_t i = 0; i < count && at < first; at = units[i++].next_queue_offset()) {
      if (!consumequeue::valid_unit(units[i])) return;
      if (!units[i].blank() && units[i].physical_offset >= log_begin_) stray(at, units[i]);
    }
  }
  for (std::int64_t at = next; at >= 0;) {
    const auto count = queue.read(at, units);
    for (std::size_t i = 0; i < count; at = units[i++].next_queue_offset()) {
      if (!consumequeue::valid_unit(units[i])) {
        at = -1;
        break;
      }
      if (!units[i].blank()) stray(at, units[i]);
    }
    if (count == 0) break;
  }
  if (strays > 0)
    findings_.add_damage(place, stray_physical,
                         fmt::format("{} units point at no record of the queue, the first is {}", strays, stray_first));
}

void QueueCheck::finish() {
  for (const auto& [name, state] : states_) report(name, state);
  for (const auto& named : queues_.all()) {
    const std::string place = place_of(named.topic, named.queue_id, is_batch(named.queue));
    const auto found = states_.find(Name(named.topic, named.queue_id));
    if (found != states_.end() && found->second.compared)
      walk_rest(place, *named.queue, found->second.first, found->second.next);
    else if (!named.topic.starts_with(kManyQueues))
      walk_rest(place, *named.queue, std::numeric_limits<std::int64_t>::max(), -1);
    named.queue->rest();
    named.queue->rest();
  }
}

}  // namespace skylark::tools
