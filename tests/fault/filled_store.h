// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "commitlog/mapped_file_queue.h"
#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"

namespace skylark::broker {

/// `SKYLARK_SEED`, or one of chance; printed, so that a failure can be repeated.
inline std::uint64_t seed_of_run() {
  const char* const given = std::getenv("SKYLARK_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "SKYLARK_SEED=" << seed << "\n";
  return seed;
}

/// A store with forty messages of one queue, over three log files, and what was put into it.
struct FilledStore : FaultyStore {
  static constexpr int kMessages = 40;

  explicit FilledStore(Change change = nullptr) : FaultyStore(change) { fill(); }
  void fill() {
    for (int i = 0; i < kMessages; ++i) {
      const std::string number = std::to_string(puts.size());
      bodies.push_back(number + std::string(900, '.'));
      puts.push_back(put("Orders", 0, bodies.back(), "KEYS\x01key" + number + "\x02"));
      REQUIRE(puts.back().stored());
    }
    await_dispatch();
  }
  [[nodiscard]] std::string log_file(std::int64_t offset) {
    return "/store/commitlog/" + commitlog::mapped_file_name(offset - offset % options().commit_log_file_size);
  }
  /// Changes bits of one byte of a file.
  void flip_in(const std::string& path, std::size_t at, int bits = 0x20) {
    const std::string content = *disk().read_all(path);
    REQUIRE(at < content.size());
    disk().damage(path, at, std::string(1, static_cast<char>(content[at] ^ bits)));
  }
  /// The same at an offset of the log.
  void flip(std::int64_t offset, int bits = 0x20) {
    flip_in(log_file(offset), static_cast<std::size_t>(offset % options().commit_log_file_size), bits);
  }
  void zero(std::int64_t offset, std::int64_t size) {
    disk().damage(log_file(offset), static_cast<std::size_t>(offset % options().commit_log_file_size),
                  std::string(static_cast<std::size_t>(size), '\0'));
  }
  /// Body by queue offset of all that a consumer gets who pulls from the beginning to the end.
  std::vector<std::pair<std::int64_t, std::string>> pull_all(std::string_view topic = "Orders") {
    std::vector<std::pair<std::int64_t, std::string>> read;
    std::int64_t offset = (*this)->min_offset(topic, 0);
    while (offset < (*this)->max_offset(topic, 0)) {
      const GetResult got = (*this)->get({.topic = topic, .queue_id = 0, .queue_offset = offset});
      REQUIRE(got.next_begin_offset > offset);
      offset = got.next_begin_offset;
      for (const PinnedSlice& slice : got.slices) {
        const auto records = decode_records(slice.bytes);
        REQUIRE(records.has_value());
        for (const MessageView& record : *records) read.emplace_back(record.queue_offset, record.body);
      }
    }
    return read;
  }
  /// Every message but the damaged ones is read, in order, by who pulls from the beginning; no other body appears.
  void check_all_but(const std::set<std::size_t>& damaged) {
    std::vector<std::pair<std::int64_t, std::string>> wanted;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      if (!damaged.contains(i)) wanted.emplace_back(i, bodies[i]);
    }
    CHECK(pull_all() == wanted);
  }

  std::vector<PutResult> puts;
  std::vector<std::string> bodies;
};

}  // namespace skylark::broker
