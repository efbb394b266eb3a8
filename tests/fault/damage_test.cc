// SPDX-License-Identifier: Apache-2.0
// Damage in the log: what is around it is kept and served, nothing that was changed is given to a reader.
#include <cstdlib>
#include <iostream>
#include <random>

#include "commitlog/mapped_file_queue.h"
#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

constexpr int kMessages = 40;

std::string log_file(std::int64_t offset, std::int64_t file_size) {
  return "/store/commitlog/" + commitlog::mapped_file_name(offset - offset % file_size);
}

std::uint64_t seed_of_run() {
  const char* const given = std::getenv("SKYLARK_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "SKYLARK_SEED=" << seed << "\n";
  return seed;
}

/// A store with some messages of one queue, over three log files.
struct FilledStore : FaultyStore {
  explicit FilledStore(Change change = nullptr) : FaultyStore(change) { fill(); }
  void fill() {
    for (int i = 0; i < kMessages; ++i) {
      bodies.push_back(std::to_string(puts.size()) + std::string(900, '.'));
      puts.push_back(put("Orders", 0, bodies.back()));
      REQUIRE(puts.back().stored());
    }
    await_dispatch();
  }
  void flip(std::int64_t offset) {
    const std::string path = log_file(offset, options().commit_log_file_size);
    const auto at = static_cast<std::size_t>(offset % options().commit_log_file_size);
    const std::string content = *disk().read_all(path);
    disk().damage(path, at, std::string(1, static_cast<char>(content[at] ^ 0x20)));
  }
  void zero(std::int64_t offset, std::int64_t size) {
    disk().damage(log_file(offset, options().commit_log_file_size), static_cast<std::size_t>(offset % options().commit_log_file_size),
                  std::string(static_cast<std::size_t>(size), '\0'));
  }
  /// Every message but the damaged one is read by who pulls from the beginning; no other body appears.
  void check_all_but(std::size_t damaged) {
    std::vector<std::string> read;
    std::int64_t offset = 0;
    while (offset < (*this)->max_offset("Orders", 0)) {
      const GetResult got = (*this)->get({.topic = "Orders", .queue_id = 0, .queue_offset = offset});
      REQUIRE(got.next_begin_offset > offset);
      offset = got.next_begin_offset;
      for (const PinnedSlice& slice : got.slices) {
        const auto records = decode_records(slice.bytes);
        REQUIRE(records.has_value());
        for (const MessageView& record : *records) read.emplace_back(record.body);
      }
    }
    std::vector<std::string> wanted = bodies;
    if (damaged < wanted.size()) wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(damaged));
    CHECK(read == wanted);
  }
  std::vector<PutResult> puts;
  std::vector<std::string> bodies;
};

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
  store.check_all_but(damaged);
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
  store.check_all_but(damaged);
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
    disk->damage(log_file(last.physical_offset, store.options().commit_log_file_size),
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

}  // namespace skylark::broker
