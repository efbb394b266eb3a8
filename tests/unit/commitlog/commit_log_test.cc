// SPDX-License-Identifier: Apache-2.0
#include "commitlog/commit_log.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/unit/commitlog/log_fixture.h"

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kFileSize = LogFixture::kFileSize;
const std::string kQuarter(900, 'q');  // About a quarter of a file as a record.

MessageView record_at_offset(CommitLog& log, std::int64_t offset) {
  const auto head = log.view(offset, 4);
  REQUIRE(head.has_value());
  const auto slice = log.view(offset, load_be<std::int32_t>(head->bytes.data()));
  REQUIRE(slice.has_value());
  const auto record = decode_record(slice->bytes);
  REQUIRE(record.has_value());
  return *record;
}

}  // namespace

TEST_CASE("an append fills in offsets and store time", "[commitlog]") {
  LogFixture log;
  const auto first = log.append("Orders", 1, {"a", "b"});
  REQUIRE(first.has_value());
  log.clock().advance(std::chrono::milliseconds(5));
  const auto second = log.append("Orders", 1, {"c"});
  REQUIRE(second.has_value());
  CHECK(first->begin == 0);
  CHECK(first->queue_offset == 0);
  CHECK(second->begin == first->end);
  CHECK(second->queue_offset == 2);
  CHECK(second->store_timestamp == first->store_timestamp + 5);

  const MessageView record = record_at_offset(log.log(), second->begin);
  CHECK(record.queue_offset == 2);
  CHECK(record.physical_offset == second->begin);
  CHECK(record.store_timestamp == second->store_timestamp);
  CHECK(record.body == "c");
}

TEST_CASE("each queue counts its own messages", "[commitlog]") {
  LogFixture log;
  CHECK(log.append("Orders", 0, {"a"})->queue_offset == 0);
  CHECK(log.append("Orders", 1, {"b"})->queue_offset == 0);
  CHECK(log.append("Payments", 0, {"c"})->queue_offset == 0);
  CHECK(log.append("Orders", 0, {"d"})->queue_offset == 1);
}

TEST_CASE("prepared and rollback records take no queue offset", "[commitlog]") {
  LogFixture log;
  CHECK(log.append("Orders", 0, {"a"})->queue_offset == 0);
  CHECK(log.append("Orders", 0, {"half"}, sys_flag::kTransactionPrepared)->queue_offset == 0);
  CHECK(log.append("Orders", 0, {"undone"}, sys_flag::kTransactionRollback)->queue_offset == 0);
  CHECK(log.append("Orders", 0, {"done"}, sys_flag::kTransactionCommit)->queue_offset == 1);
}

TEST_CASE("a full file is closed with a blank record of at least eight bytes", "[commitlog]") {
  LogFixture log;
  std::int64_t end = 0;
  while (end < kFileSize) {
    const auto appended = log.append("Orders", 0, {kQuarter});
    REQUIRE(appended.has_value());
    if (appended->begin < kFileSize)
      end = appended->end;
    else
      break;
  }
  CHECK(log->begin() == 0);
  const auto blank = log->view(end, 8);
  REQUIRE(blank.has_value());
  CHECK(load_be<std::int32_t>(blank->bytes.data()) == kFileSize - end);
  CHECK(load_be<std::int32_t>(blank->bytes.data() + 4) == kBlankMagic);
}

TEST_CASE("no record leaves one to seven bytes in its file", "[commitlog]") {
  // A body that would end so close to the end of the file that the blank record does not fit goes to the next one.
  const std::int64_t left = GENERATE(range(0, 12));
  LogFixture log;
  RecordFields fields;
  fields.topic = "T";
  const auto overhead = static_cast<std::int64_t>(record_size(fields));
  const auto appended = log.append("T", 0, {std::string(static_cast<std::size_t>(kFileSize - overhead - left), 'x')});
  if (left < 8) {
    CHECK(appended.error() == Errc::too_large);
    CHECK(log->end() == 0);
  } else {
    REQUIRE(appended.has_value());
    CHECK(appended->end == kFileSize - left);
    CHECK(log.append("T", 0, {"next"})->begin == kFileSize);
    CHECK(log.bodies().size() == 2);
  }
}

TEST_CASE("a batch never spans two files", "[commitlog]") {
  LogFixture log;
  REQUIRE(log.append("Orders", 0, {kQuarter, kQuarter}).has_value());
  const auto batch = log.append("Orders", 0, {kQuarter, kQuarter, kQuarter});
  REQUIRE(batch.has_value());
  CHECK(batch->begin == kFileSize);
  CHECK(batch->queue_offset == 2);
  CHECK(log.append("Orders", 0, {kQuarter, kQuarter, kQuarter, kQuarter, kQuarter}).error() == Errc::too_large);
}

TEST_CASE("a failed append moves no counter", "[commitlog]") {
  LogFixture log;
  REQUIRE(log.append("Orders", 0, {kQuarter, kQuarter}).has_value());
  const std::int64_t end = log->end();
  log.disk().refuse_space(true);
  CHECK(log.append("Orders", 0, {kQuarter, kQuarter, kQuarter}).error() == Errc::no_space);
  CHECK(log->end() == end);
  CHECK(log.append("Orders", 0, {"small enough"})->queue_offset == 2);  // What still fits is still taken.
  log.disk().refuse_space(false);
  const auto appended = log.append("Orders", 0, {kQuarter, kQuarter, kQuarter});
  REQUIRE(appended.has_value());
  CHECK(appended->queue_offset == 3);
  CHECK(log.bodies().size() == 6);
}

TEST_CASE("the log goes on where it ended", "[commitlog]") {
  LogFixture log;
  for (int i = 0; i < 10; ++i) REQUIRE(log.append("Orders", 0, {kQuarter}).has_value());
  const std::int64_t end = log->end();
  SECTION("after a stop") { log.reopen(); }
  SECTION("after a kill, which leaves a prepared file behind") { log.kill(); }
  CHECK(log->end() == end);
  CHECK(log.bodies().size() == 10);
  CHECK(log.append("Orders", 0, {"next"})->begin == end);
}

TEST_CASE("a prepared file that was not needed is gone after a stop", "[commitlog]") {
  LogFixture log;
  for (int i = 0; i < 3; ++i) REQUIRE(log.append("Orders", 0, {kQuarter}).has_value());  // Past the middle: the next file is being made.
  log.reopen();
  CHECK(log.disk().list("/log")->size() == 1);
}

TEST_CASE("flushed follows the end only by a flush", "[commitlog]") {
  LogFixture log(true);
  REQUIRE(log.append("Orders", 0, {kQuarter, kQuarter}).has_value());
  REQUIRE(log.append("Orders", 0, {kQuarter, kQuarter, kQuarter}).has_value());
  CHECK(log->flushed() == 0);
  CHECK(log->confirmed() == 0);
  const auto flushed = log->flush();
  REQUIRE(flushed.has_value());
  CHECK(*flushed == log->end());
  CHECK(log->confirmed() == log->end());
  CHECK(log->flush_count() == 2);  // Two files.
  CHECK(log->flush().has_value());
  CHECK(log->flush_count() == 2);  // There was nothing to do.
}

TEST_CASE("a failed flush leaves the log read only for good", "[commitlog]") {
  LogFixture log;
  REQUIRE(log.append("Orders", 0, {"a"}).has_value());
  log.disk().fail_flushes_of("/log/");
  CHECK(log->flush().error() == Errc::io_error);
  log.disk().fail_flushes_of("");
  CHECK(log->flush().error() == Errc::io_error);
  CHECK(log->flushed() == 0);
  CHECK(log.append("Orders", 0, {"b"}).error() == Errc::read_only);
  CHECK(log.bodies() == std::vector<std::string>{"a"});
}

TEST_CASE("bytes of a master are appended verbatim, wherever they are cut", "[commitlog]") {
  LogFixture master;
  for (int i = 0; i < 10; ++i) REQUIRE(master.append("Orders", 0, {kQuarter + std::to_string(i)}).has_value());
  const std::size_t piece = static_cast<std::size_t>(GENERATE(1000, 333, 4096));
  LogFixture replica;
  for (std::int64_t at = 0; at < master->end();) {
    const auto bytes = master->view_some(at, static_cast<std::int64_t>(piece), master->end());
    REQUIRE(bytes.has_value());
    REQUIRE(replica->append_raw(at, bytes->bytes).has_value());
    at += static_cast<std::int64_t>(bytes->bytes.size());
  }
  CHECK(replica->end() == master->end());
  CHECK(replica.bodies() == master.bodies());
  CHECK(replica->append_raw(master->end() + 1, "x").error() == Errc::out_of_range);
}

TEST_CASE("an empty log begins where a master's first bytes say", "[commitlog]") {
  LogFixture master;
  for (int i = 0; i < 10; ++i) REQUIRE(master.append("Orders", 0, {kQuarter}).has_value());
  LogFixture replica;
  const auto bytes = master->view_some(2 * kFileSize, kFileSize, master->end());
  REQUIRE(bytes.has_value());
  REQUIRE(replica->append_raw(2 * kFileSize, bytes->bytes).has_value());
  CHECK(replica->begin() == 2 * kFileSize);
  CHECK(replica->end() == master->end());
  replica.reopen();
  CHECK(replica->begin() == 2 * kFileSize);
  CHECK(replica->end() == master->end());
}

TEST_CASE("a slice outlives the file it is of", "[commitlog]") {
  LogFixture log;
  for (int i = 0; i < 6; ++i) REQUIRE(log.append("Orders", 0, {kQuarter}).has_value());
  const auto pinned = log->view(0, 100);
  REQUIRE(pinned.has_value());
  const std::string before(pinned->bytes);
  REQUIRE(log->remove_first_file().has_value());
  CHECK_FALSE(log.disk().exists("/log/00000000000000000000"));
  CHECK(pinned->bytes == before);
  CHECK(log->begin() == kFileSize);
  CHECK_FALSE(log->view(0, 100).has_value());
}

TEST_CASE("the last file is never removed", "[commitlog]") {
  LogFixture log;
  REQUIRE(log.append("Orders", 0, {"a"}).has_value());
  CHECK(log->remove_first_file().error() == Errc::not_found);
  CHECK(log.bodies().size() == 1);
}

TEST_CASE("store times never fall, whatever the clock does", "[commitlog]") {
  LogFixture log;
  const std::int64_t before = log.append("Orders", 0, {"a"})->store_timestamp;
  log.clock().advance(std::chrono::milliseconds(-1000));
  CHECK(log.append("Orders", 0, {"b"})->store_timestamp == before);
  log.reopen();
  CHECK(log.append("Orders", 0, {"c"})->store_timestamp == before);
}

TEST_CASE("behind an append for which the disk has no room the others of the call are not tried", "[commitlog]") {
  LogFixture log;
  REQUIRE(log.append("Orders", 0, {kQuarter, kQuarter}).has_value());
  const std::int64_t end = log->end();
  const auto together = [&](std::vector<std::string> bodies) {
    std::vector<EncodedRecords> several(bodies.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      RecordFields fields;
      fields.topic = "Orders";
      fields.body = bodies[i];
      several[i].add(fields);
    }
    std::vector<Result<AppendResult>> results(several.size());
    log->append_each(several, results);
    return results;
  };
  log.disk().refuse_space(true);
  auto results = together({std::string(LogFixture::kFileSize, 'x'), "fits", kQuarter + kQuarter + kQuarter, "not tried"});
  CHECK(results[0].error() == Errc::too_large);
  REQUIRE(results[1].has_value());
  CHECK(results[1]->begin == end);
  CHECK(results[1]->queue_offset == 2);
  CHECK(results[2].error() == Errc::no_space);
  CHECK(results[3].error() == Errc::no_space);
  CHECK(log->end() == results[1]->end);

  log.disk().refuse_space(false);
  results = together({kQuarter, "last"});
  CHECK(results[0]->queue_offset == 3);
  CHECK(results[1]->queue_offset == 4);
  CHECK(log.bodies() == std::vector<std::string>{kQuarter, kQuarter, "fits", kQuarter, "last"});
}

}  // namespace skylark::commitlog
