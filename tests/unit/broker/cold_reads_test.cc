// SPDX-License-Identifier: Apache-2.0
// Pulls of messages that are not in memory: read by workers, bounded, answered later.
#include "broker/cold_reads.h"

#include <condition_variable>

#include "broker/handlers/on_worker.h"
#include "tests/support/eventually.h"
#include "tests/unit/broker/core_fixture.h"

namespace skylark::broker {
namespace {

std::vector<RemotingCommand> await_answer(CoreFixture& fixture) {
  std::vector<RemotingCommand> sent;
  REQUIRE(eventually([&] {
    for (RemotingCommand& command : fixture.connection->take_sent()) sent.push_back(std::move(command));
    return !sent.empty();
  }));
  return sent;
}

}  // namespace

TEST_CASE("a pull of cold messages is answered by a worker", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  for (const char* body : {"a", "b"}) fixture.send_message(fixture.send_header(), body);
  fixture.store.cold = true;
  fixture.cold_reads.start();
  auto header = fixture.pull_header(0, pull_flag::kSubscription | pull_flag::kCommitOffset);
  header.commit_offset = 7;
  CHECK_FALSE(fixture.start_pull(header).has_response());
  const auto sent = await_answer(fixture);
  REQUIRE(sent.size() == 1);
  CHECK(code_of(sent[0]) == ResponseCode::success);
  CHECK(sent[0].ext.integer("nextBeginOffset") == 2);
  CHECK(fixture.offsets.query("G", "T", 0) == 7);
  fixture.cold_reads.stop();
}

TEST_CASE("a pull of cold messages is refused when the workers take no more", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  fixture.send_message(fixture.send_header(), "a");
  fixture.store.cold = true;
  const auto response = fixture.pull_now(fixture.pull_header(0));  // They were not started.
  CHECK(code_of(response) == ResponseCode::system_busy);
  CHECK(response.remark == "[OVERLOAD]system busy, start flow control for a while");
}

TEST_CASE("each outcome of a read has its code", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  fixture.send_message(fixture.send_header(), "a");
  struct Row {
    GetStatus status;
    std::int64_t offset;
    ResponseCode code;
    const char* remark;
  };
  const auto row = GENERATE(
      Row{GetStatus::no_matched_message, 0, ResponseCode::pull_retry_immediately, "NO_MATCHED_MESSAGE"},
      Row{GetStatus::message_was_removing, 0, ResponseCode::pull_retry_immediately, "MESSAGE_WAS_REMOVING"},
      Row{GetStatus::offset_found_null, 0, ResponseCode::pull_not_found, "OFFSET_FOUND_NULL"},
      Row{GetStatus::offset_overflow_badly, 0, ResponseCode::pull_offset_moved, "OFFSET_OVERFLOW_BADLY"},
      Row{GetStatus::offset_overflow_one, 0, ResponseCode::pull_not_found, "OFFSET_OVERFLOW_ONE"},
      Row{GetStatus::offset_too_small, 0, ResponseCode::pull_offset_moved, "OFFSET_TOO_SMALL"},
      Row{GetStatus::no_matched_logic_queue, 0, ResponseCode::pull_not_found, "NO_MATCHED_LOGIC_QUEUE"},
      Row{GetStatus::no_matched_logic_queue, 1, ResponseCode::pull_offset_moved, "NO_MATCHED_LOGIC_QUEUE"},
      Row{GetStatus::no_message_in_queue, 0, ResponseCode::pull_not_found, "NO_MESSAGE_IN_QUEUE"},
      Row{GetStatus::no_message_in_queue, 1, ResponseCode::pull_offset_moved, "NO_MESSAGE_IN_QUEUE"},
      Row{GetStatus::read_failed, 0, ResponseCode::system_error, "the message at offset 0 of queue 0 of T cannot be read from disk"});
  fixture.store.next_status = row.status;
  const auto response = fixture.pull_now(fixture.pull_header(row.offset));
  CHECK(code_of(response) == row.code);
  CHECK(response.remark == row.remark);
}

TEST_CASE("what waits for a worker is bounded, and so are bytes that are not sent", "[broker][pull]") {
  ColdReads reads({.threads = 1, .waiting_max = 2, .bytes_max = 10});
  std::mutex mutex;
  std::condition_variable changed;
  bool running = false;
  bool go_on = false;
  const auto block = [&] {
    std::unique_lock lock(mutex);
    running = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
  };
  CHECK_FALSE(reads.submit([] {}));  // Not started.
  reads.start();
  REQUIRE(reads.submit(block));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return running; });
  }
  std::atomic<int> done{0};
  CHECK(reads.submit([&] { ++done; }));
  CHECK(reads.submit([&] { ++done; }));
  CHECK_FALSE(reads.submit([&] { ++done; }));
  {
    const std::scoped_lock lock(mutex);
    go_on = true;
    changed.notify_all();
  }
  CHECK(eventually([&] { return done == 2; }));

  const auto bytes = std::make_shared<const std::string>("ten bytes!");
  std::vector<PinnedSlice> slices{{*bytes, bytes}};
  reads.count(slices);
  CHECK(reads.bytes() == 10);
  CHECK_FALSE(reads.submit([] {}));
  slices.clear();
  CHECK(reads.bytes() == 0);
  CHECK(reads.submit([] {}));
  reads.stop();
  CHECK_FALSE(reads.submit([] {}));
}

TEST_CASE("a handler on a worker answers the request that it was given", "[broker][pull]") {
  ColdReads reads({.threads = 1});
  const auto connection = std::make_shared<remoting::FakeConnection>();
  const HandlerFunction echo = on_worker(reads, [](RemotingCommand& request, const remoting::ConnectionPtr&) {
    return remoting::Reply(answer(request, ResponseCode::success, std::string(request.body.view())));
  });
  RemotingCommand request;
  request.opaque = 17;
  request.body = Body(std::string("hello"));
  SECTION("started") {
    reads.start();
    CHECK_FALSE(echo(request, connection).has_response());
    std::vector<RemotingCommand> sent;
    REQUIRE(eventually([&] {
      sent = connection->take_sent();
      return !sent.empty();
    }));
    CHECK(sent[0].opaque == 17);
    CHECK(sent[0].remark == "hello");
    reads.stop();
  }
  SECTION("full") {
    auto reply = echo(request, connection);
    REQUIRE(reply.has_response());
    CHECK(code_of(reply.take()) == ResponseCode::system_busy);
  }
}

}  // namespace skylark::broker
