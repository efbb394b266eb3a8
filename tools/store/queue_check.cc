// SPDX-License-Identifier: Apache-2.0
#include "tools/store/queue_check.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include <fmt/core.h>

#include "consumequeue/dispatcher.h"

namespace skylark::tools {
namespace {

using consumequeue::QueueEntry;

constexpr std::string_view kDelayTopic = "SCHEDULE_TOPIC_XXXX";
constexpr std::string_view kManyQueues = "%LMQ%";  // Their units point at records of other topics.
constexpr std::size_t kActiveMax = 20'000;         // Queues whose files are mapped; the system allows some 65,000 mappings.
constexpr std::size_t kWrongListed = 8;

bool is_unit(const QueueEntry& entry) { return entry.physical_offset >= 0 && entry.size > 0; }

std::string place_of(std::string_view topic, std::int32_t queue_id) { return fmt::format("consumequeue/{}/{}", topic, queue_id); }

}  // namespace

QueueCheck::QueueCheck(const consumequeue::QueueTable& queues, std::optional<std::set<std::string>> configured, std::int64_t log_begin,
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
  const std::string place = place_of(record.topic, record.queue_id);
  if (record.queue_id < 0 || record.queue_offset < 0) {
    findings_.add_damage(place, record.physical_offset, fmt::format("the record claims offset {} of the queue", record.queue_offset));
    return;
  }
  State& state = state_of(record);
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
  std::int64_t count = 1;
  const bool batch = (record.sys_flag & sys_flag::kInnerBatch) != 0;
  if (batch) {
    const std::string number(record.property(property::kInnerNumber).value_or("1"));
    count = std::max<std::int64_t>(std::strtoll(number.c_str(), nullptr, 10), 1);
  }
  if (state.first < 0) state.first = record.queue_offset;
  state.next = record.queue_offset + count;
  if (!batch) compare(state, record);
}

void QueueCheck::compare(State& state, const MessageView& record) {
  state.compared = true;
  const auto unit = state.queue ? state.queue->at(record.queue_offset) : std::nullopt;
  if (!unit || !is_unit(*unit) || unit->blank()) {
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
  if (what.empty()) return;
  ++state.wrong;
  if (state.wrong_listed.size() < kWrongListed) state.wrong_listed.emplace_back(record.physical_offset, std::move(what));
}

void QueueCheck::report(const Name& name, const State& state) {
  const std::string place = place_of(name.first, name.second);
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
    for (std::size_t i = 0; i < count && at < first; ++i, ++at) {
      if (!is_unit(units[i])) return;
      if (!units[i].blank() && units[i].physical_offset >= log_begin_) stray(at, units[i]);
    }
  }
  for (std::int64_t at = next; at >= 0;) {
    const auto count = queue.read(at, units);
    for (std::size_t i = 0; i < count; ++i, ++at) {
      if (!is_unit(units[i])) {
        at = -1;
        break;
      }
      if (!units[i].blank()) stray(at, units[i]);
    }
    if (count == 0) break;
  }
  if (strays > 0)
    findings_.add_damage(place, stray_physical, fmt::format("{} units point at no record of the queue, the first is {}", strays, stray_first));
}

void QueueCheck::finish() {
  for (const auto& [name, state] : states_) report(name, state);
  for (const auto& named : queues_.all()) {
    const std::string place = place_of(named.topic, named.queue_id);
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
