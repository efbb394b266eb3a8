// SPDX-License-Identifier: Apache-2.0
// One script of a broker's day; every call of the file system in it fails once, and every one from there on, with each kind of error.
// Then the process dies or the power goes, and the store must start and hold what it acknowledged.
#include <iostream>
#include <limits>
#include <string>

#include <fmt/format.h>

#include "base/crc32.h"
#include "tests/fault/model/machine.h"
#include "tests/support/catch.h"
#include "tests/support/failing_file_system.h"

namespace skylark::broker {
namespace {

constexpr const char* kOffsetsPath = "/store/config/consumerOffset.json";

void script_options(MessageStoreOptions& options) {
  options.sync_flush = true;
  options.file_reserved_hours = 1;
  options.delete_when = "";
  options.index_entries = 30;
}

/// How the calls of one run of the script fail, and how the run ends.
struct Trial {
  Failure failure = Failure::io_error;
  std::int64_t first = 0;
  std::int64_t count = 1;
  bool begin_after_kill = false;
  bool end_by_power_cut = false;
};

/// A broker in three lives: the first fills a store on a good disk, the second plays the script on a failing one, in the third all must be
/// there that the two have acknowledged.
class Script {
 public:
  Script() {
    for (int i = 0; i < 12; ++i) put("Orders", i % 2, 500);
    for (const std::int64_t offset : {2, 3}) {  // Two writes, so that the backup is an older one.
      commit(machine_.offsets(), "billing", offset);
      commit(machine_.offsets(), "mail", offset);
      machine_.offsets().persist();
      ledger_.offsets_persisted();
    }
    REQUIRE(machine_.dispatched());
  }

  /// Plays it; the number of calls that could have failed.
  std::int64_t play(const Trial& trial) {
    FaultyStore& store = machine_.store();
    if (trial.begin_after_kill)
      machine_.kill();
    else
      machine_.stop();
    FailingFileSystem disk(store.disk());
    disk.fail(trial.failure, trial.first, trial.count);
    store.go_through(&disk);
    if (store.try_start()) second_life(disk);
    if (trial.end_by_power_cut) {
      ledger_.lose_unflushed(machine_.cut_power(static_cast<std::uint64_t>(trial.first)));
    } else {
      if (trial.first % 2 == 0) store.stop();
      machine_.kill();
    }
    store.go_through(nullptr);
    return disk.calls();
  }

  std::string third_life() {
    machine_.start();
    REQUIRE(machine_.dispatched());
    std::string text = to_text(judge(ledger_, machine_).violations);
    const PutResult next = machine_.store().put("Orders", 0, "life goes on");
    if (next.status != PutStatus::ok) text += "it takes no messages\n";
    return text;
  }

 private:
  void second_life(FailingFileSystem& disk) {
    FaultyStore& store = machine_.store();
    ConsumerOffsetManager offsets(kOffsetsPath, 500, disk, store.clock());
    if (!offsets.load()) return;  // A broker that does not know its offsets does not start.
    for (int i = 0; i < 20; ++i) put(i % 3 == 0 ? "Payments" : "Orders", i % 2, 900);
    commit(offsets, "billing", 5);
    const std::int64_t failed_before = disk.failed_calls();
    offsets.persist();
    if (disk.failed_calls() == failed_before) ledger_.offsets_persisted();
    store.clock().advance(std::chrono::hours(2));
    store->delete_expired_files();
    ledger_.expire(store->min_physical_offset());
    store->delete_topic("Payments");
    ledger_.delete_topic("Payments");
    for (int i = 0; i < 20; ++i) put(i % 3 == 0 ? "Refunds" : "Orders", i % 2, 900);
  }

  void put(const char* topic, std::int32_t queue_id, std::size_t body_size) {
    const std::string body(body_size, static_cast<char>('a' + ledger_.sent_count() % 26));
    const std::int64_t number = ledger_.send({topic, queue_id}, crc32_31(body));
    const std::string properties = fmt::format("KEYS\x01{}\x02UNIQ_KEY\x01{}\x02", Ledger::key(number), Ledger::unique_key(number));
    const PutResult put = machine_.store().put(topic, queue_id, body, properties);
    if (!put.stored()) return;
    SentMessage place;
    place.queue_offset = put.queue_offset;
    place.physical_offset = put.physical_offset;
    place.record_end = put.physical_offset + put.record_size;
    place.flush_waited = put.status == PutStatus::ok;
    ledger_.stored(number, place);
  }

  void commit(ConsumerOffsetManager& offsets, const char* group, std::int64_t offset) {
    offsets.commit(group, "Orders", 0, offset);
    ledger_.commit({group, "Orders", 0}, offset);
  }

  Machine machine_{script_options};
  Ledger ledger_;
};

/// Every call fails alone, and all from there on, in each of the four ways around it.
void try_all(Failure failure, const char* name) {
  std::int64_t tried = 0;
  for (const bool begin_after_kill : {false, true}) {
    Trial trial{.failure = failure, .first = std::numeric_limits<std::int64_t>::max(), .begin_after_kill = begin_after_kill};
    const std::int64_t calls = Script().play(trial);  // None fails: how many there are.
    REQUIRE(calls > 0);
    for (trial.first = 0; trial.first < calls; ++trial.first) {
      for (const std::int64_t count : {std::int64_t{1}, std::numeric_limits<std::int64_t>::max()}) {
        for (const bool end_by_power_cut : {false, true}) {
          trial.count = count;
          trial.end_by_power_cut = end_by_power_cut;
          ++tried;
          Script script;
          script.play(trial);
          const std::string violations = script.third_life();
          INFO(name << ": call " << trial.first << " of " << calls << (count == 1 ? " alone" : " and all after it") << ", begun after a "
                    << (begin_after_kill ? "kill" : "clean stop") << ", ended by a " << (end_by_power_cut ? "power cut" : "kill"));
          REQUIRE(violations == "");
        }
      }
    }
  }
  std::cout << name << ": " << tried << " failures tried" << std::endl;
}

}  // namespace

TEST_CASE("no call that finds no space costs an acknowledged message", "[store][fault]") { try_all(Failure::no_space, "no space"); }
TEST_CASE("no call that fails costs an acknowledged message", "[store][fault]") { try_all(Failure::io_error, "i/o error"); }
TEST_CASE("no failing flush costs an acknowledged message", "[store][fault]") { try_all(Failure::flush, "flush"); }
TEST_CASE("no half written file costs an acknowledged message", "[store][fault]") { try_all(Failure::short_write, "short write"); }
TEST_CASE("no short read costs an acknowledged message", "[store][fault]") { try_all(Failure::short_read, "short read"); }

}  // namespace skylark::broker
