// SPDX-License-Identifier: Apache-2.0
// The operations of RandomOperations after which a store has to start again.
#include "base/error.h"
#include "tests/fault/model/random_operations.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace skylark::broker {

/// No space for a while. What does not fit is refused; what was there stays, and the store goes on by itself or after a start.
void RandomOperations::full_disk() {
  ++figures_.full_disks;
  FaultyStore& store = machine_.store();
  store.disk().refuse_space(true);
  for (std::size_t i = below(40); i > 0; --i) below(4) == 0 ? put_batch() : put();
  machine_.offsets().persist();  // In vain, perhaps.
  if (below(3) == 0) {
    machine_.kill();
    store.disk().refuse_space(true);  // It is another disk now.
    REQUIRE(store.try_start().error() == Errc::no_space);
    store.disk().refuse_space(false);
    ++figures_.kills;
    return come_back();
  }
  store.disk().refuse_space(false);
  if (below(4) != 0) return restart();
  REQUIRE(machine_.dispatched());
  REQUIRE(eventually([&] { return store->writable(); }));
}

/// The disk fails to flush some kind of file, once or for good: nothing is said to be durable that is not.
void RandomOperations::failing_flushes() {
  static const char* const kinds[] = {"/commitlog/", "/commitlog/", "/consumequeue/", "/index/", "/checkpoint"};
  ++figures_.failed_flushes;
  FaultyStore& store = machine_.store();
  store.disk().fail_flushes_of(kinds[below(5)]);
  for (std::size_t i = below(20); i > 0; --i) below(4) == 0 ? put_batch() : put();
  if (below(2) == 0) store.disk().fail_flushes_of("");
  for (std::size_t i = below(10); i > 0; --i) put();
  restart();
}

/// A disk that does not answer during a start is no reason to cut anything off.
void RandomOperations::failing_reads() {
  ++figures_.failed_reads;
  FaultyStore& store = machine_.store();
  machine_.kill();
  ++figures_.kills;
  store.disk().fail_reads_of("/commitlog/");
  const auto started = store.try_start();
  if (!started) {
    REQUIRE(started.error() == Errc::io_error);
  } else {
    store.kill();  // It had nothing to read.
  }
  store.disk().fail_reads_of("");
  come_back();
}

void RandomOperations::restart() {
  switch (below(4)) {
    case 0:
      log_ += "stop ";
      ++figures_.clean_stops;
      machine_.stop();
      ledger_.offsets_persisted();
      break;
    case 1:
    case 2:
      log_ += "power-cut ";
      ++figures_.power_cuts;
      ledger_.lose_unflushed(machine_.cut_power(random_()));
      break;
    default:
      log_ += "kill ";
      ++figures_.kills;
      machine_.kill();
      break;
  }
  come_back();
}

void RandomOperations::come_back() {
  FaultyStore& store = machine_.store();
  store.disk().fail_flushes_of("");
  store.disk().refuse_space(false);
  machine_.start();
  REQUIRE(machine_.dispatched());
  const auto [violations, topics_back] = judge(ledger_, machine_);
  INFO("operations since the start before: " << log_);
  INFO(to_text(violations));
  REQUIRE(violations.empty());
  log_.clear();
  for (const std::string& topic : topics_back) {
    store->delete_topic(topic);
    machine_.offsets().remove_topic(topic);
    ledger_.delete_topic(topic);
  }
}

void RandomOperations::finish() {
  machine_.stop();
  ledger_.offsets_persisted();
  come_back();
}

}  // namespace skylark::broker
