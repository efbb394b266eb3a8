// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>

#include "tests/fault/model/machine.h"

namespace skylark::broker {

/// Does at random, by seed, what a broker and its surroundings do to a store, and checks each answer against the ledger; after every
/// start the judge looks at everything. Failures are Catch2 ones, with the last operations named.
class RandomOperations {
 public:
  RandomOperations(Machine& machine, std::uint64_t seed) : machine_(machine), random_(seed) {}

  void run(int operations);
  /// Ends the run: a stop, a start, the judge.
  void finish();
  Ledger& ledger() { return ledger_; }

  struct Figures {
    int stored = 0, refused = 0, clean_stops = 0, kills = 0, power_cuts = 0, full_disks = 0, failed_flushes = 0, failed_reads = 0,
        expired_rounds = 0, deleted_topics = 0;
  };
  [[nodiscard]] const Figures& figures() const { return figures_; }

 private:
  void one();
  std::size_t below(std::size_t limit) { return random_() % limit; }
  QueueId any_queue();
  std::int32_t topic_version(std::string_view topic);

  void put();
  void put_batch();
  void put_delayed();
  void put_one(const QueueId& queue, std::string extra_properties, std::int64_t delay_ms);
  void settle(const std::vector<std::int64_t>& numbers, const PutResult& result, bool waited, std::int64_t delay_ms);

  void get();
  void search_by_time();
  void query_by_key();
  void commit_offset();
  void persist_offsets();
  void delete_topic();
  void expire();

  void full_disk();
  void failing_flushes();
  void failing_reads();
  void restart();
  void come_back();

  Machine& machine_;
  std::mt19937_64 random_;
  Ledger ledger_;
  Figures figures_;
  std::string log_;  // The operations since the last start, for a failure's message.
};

}  // namespace skylark::broker
