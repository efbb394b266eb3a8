// SPDX-License-Identifier: Apache-2.0
// Ten thousand random operations a seed against a naive model. Some seeds are fixed; one is new each time, printed and taken from
// SKYLARK_SEED when that is set. SKYLARK_SEEDS asks for more.
#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/fault/model/random_operations.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

constexpr int kOperations = 10'000;
constexpr std::uint64_t kFixedSeeds[] = {1, 2};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const given = std::getenv(name);
  return given != nullptr && *given != '\0' ? std::strtoull(given, nullptr, 10) : otherwise;
}

void quick_upkeep(MessageStoreOptions& options) {
  options.index_slots = 64;
  options.index_entries = 400;
  options.file_reserved_hours = 1;
  options.delete_when = "";        // Only when the test says so.
  options.upkeep_interval_ms = 2;  // A second of a broker, so that checkpoints come between the operations.
  options.clean_interval_ms = std::int64_t{24} * 3'600'000;  // Files expire when an operation says so, and the ledger knows of it.
}
void quick_upkeep_sync_flush(MessageStoreOptions& options) {
  quick_upkeep(options);
  options.sync_flush = true;
}

void run_seed(std::uint64_t seed, FaultyStore::Change change) {
  INFO("SKYLARK_SEED=" << seed);
  Machine machine(change);
  RandomOperations operations(machine, seed);
  operations.run(kOperations);
  operations.finish();
  const auto& figures = operations.figures();
  std::cout << "seed " << seed << ": " << figures.stored << " puts stored, " << figures.refused << " refused, " << figures.clean_stops
            << " clean stops, " << figures.kills << " kills, " << figures.power_cuts << " power cuts, " << figures.full_disks
            << " full disks, " << figures.failed_flushes << " failing flushes, " << figures.failed_reads << " failing reads, "
            << figures.expired_rounds << " expiries, " << figures.deleted_topics << " deleted topics" << std::endl;
  CHECK(figures.stored > kOperations / 4);  // A run in which nothing happens proves nothing.
  CHECK(figures.kills + figures.power_cuts > 10);
}

void run_seeds(FaultyStore::Change change) {
  if (std::getenv("SKYLARK_SEED") == nullptr) {
    for (const std::uint64_t seed : kFixedSeeds) run_seed(seed, change);
  }
  std::uint64_t seed = number_from("SKYLARK_SEED", std::random_device{}());
  for (std::uint64_t left = number_from("SKYLARK_SEEDS", 1); left > 0; --left, ++seed) {
    std::cout << "SKYLARK_SEED=" << seed << std::endl;
    run_seed(seed, change);
  }
}

}  // namespace

TEST_CASE("random operations under ASYNC_FLUSH break no invariant", "[store][fault][model]") { run_seeds(quick_upkeep); }

TEST_CASE("random operations under SYNC_FLUSH break no invariant", "[store][fault][model]") { run_seeds(quick_upkeep_sync_flush); }

}  // namespace skylark::broker
