// SPDX-License-Identifier: Apache-2.0
// Changed bits in what no start reads: old files of the log, the middle of a queue, full files of the key index. Nobody is given a wrong
// body, what is around the place is served, and the place is told.
#include <fmt/core.h>

#include "tests/fault/filled_store.h"
#include "tests/support/captured_log.h"

namespace skylark::broker {
namespace {

constexpr int kMessages = FilledStore::kMessages;
constexpr std::size_t kHeader[] = {0, 4, 8, 28, 84};  // Size, magic, checksum, physical offset (of eight bytes), length of the body.

enum class End { clean, killed, power_cut };

/// No upkeep comes in between, and what readers meet stays as it is: mended_queues_test.
void no_upkeep(MessageStoreOptions& options) { options.upkeep_interval_ms = 3'600'000; }

void sync_flush(MessageStoreOptions& options) {
  no_upkeep(options);
  options.sync_flush = true;
}

void end(FilledStore& store, End how, std::uint64_t seed) {
  if (how == End::clean) {
    store.clock().advance(std::chrono::seconds(1));
    store.stop();
    return;
  }
  store.make_durable();
  if (how == End::killed)
    store.kill();
  else
    store.cut_power(seed);
}

/// A byte of a record's header or body.
std::int64_t any_byte(std::mt19937_64& random, const PutResult& record) {
  constexpr std::int64_t kBodyAt = 88, kBodySize = 900;
  const auto field = static_cast<std::int64_t>(random() % 6);
  if (field == 5) return record.physical_offset + kBodyAt + static_cast<std::int64_t>(random() % kBodySize);
  const std::size_t width = kHeader[field] == 28 ? 8 : 4;
  return record.physical_offset + static_cast<std::int64_t>(kHeader[field] + random() % width);
}

std::string queue_file(std::size_t unit) {
  return "/store/consumequeue/Orders/0/" + commitlog::mapped_file_name(static_cast<std::int64_t>(unit / 20 * 400));
}
std::size_t queue_position(std::size_t unit) { return unit % 20 * 20; }

/// Messages of one queue whose units alone were changed are served with their own bodies or not at all.
void check_none_but(FilledStore& store, const std::set<std::size_t>& damaged) {
  std::set<std::int64_t> read;
  for (const auto& [offset, body] : store.pull_all()) {
    REQUIRE(offset >= 0);
    REQUIRE(static_cast<std::size_t>(offset) < store.bodies.size());
    CHECK(body == store.bodies[static_cast<std::size_t>(offset)]);
    CHECK((read.empty() || *read.rbegin() < offset));
    read.insert(offset);
  }
  for (std::size_t i = 0; i < store.bodies.size(); ++i) CHECK((damaged.contains(i) || read.contains(static_cast<std::int64_t>(i))));
}

}  // namespace

TEST_CASE("changed bits in old log files cost their messages alone, and each place is told", "[store][fault]") {
  const End how = GENERATE(End::clean, End::killed, End::power_cut);
  std::mt19937_64 random(seed_of_run());
  for (int round = 0; round < 12; ++round) {
    FilledStore store(sync_flush);
    end(store, how, random());
    std::set<std::size_t> damaged;
    for (std::uint64_t more = random() % 4 + 1; more > 0; --more) {
      const std::size_t number = random() % kMessages;
      if (!damaged.insert(number).second) continue;
      store.flip(any_byte(random, store.puts[number]), 1 << random() % 8);
    }
    const CapturedLog log;
    store.start();
    CHECK(store->max_offset("Orders", 0) == kMessages);
    CHECK(store->max_physical_offset() >= store.puts.back().physical_offset + store.puts.back().record_size);
    store.check_all_but(damaged);
    const std::string text = log.text();
    for (const std::size_t number : damaged) {
      const std::int64_t offset = store.puts[number].physical_offset;
      const std::int64_t position = offset % store.options().commit_log_file_size;
      INFO("message " << number << " of " << text);
      const std::string file = commitlog::mapped_file_name(offset - position);
      CHECK((text.find(fmt::format("the record at {} of commit log file {} (offset {}) is damaged", position, file, offset)) !=
                 std::string::npos ||
             text.find(fmt::format("damage in /store/commitlog/{} at {}:", file, position)) != std::string::npos));
      CHECK(store.bodies_by_key("Orders", "key" + std::to_string(number)).empty());
    }
    store.check_all_but(damaged);
    CHECK(log.text() == text);  // Once for each place.

    store.bodies.push_back("next");
    CHECK(store.put("Orders", 0, "next").queue_offset == kMessages);
    store.await_dispatch();
    store.check_all_but(damaged);
    store.restart();
    store.check_all_but(damaged);
  }
}

TEST_CASE("changed bits in the middle of a queue give nobody a wrong message", "[store][fault]") {
  const End how = GENERATE(End::clean, End::killed, End::power_cut);
  std::mt19937_64 random(seed_of_run());
  for (int round = 0; round < 30; ++round) {
    FilledStore store(sync_flush);
    end(store, how, random());
    std::set<std::size_t> damaged;
    for (std::uint64_t more = random() % 4 + 1; more > 0; --more) {
      const std::size_t unit = random() % kMessages;
      if (!damaged.insert(unit).second) continue;
      store.flip_in(queue_file(unit), queue_position(unit) + random() % 20, 1 << random() % 8);
    }
    store.start();
    CHECK(store->max_offset("Orders", 0) == kMessages);
    check_none_but(store, damaged);
    store.bodies.push_back("next");
    CHECK(store.put("Orders", 0, "next").queue_offset == kMessages);
    store.await_dispatch();
    check_none_but(store, damaged);
  }
}

TEST_CASE("a unit that leads to another whole record is passed over and told", "[store][fault]") {
  FilledStore store(no_upkeep);
  const std::string units = *store.disk().read_all(queue_file(0));
  const PutResult payment = store.put("Payments", 0, store.bodies[0], "KEYS\x01key0\x02");  // Same queue id and offset, another topic.
  store.await_dispatch();
  const std::string payments = *store.disk().read_all("/store/consumequeue/Payments/0/00000000000000000000");
  std::size_t wrong = 5;
  store.clock().advance(std::chrono::seconds(1));
  store.stop();
  SECTION("of its own queue") {
    store.disk().damage(queue_file(wrong), queue_position(wrong), std::string_view(units).substr(queue_position(9), 20));
  }
  SECTION("of another topic") {
    wrong = 0;
    store.disk().damage(queue_file(wrong), queue_position(wrong), std::string_view(payments).substr(0, 20));
  }
  store.start();
  const CapturedLog log;
  store.check_all_but({wrong});
  CHECK(log.says(fmt::format("the unit of offset {} in consume queue 0 of Orders leads to ", wrong)));
  const std::string text = log.text();
  store.check_all_but({wrong});
  CHECK(log.text() == text);
  CHECK(store.body_at("Payments", 0, 0) == store.bodies[0]);
  CHECK(payment.queue_offset == 0);
}

TEST_CASE("a unit of an earlier run that leads to what was just appended gives it to nobody", "[store][fault]") {
  FilledStore store(no_upkeep);
  store.restart();
  store.bodies.push_back("next");
  REQUIRE(store.put("Orders", 0, "next").stored());
  store.await_dispatch();
  const std::string units = *store.disk().read_all(queue_file(kMessages));
  store.disk().damage(queue_file(3), queue_position(3), std::string_view(units).substr(queue_position(kMessages), 20));
  store.check_all_but({3});
  SECTION("into its middle") {
    std::string changed = units.substr(queue_position(kMessages), 20);
    changed[7] = static_cast<char>(changed[7] ^ 4);
    store.disk().damage(queue_file(3), queue_position(3), changed);
    store.check_all_but({3});
  }
}

TEST_CASE("changed bits in full files of the key index lead nobody to a wrong message", "[store][fault]") {
  const End how = GENERATE(End::clean, End::killed, End::power_cut);
  std::mt19937_64 random(seed_of_run());
  for (int round = 0; round < 20; ++round) {
    FilledStore store(sync_flush);
    store.fill();
    end(store, how, random());
    const auto names = *store.disk().list("/store/index");
    REQUIRE(names.size() == 2);
    const std::string path = "/store/index/" + *std::min_element(names.begin(), names.end());
    const auto size = static_cast<std::size_t>(*store.disk().file_size(path));
    for (int i = 0; i < 20; ++i) store.flip_in(path, 40 + random() % (size - 40), 1 << random() % 8);  // Behind the header.
    store.start();
    std::size_t found = 0;
    for (std::size_t i = 0; i < store.bodies.size(); ++i) {
      const auto bodies = store.bodies_by_key("Orders", "key" + std::to_string(i));
      REQUIRE(bodies.size() <= 1);
      if (!bodies.empty()) CHECK(bodies.front() == store.bodies[i]);
      found += bodies.size();
    }
    CHECK(found >= store.bodies.size() - 49);  // Of the other file all.
    store.check_all_but({});
    CHECK(store.put("Orders", 0, "next", "KEYS\x01next\x02").stored());
    store.await_dispatch();
    CHECK(store.bodies_by_key("Orders", "next").size() == 1);
  }
}

}  // namespace skylark::broker
