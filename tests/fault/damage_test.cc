// SPDX-License-Identifier: Apache-2.0
// Damage in the log: what is around it is kept and served, nothing that was changed is given to a reader.
#include "tests/fault/filled_store.h"

namespace skylark::broker {
namespace {

constexpr int kMessages = FilledStore::kMessages;

}  // namespace

TEST_CASE("a changed bit behind the durable offset costs its message alone after a kill", "[store][fault]") {
  FilledStore store;
  store.make_durable();
  store.fill();
  store.kill();
  std::mt19937_64 random(seed_of_run());
  const std::size_t damaged = kMessages + random() % (kMessages - 1);  // Not the last one: that could be torn.
  const PutResult& put = store.puts[damaged];
  const std::int64_t bit = GENERATE(0, 4, 8, 28, 84, 88, 500);  // Size, magic, checksum, physical offset, length and bytes of the body.
  store.flip(put.physical_offset + bit + 3 * static_cast<std::int64_t>(bit < 88));
  store.start();
  CHECK(store->max_offset("Orders", 0) == 2 * kMessages);
  store.check_all_but({damaged});
  const auto entry = store->queue_entry("Orders", 0, static_cast<std::int64_t>(damaged));
  REQUIRE(entry.has_value());  // Services of the broker go past it too.
  CHECK(entry->blank);
  CHECK(store.put("Orders", 0, "next").queue_offset == 2 * kMessages);
}

TEST_CASE("a changed bit below the durable offset cuts nothing off", "[store][fault]") {
  FilledStore store;
  const bool clean = GENERATE(false, true);
  if (clean) {
    store.clock().advance(std::chrono::seconds(1));
    store.stop();
  } else {
    store.make_durable();
    if (GENERATE(false, true))
      store.cut_power(7);
    else
      store.kill();
  }
  const std::size_t damaged = GENERATE(std::size_t{0}, std::size_t{20}, std::size_t{kMessages - 1});
  store.flip(store.puts[damaged].physical_offset + 500);
  store.start();
  CHECK(store->max_offset("Orders", 0) == kMessages);
  CHECK(store->max_physical_offset() >= store.puts.back().physical_offset + store.puts.back().record_size);
}

TEST_CASE("after a power cut the first bad record behind the durable offset ends the log", "[store][fault]") {
  FilledStore store([](MessageStoreOptions& options) { options.sync_flush = true; });
  store.make_durable();
  store.fill();
  store.cut_power(3);
  const std::size_t damaged = kMessages + 10;
  store.flip(store.puts[damaged].physical_offset + 500);
  store.start();
  CHECK(store->max_physical_offset() == store.puts[damaged].physical_offset);
  CHECK(store->max_offset("Orders", 0) == static_cast<std::int64_t>(damaged));
  store.bodies.resize(damaged);
  store.check_all_but({});
}

TEST_CASE("a tail of zeros ends the log, and queues and index end with it", "[store][fault]") {
  FilledStore store;
  store.make_durable();
  store.fill();
  const std::size_t kept = kMessages + 30;  // In the last file.
  const std::int64_t begin = store.puts[kept].physical_offset;
  store.kill();
  store.zero(begin, store.options().commit_log_file_size - begin % store.options().commit_log_file_size);
  store.start();
  CHECK(store->max_physical_offset() == begin);
  CHECK(store->max_offset("Orders", 0) == static_cast<std::int64_t>(kept));
  CHECK(store.put("Payments", 0, std::string(900, 'p')).physical_offset == begin);
  store.await_dispatch();
  store.clock().advance(std::chrono::seconds(1));
  store.stop();
  REQUIRE(store.disk().remove("/store/storeends").has_value());  // Who walks the queues, as Java does, finds nothing behind their ends.
  store.start();
  CHECK(store->max_offset("Orders", 0) == static_cast<std::int64_t>(kept));
}

// No checksum covers the properties, which come last: torn within them, a record cannot be told from one that was sent so.
TEST_CASE("a torn last record goes, at whatever byte before its properties it was torn", "[store][fault]") {
  FilledStore store;
  store.make_durable();
  const PutResult last = store.put("Orders", 0, "torn", "KEYS\x01torn\x02");
  store.await_dispatch();
  store.kill();
  const auto image = store.disk().after_kill();
  constexpr std::int64_t kPropertiesSize = 10;
  for (std::int64_t left = 0; left < last.record_size - kPropertiesSize - 2; ++left) {
    INFO(left << " bytes left");
    const auto disk = image->after_kill();
    disk->damage(store.log_file(last.physical_offset),
                 static_cast<std::size_t>((last.physical_offset + left) % store.options().commit_log_file_size),
                 std::string(static_cast<std::size_t>(last.record_size - left), '\0'));
    const auto torn = make_message_store(store.options(), *disk, store.clock());
    REQUIRE(torn->start().has_value());
    CHECK(torn->max_physical_offset() == last.physical_offset);
    CHECK(torn->max_offset("Orders", 0) == kMessages);
    torn->stop();
  }
  store.start();
  CHECK(store.body_at("Orders", 0, kMessages) == "torn");
}

TEST_CASE("a torn blank record goes, at whatever byte it was torn, and with it the file behind it", "[store][fault]") {
  FilledStore store;
  store.make_durable();
  const std::int64_t file_size = store.options().commit_log_file_size;
  PutResult before, first_of_next;
  do {
    before = std::exchange(first_of_next, store.put("Orders", 0, std::string(900, 'n')));
    store.bodies.emplace_back(900, 'n');
  } while (first_of_next.physical_offset % file_size != 0);
  store.await_dispatch();
  const std::int64_t blank = before.physical_offset + before.record_size;
  REQUIRE(blank + 8 <= first_of_next.physical_offset);
  store.kill();
  const auto image = store.disk().after_kill();
  const auto position = static_cast<std::size_t>(blank % file_size);
  for (std::size_t left = 0; left <= 8; ++left) {
    INFO(left << " bytes left");
    const auto disk = image->after_kill();
    disk->damage(store.log_file(first_of_next.physical_offset), 0, std::string(static_cast<std::size_t>(first_of_next.record_size), '\0'));
    disk->damage(store.log_file(blank), position + left, std::string(8 - left, '\0'));
    const auto torn = make_message_store(store.options(), *disk, store.clock());
    REQUIRE(torn->start().has_value());
    const std::int64_t end = left == 8 ? first_of_next.physical_offset : blank;
    CHECK(torn->max_physical_offset() == end);
    CHECK(torn->max_offset("Orders", 0) == first_of_next.queue_offset);
    const PutResult again = torn->put_sync(faulty_message("Orders", 0, store.bodies.back()));
    CHECK(again.physical_offset == first_of_next.physical_offset);  // It does not fit before the end of the file: a new blank closes that.
    CHECK(again.queue_offset == first_of_next.queue_offset);
    torn->stop();
    const auto closed = disk->read_all(store.log_file(blank));
    CHECK(closed->substr(position, 8) == image->read_all(store.log_file(blank))->substr(position, 8));
  }
  // With a record behind it the page cache has lost it, which no kill does: that is damage, and costs nothing.
  store.zero(blank, 8);
  store.start();
  store.check_all_but({});
}

TEST_CASE("of several messages of one append a tear costs those that it reaches, at whatever byte", "[store][fault]") {
  FilledStore store;
  store.make_durable();
  const std::vector<PutMessage> together(3, faulty_message("Orders", 0, "torn"));
  const std::int64_t begin = store->max_physical_offset();
  PutResult put;
  store->put_batch(together, [&](const PutResult& result) { put = result; });
  REQUIRE(put.stored());
  store.await_dispatch();
  store.kill();
  const auto image = store.disk().after_kill();
  const std::int64_t size = put.record_size;
  const std::int64_t record = size / 3;
  REQUIRE(record * 3 == size);
  for (std::int64_t left = 0; left < size; ++left) {
    INFO(left << " bytes left");
    const auto disk = image->after_kill();
    disk->damage(store.log_file(begin), static_cast<std::size_t>((begin + left) % store.options().commit_log_file_size),
                 std::string(static_cast<std::size_t>(size - left), '\0'));
    const auto torn = make_message_store(store.options(), *disk, store.clock());
    REQUIRE(torn->start().has_value());
    const std::int64_t whole = (left + 2) / record;  // The last two bytes, the length of no properties, are zeros anyway.
    CHECK(torn->max_physical_offset() == begin + whole * record);
    CHECK(torn->max_offset("Orders", 0) == kMessages + whole);
    torn->stop();
  }
}

}  // namespace skylark::broker
