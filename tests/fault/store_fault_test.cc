// SPDX-License-Identifier: Apache-2.0
// Disks that are full, tear, lie or fail: what was acknowledged stays, and nothing is acknowledged that is not true.
#include <atomic>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace skylark::broker {
namespace {

constexpr const char* kFirstLogFile = "/store/commitlog/00000000000000000000";

void sync_flush(MessageStoreOptions& options) { options.sync_flush = true; }

}  // namespace

// Cuts the last message at several places: recovery must keep everything before it and nothing of it.
TEST_CASE("recovery drops a torn tail and keeps whole messages", "[store][fault]") {
  const std::int64_t bytes_left = GENERATE(0, 1, 4, 8, 60, 90, 100);
  FaultyStore store;
  const PutResult whole = store.put("Orders", 0, "order created");
  const PutResult torn = store.put("Orders", 0, "order paid, and a few words more");
  REQUIRE(torn.record_size > bytes_left);
  store.await_dispatch();

  store.kill();
  store.disk().damage(kFirstLogFile, static_cast<std::size_t>(torn.physical_offset + bytes_left),
                      std::string(static_cast<std::size_t>(torn.record_size - bytes_left), '\0'));
  store.start();

  CHECK(store->max_physical_offset() == torn.physical_offset);
  CHECK(store->max_offset("Orders", 0) == 1);
  CHECK(store.body_at("Orders", 0, 0) == "order created");
  const PutResult next = store.put("Orders", 0, "order shipped");
  CHECK(next.queue_offset == 1);
  CHECK(next.physical_offset == whole.physical_offset + whole.record_size);
}

TEST_CASE("what recovery cut off never comes back as records", "[store][fault]") {
  FaultyStore store(sync_flush);
  store.put("Orders", 0, "first");
  const PutResult torn = store.put("Orders", 0, "second");
  store.put("Orders", 0, "third.");
  store.cut_power(1);  // After a kill the third one would prove that the second is damaged, not torn.
  store.disk().damage(kFirstLogFile, static_cast<std::size_t>(torn.physical_offset + 8), std::string(8, '\x7f'));
  store.start();
  REQUIRE(store->max_offset("Orders", 0) == 1);
  REQUIRE(store.put("Orders", 0, "SECOND").physical_offset == torn.physical_offset);  // As long as the lost one: "third." would follow it.

  store.kill();
  store.start();
  CHECK(store->max_offset("Orders", 0) == 2);
  CHECK(store.body_at("Orders", 0, 1) == "SECOND");
}

TEST_CASE("a failed flush is final: nothing is acknowledged after it, everything stays readable", "[store][fault]") {
  FaultyStore store(sync_flush);
  REQUIRE(store.put("Orders", 0, "safe").status == PutStatus::ok);
  store.await_dispatch();

  store.disk().fail_flushes_of("/commitlog/");
  CHECK(store.put("Orders", 0, "in doubt").status == PutStatus::flush_disk_timeout);
  CHECK(store.put("Orders", 0, "too late").status == PutStatus::service_not_available);
  store.disk().fail_flushes_of("");
  CHECK(store.put("Orders", 0, "a second flush proves nothing").status == PutStatus::service_not_available);
  CHECK_FALSE(store->writable());
  CHECK(store.body_at("Orders", 0, 0) == "safe");
  CHECK(store->max_offset("Orders", 0) == 1);

  store.stop();
  CHECK(store.disk().exists("/store/abort"));
}

TEST_CASE("a failed flush stops an asynchronous store as well", "[store][fault]") {
  FaultyStore store;
  store.disk().fail_flushes_of("/commitlog/");
  store.put("Orders", 0, "acknowledged before the flush");
  CHECK(eventually([&] { return !store->writable(); }));
  CHECK(store.put("Orders", 0, "refused").status == PutStatus::service_not_available);
}

TEST_CASE("a full disk refuses messages, goes on reading, and recovers without a gap", "[store][fault]") {
  FaultyStore store;
  const std::string body(1000, 'x');
  store.put("Orders", 0, body);
  store.await_dispatch();  // The queue has its file.
  store.disk().refuse_space(true);
  store.disk().set_space({.total_bytes = 100'000, .available_bytes = 15'000});  // Below the mark of 90 %, and less than a log file.
  std::int64_t stored = 1;
  PutResult refused;
  for (int i = 0; i < 40 && refused.stored(); ++i) {
    refused = store.put("Orders", 0, body);
    if (refused.stored()) ++stored;
  }
  CHECK(refused.status == PutStatus::service_not_available);
  CHECK_FALSE(store->writable());
  const std::int64_t end = store->max_physical_offset();
  CHECK(store.put("Orders", 0, body).status == PutStatus::service_not_available);
  CHECK(store->max_physical_offset() == end);
  CHECK(store.body_at("Orders", 0, 0) == body);

  store.disk().refuse_space(false);
  store.disk().set_space({.total_bytes = 100'000, .available_bytes = 20'000});
  CHECK(eventually([&] { return store->writable(); }));  // By itself.
  const PutResult next = store.put("Orders", 0, "there is room again");
  CHECK(next.status == PutStatus::ok);
  CHECK(next.queue_offset == stored);
  store.await_dispatch();
  CHECK(store.body_at("Orders", 0, stored) == "there is room again");
}

TEST_CASE("a queue that gets no space delays its messages and loses none", "[store][fault]") {
  FaultyStore store;
  store.put("Orders", 0, "the log has its file");
  store.await_dispatch();
  store.disk().refuse_space(true);
  REQUIRE(store.put("Payments", 0, "first").status == PutStatus::ok);  // In the log; its queue needs a file.
  CHECK(eventually([&] { return store.put("Payments", 0, "more").status == PutStatus::service_not_available; }));
  CHECK(store->max_offset("Payments", 0) == 0);

  store.disk().refuse_space(false);
  store.await_dispatch();
  CHECK(store.body_at("Payments", 0, 0) == "first");
  CHECK(eventually([&] { return store->writable(); }));
}

TEST_CASE("a full disk at the start serves what is there", "[store][fault]") {
  FaultyStore store;
  store.put("Orders", 0, "first");
  store.put("Payments", 0, "second");
  store.await_dispatch();
  store.kill();
  store.disk().refuse_space(true);
  const auto started = store.try_start();
  // The abort file cannot be written: a store that cannot tell a crash apart must not run.
  CHECK(started.error() == Errc::no_space);
  store.disk().refuse_space(false);
  store.start();
  CHECK(store.body_at("Orders", 0, 0) == "first");
  CHECK(store.body_at("Payments", 0, 0) == "second");
}

TEST_CASE("a damaged checkpoint costs time, not messages", "[store][fault]") {
  const std::string garbage =
      GENERATE(std::string(40, '\xff'), std::string("\x7f\xff\xff\xff\xff\xff\xff\xff", 8), std::string(16, '\x01'));
  FaultyStore store;
  for (int i = 0; i < 50; ++i) store.put("Orders", 0, "order " + std::to_string(i) + std::string(500, '.'));
  store.await_dispatch();
  store.kill();
  store.disk().damage("/store/checkpoint", 0, garbage);
  store.start();
  CHECK(store->max_offset("Orders", 0) == 50);
  CHECK(store.body_at("Orders", 0, 49).starts_with("order 49"));
}

TEST_CASE("a checkpoint of another length is made anew", "[store][fault]") {
  FaultyStore store;
  store.put("Orders", 0, "first");
  store.await_dispatch();
  store.kill();
  REQUIRE(store.disk().truncate("/store/checkpoint", 17).has_value());
  store.start();
  CHECK(store.body_at("Orders", 0, 0) == "first");
}

TEST_CASE("a disk that does not answer is not the end of the log", "[store][fault]") {
  FaultyStore store;
  for (int i = 0; i < 30; ++i) store.put("Orders", 0, std::string(1000, 'x'));
  const std::int64_t end = store->max_physical_offset();
  store.kill();
  store.disk().fail_reads_of("/commitlog/");
  CHECK(store.try_start().error() == Errc::io_error);
  store.disk().fail_reads_of("");
  store.start();
  CHECK(store->max_physical_offset() == end);
  CHECK(store->max_offset("Orders", 0) == 30);
}

TEST_CASE("one flush answers every put that came before it", "[store][fault]") {
  FaultyStore store(sync_flush);
  REQUIRE(store.put("Orders", 0, "first").status == PutStatus::ok);
  store.disk().hold_flushes();
  std::atomic<int> answered{0};
  const std::int64_t before = store->flush_count();
  const PutMessage message = faulty_message("Orders", 0, "one of many");
  for (int i = 0; i < 64; ++i) {
    store->put(message, [&](const PutResult& result) { answered += result.status == PutStatus::ok ? 1 : 1000; });
  }
  REQUIRE(eventually([&] { return store.disk().held_flushes() > 0; }));
  CHECK(answered == 0);  // Nothing is on disk yet.
  CHECK(store->max_offset("Orders", 0) <= 1);
  store.disk().release_flushes();
  CHECK(eventually([&] { return answered == 64; }));
  CHECK(store->flush_count() - before <= 4);
}

TEST_CASE("a put that waits for a disk that does not answer is told so at its deadline", "[store][fault]") {
  FaultyStore store(sync_flush);
  store.disk().hold_flushes();
  std::atomic<int> status{-1};
  const PutMessage message = faulty_message("Orders", 0, "slow");
  store->put(message, [&](const PutResult& result) { status = static_cast<int>(result.status); });
  CHECK(status == -1);
  store.clock().advance(std::chrono::milliseconds(store.options().sync_flush_timeout_ms));
  CHECK(eventually([&] { return status == static_cast<int>(PutStatus::flush_disk_timeout); }));
  store.disk().release_flushes();
}

TEST_CASE("a topic that was deleted and made again keeps its new messages through a crash", "[store][fault]") {
  FaultyStore store;
  for (int i = 0; i < 5; ++i) store.put("Orders", 0, "old");
  store.await_dispatch();
  store->delete_topic("Orders");
  CHECK(store->max_offset("Orders", 0) == 0);
  CHECK(store.put("Orders", 0, "new").queue_offset == 0);
  store.await_dispatch();
  CHECK(store.body_at("Orders", 0, 0) == "new");
  store.kill();
  store.start();
  CHECK(store.body_at("Orders", 0, 0) == "new");
  CHECK(store.put("Orders", 0, "newer").queue_offset == 1);
}

TEST_CASE("a disk that stalls holds up one message, refuses those behind it, and loses none", "[store][fault]") {
  FaultyStore store([](MessageStoreOptions& options) { options.append_wait_ms = 20; });
  store.disk().hold_allocations_of("/commitlog/");
  PutResult first;
  std::thread stalled([&] { first = store.put("Orders", 0, "first"); });
  CHECK(eventually([&] { return store.disk().held_allocations() > 0; }));
  CHECK(eventually([&] { return store.put("Orders", 0, "behind it").status == PutStatus::append_timeout; }));
  store.clock().advance(std::chrono::milliseconds(store.options().page_cache_busy_ms + 1));
  CHECK(store.put("Orders", 0, "not even tried").status == PutStatus::page_cache_busy);
  CHECK(store->max_offset("Orders", 0) == 0);  // Reads are answered.

  store.disk().hold_allocations_of("");
  stalled.join();
  CHECK(first.status == PutStatus::ok);
  CHECK(store.put("Orders", 0, "second").queue_offset == 1);
  store.await_dispatch();
  CHECK(store.body_at("Orders", 0, 0) == "first");
  CHECK(store.body_at("Orders", 0, 1) == "second");
}

TEST_CASE("queues without messages go on request, others and those kept stay, and counting goes on", "[store]") {
  FaultyStore store([](MessageStoreOptions& options) { options.file_reserved_hours = 1; });
  const std::string body(1000, 'x');
  for (const char* topic : {"Old", "Kept", "Orders"}) store.put(topic, 0, "early");
  store.put("Orders", 0, body);
  while (store->max_physical_offset() < 2 * 16 * 1024) store.put("Orders", 1, body);
  store.await_dispatch();
  CHECK(store->clean_expired_queues([](std::string_view) { return false; }) == 0);
  store.clock().advance(std::chrono::hours(2));
  while (store->delete_expired_files()) continue;
  REQUIRE(store->min_physical_offset() > 0);
  CHECK(store->clean_expired_queues([](std::string_view topic) { return topic == "Kept"; }) == 2);
  CHECK(store->queues() == std::vector<QueueId>{{"Kept", 0}, {"Orders", 1}});
  CHECK(store.put("Old", 0, "late").queue_offset == 1);
  store.await_dispatch();
  CHECK(store.body_at("Old", 0, 1) == "late");
}

}  // namespace skylark::broker
