// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/model/random_operations.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "base/crc32.h"
#include "base/error.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace skylark::broker {
namespace {

constexpr std::int64_t kLevelsMs[] = {1000, 5000, 10'000};  // Of FaultyStore.
constexpr const char* kDelayTopic = "SCHEDULE_TOPIC_XXXX";

std::string properties_of(std::int64_t number, std::string_view extra) {
  return fmt::format("KEYS\x01{}\x02UNIQ_KEY\x01{}\x02{}", Ledger::key(number), Ledger::unique_key(number), extra);
}

}  // namespace

void RandomOperations::run(int operations) {
  for (int i = 0; i < operations; ++i) one();
}

/// Weights in thousandths: much of what brokers do all day, and every few hundred operations a disaster.
void RandomOperations::one() {
  const std::size_t dice = below(1000);
  const auto say = [this](const char* what) { log_ += fmt::format("{} ", what); };
  if (dice < 400) return put();
  if (dice < 480) return put_batch();
  if (dice < 530) return put_delayed();
  if (dice < 680) return get();
  if (dice < 720) return search_by_time();
  if (dice < 770) return query_by_key();
  if (dice < 870) return commit_offset();
  if (dice < 890) return say("persist"), persist_offsets();
  if (dice < 980) return machine_.store().clock().advance(std::chrono::milliseconds(below(2000)));
  if (dice < 983) return say("delete-topic"), delete_topic();
  if (dice < 986) return say("expire"), expire();
  if (dice < 989) return say("full-disk"), full_disk();
  if (dice < 991) return say("failing-flushes"), failing_flushes();
  if (dice < 992) return say("failing-reads"), failing_reads();
  restart();
}

QueueId RandomOperations::any_queue() {
  static const char* const topics[] = {"Orders", "Payments", "%RETRY%billing"};
  return {topics[below(3)], static_cast<std::int32_t>(below(3))};
}

void RandomOperations::put() { put_one(any_queue(), below(3) == 0 ? "TAGS\x01TagA\x02" : "", 0); }

void RandomOperations::put_delayed() {
  const std::size_t level = below(3);
  put_one({kDelayTopic, static_cast<std::int32_t>(level)},
          fmt::format("DELAY\x01{}\x02REAL_TOPIC\x01Orders\x02REAL_QID\x01{}\x02", level + 1, 0), kLevelsMs[level]);
}

void RandomOperations::put_one(const QueueId& queue, std::string extra_properties, std::int64_t delay_ms) {
  const std::string body(1 + below(900), static_cast<char>('a' + below(26)));
  const std::int64_t number = ledger_.send(queue, crc32_31(body));
  const std::string properties = properties_of(number, extra_properties);
  PutMessage message = faulty_message(queue.topic, queue.queue_id, body, properties);
  message.wait_store_ok = below(8) != 0;
  settle({number}, machine_.store()->put_sync(message), message.wait_store_ok, delay_ms);
}

void RandomOperations::put_batch() {
  const QueueId queue = any_queue();
  const std::size_t count = 2 + below(5);
  std::vector<std::int64_t> numbers;
  std::vector<std::string> bodies, properties;
  for (std::size_t i = 0; i < count; ++i) {
    bodies.emplace_back(1 + below(300), static_cast<char>('A' + below(26)));
    numbers.push_back(ledger_.send(queue, crc32_31(bodies.back())));
    properties.push_back(properties_of(numbers.back(), ""));
  }
  std::vector<PutMessage> batch;
  for (std::size_t i = 0; i < count; ++i) batch.push_back(faulty_message(queue.topic, queue.queue_id, bodies[i], properties[i]));
  std::promise<PutResult> answer;
  machine_.store()->put_batch(batch, [&](const PutResult& result) { answer.set_value(result); });
  settle(numbers, answer.get_future().get(), true, 0);
}

/// Enters what the store said about a put.
void RandomOperations::settle(const std::vector<std::int64_t>& numbers, const PutResult& result, bool waited, std::int64_t delay_ms) {
  if (!result.stored()) {
    ++figures_.refused;
    return;
  }
  ++figures_.stored;
  SentMessage place;
  place.record_end = result.physical_offset + result.record_size;
  place.store_timestamp = result.store_timestamp;
  place.delay_ms = delay_ms;
  place.flush_waited = waited && machine_.store().options().sync_flush && result.status == PutStatus::ok;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    place.queue_offset = result.queue_offset + static_cast<std::int64_t>(i);
    place.physical_offset = result.physical_offset + static_cast<std::int64_t>(i);  // At least; those behind the first are further on.
    INFO("message " << numbers[i] << " at " << result.physical_offset << " since the start: " << log_);
    const Ledger::Queue& queue = ledger_.queue(ledger_.find(numbers[i])->queue);
    const bool follows = queue.empty() || place.queue_offset == queue.rbegin()->first + 1;
    REQUIRE(follows);
    ledger_.stored(numbers[i], place);
  }
}

void RandomOperations::get() {
  const QueueId id = any_queue();
  const Ledger::Queue& queue = ledger_.queue(id);
  if (queue.empty()) return;
  REQUIRE(machine_.dispatched());
  const std::int64_t first = queue.begin()->first + static_cast<std::int64_t>(below(queue.size()));
  const GetResult got = machine_.store()->get(
      {.topic = id.topic, .queue_id = id.queue_id, .queue_offset = first, .message_count_max = static_cast<std::int32_t>(1 + below(32))});
  INFO(id.topic << "-" << id.queue_id << " offset " << first << " since the start: " << log_);
  REQUIRE(got.status == GetStatus::found);
  std::int64_t wanted = first;
  for (const PinnedSlice& slice : got.slices) {
    for (std::string_view bytes = slice.bytes; !bytes.empty();) {
      const auto record = decode_record(bytes);
      REQUIRE(record.has_value());
      const ReadMessage message = Machine::read_message(*record);
      REQUIRE(message.place.queue_offset == wanted);
      REQUIRE(queue.at(wanted) == message.number);
      REQUIRE(ledger_.find(message.number)->body_crc == message.place.body_crc);
      ++wanted;
      bytes.remove_prefix(static_cast<std::size_t>(record->total_size));
    }
  }
  REQUIRE(got.next_begin_offset == wanted);
}

void RandomOperations::search_by_time() {
  const QueueId id = below(4) == 0 ? QueueId{kDelayTopic, static_cast<std::int32_t>(below(3))} : any_queue();
  const Ledger::Queue& queue = ledger_.queue(id);
  if (queue.empty()) return;
  REQUIRE(machine_.dispatched());
  const auto time_of = [this](std::int64_t number) { return ledger_.find(number)->store_timestamp; };
  const std::int64_t earliest = time_of(queue.begin()->second);
  const std::int64_t latest = time_of(queue.rbegin()->second);
  const std::int64_t asked = earliest - 5 + static_cast<std::int64_t>(below(static_cast<std::size_t>(latest - earliest) + 10));
  std::int64_t lower = queue.rbegin()->first + 1;
  std::int64_t upper = queue.begin()->first;
  for (const auto& [offset, number] : queue) {
    if (time_of(number) >= asked) lower = std::min(lower, offset);
    if (time_of(number) <= asked) upper = std::max(upper, offset);
  }
  INFO(id.topic << "-" << id.queue_id << " time " << asked << " since the start: " << log_);
  REQUIRE(machine_.store()->offset_by_time(id.topic, id.queue_id, asked, false) == lower);
  REQUIRE(machine_.store()->offset_by_time(id.topic, id.queue_id, asked, true) == upper);
  const SentMessage& some = *ledger_.find(queue.rbegin()->second);
  const auto entry = machine_.store()->queue_entry(id.topic, id.queue_id, queue.rbegin()->first);
  REQUIRE(entry.has_value());
  if (some.delay_ms > 0) REQUIRE(entry->tags_code == some.store_timestamp + some.delay_ms);
}

void RandomOperations::query_by_key() {
  const QueueId id = any_queue();
  const Ledger::Queue& queue = ledger_.queue(id);
  if (queue.empty()) return;
  REQUIRE(machine_.dispatched());
  const auto at = std::next(queue.begin(), static_cast<std::ptrdiff_t>(below(queue.size())));
  if (ledger_.find(at->second)->keys_expired) return;
  for (const std::string& key : {Ledger::key(at->second), Ledger::unique_key(at->second)}) {
    const auto found = machine_.find_by_key(id.topic, key);
    INFO(id.topic << " message " << at->second << " at " << ledger_.find(at->second)->physical_offset << " of a log from "
                  << machine_.min_physical_offset() << ", key " << key << " since the start: " << log_);
    REQUIRE(std::find(found.begin(), found.end(), at->second) != found.end());
    for (const std::int64_t number : found) REQUIRE(ledger_.find(number) != nullptr);
  }
}

void RandomOperations::commit_offset() {
  const QueueId id = any_queue();
  const Ledger::OffsetOf of{below(2) == 0 ? "billing" : "mail", id.topic, id.queue_id};
  const auto known = ledger_.offsets().find(of);
  const std::int64_t before = known == ledger_.offsets().end() ? 0 : machine_.consumer_offset(of);
  const std::int64_t offset = std::max<std::int64_t>(before, 0) + static_cast<std::int64_t>(below(5));
  machine_.offsets().commit(std::get<0>(of), id.topic, id.queue_id, offset);
  ledger_.commit(of, offset);
  REQUIRE(machine_.consumer_offset(of) == offset);
}

void RandomOperations::persist_offsets() {
  machine_.offsets().persist();
  ledger_.offsets_persisted();
}

void RandomOperations::delete_topic() {
  REQUIRE(machine_.dispatched());
  const std::string topic = any_queue().topic;
  ++figures_.deleted_topics;
  machine_.store()->delete_topic(topic);
  machine_.offsets().remove_topic(topic);
  ledger_.delete_topic(topic);
  for (std::int32_t id = 0; id < 3; ++id) REQUIRE(machine_.store()->max_offset(topic, id) == 0);
}

/// Old files go, by age or because the disk runs full; some of the time by neither, and then nothing may go.
void RandomOperations::expire() {
  REQUIRE(machine_.dispatched());
  ++figures_.expired_rounds;
  FaultyStore& store = machine_.store();
  if (below(2) == 0)
    store.clock().advance(std::chrono::hours(2));
  else
    store.disk().set_space({.total_bytes = 1'000'000, .available_bytes = 130'000});
  const std::int64_t before = store->min_physical_offset();
  store->delete_expired_files();
  store.disk().set_space({.total_bytes = 1'000'000'000, .available_bytes = 900'000'000});
  (void)store->delete_expired_files();  // Also waits for a round that upkeep has begun meanwhile.
  REQUIRE(store->min_physical_offset() >= before);
  ledger_.expire(store->min_physical_offset());
}

}  // namespace skylark::broker
