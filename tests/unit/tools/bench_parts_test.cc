// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "protocol/bodies/register_broker_body.h"
#include "protocol/message.h"
#include "tests/support/catch.h"
#include "tools/bench/instruction_counter.h"
#include "tools/bench/limits.h"
#include "tools/bench/process_watch.h"
#include "tools/bench/records.h"
#include "tools/bench/schedule.h"
#include "tools/bench/sender.h"
#include "tools/bench/simulated_brokers.h"

using namespace skylark;
using namespace skylark::bench;

TEST_CASE("a schedule keeps its times, however late it is asked", "[tools][bench]") {
  Schedule schedule(5'000, 1'000'000.0 / 3);  // One in 3 us.
  CHECK_FALSE(schedule.is_due(4'999));
  CHECK(schedule.is_due(5'000));
  CHECK(schedule.take() == 5'000);
  CHECK_FALSE(schedule.is_due(7'999));
  CHECK(schedule.is_due(1'000'000));
  CHECK(schedule.take() == 8'000);
  CHECK(schedule.take() == 11'000);
  CHECK(schedule.next_ns() == 14'000);
}

TEST_CASE("a schedule does not drift when its step is no whole number", "[tools][bench]") {
  Schedule schedule(0, 700);
  for (int i = 0; i < 700; ++i) (void)schedule.take();
  CHECK(schedule.next_ns() == 1'000'000'000);
}

TEST_CASE("a share is spread evenly", "[tools][bench]") {
  const int percent = GENERATE(0, 1, 10, 33, 50, 100);
  Share share(percent);
  int taken = 0;
  for (int i = 1; i <= 300; ++i) {
    if (share.next()) ++taken;
    CHECK(taken == i * percent / 100);
  }
}

TEST_CASE("a body tells its stamp, and one without tells none", "[tools][bench]") {
  std::string body(20, 'b');
  CHECK_FALSE(read_stamp(body));
  write_stamp(body.data(), 77'000'000'001);
  CHECK(read_stamp(body) == 77'000'000'001);
  CHECK_FALSE(read_stamp(std::string_view(body).substr(0, 15)));
}

TEST_CASE("records of an answer give offset and body, whatever the kind of their addresses", "[tools][bench]") {
  std::string records;
  const std::vector<std::pair<std::string, std::string>> hosts{{"127.0.0.1:1", "127.0.0.1:2"},
                                                               {"[2001:db8::1]:1", "127.0.0.1:2"},
                                                               {"127.0.0.1:1", "[2001:db8::1]:2"},
                                                               {"[2001:db8::1]:1", "[2001:db8::1]:2"}};
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    RecordFields fields;
    fields.queue_offset = 40 + static_cast<std::int64_t>(i);
    fields.born_host = *Host::parse(hosts[i].first);
    fields.store_host = *Host::parse(hosts[i].second);
    const std::string body = "body " + std::to_string(i);
    fields.body = body;
    fields.topic = "T";
    encode_record(fields, records);
  }
  const std::string frame = std::string("\0\0\0\2{}", 6) + records;
  std::vector<std::string> seen;
  for_each_record(frame,
                  [&](const Record& record) { seen.push_back(std::to_string(record.queue_offset) + ' ' + std::string(record.body)); });
  CHECK(seen == std::vector<std::string>{"40 body 0", "41 body 1", "42 body 2", "43 body 3"});

  for (const std::size_t cut : {1u, 50u, 200u}) {
    CHECK_THROWS_AS(for_each_record(frame.substr(0, frame.size() - cut), [](const Record&) {}), BenchError);
  }
}

TEST_CASE("each topic is on as many brokers as it is spread over, and all brokers hold as many", "[tools][bench]") {
  Options options;
  options.brokers = GENERATE(1, 3, 10, 1000);
  options.spread = GENERATE(1, 2, 4);
  options.topics = GENERATE(1, 7, 100, 1000);
  if (options.spread > options.brokers) return;
  std::map<std::int32_t, int> brokers_of_topic;
  std::size_t fewest = SIZE_MAX;
  std::size_t most = 0;
  for (std::int32_t broker = 0; broker < options.brokers; ++broker) {
    const auto topics = topics_of_broker(options, broker);
    fewest = std::min(fewest, topics.size());
    most = std::max(most, topics.size());
    for (const auto topic : topics) ++brokers_of_topic[topic];
  }
  CHECK(most - fewest <= 1);
  REQUIRE(brokers_of_topic.size() == static_cast<std::size_t>(options.topics));
  CHECK(std::all_of(brokers_of_topic.begin(), brokers_of_topic.end(), [&](const auto& entry) { return entry.second == options.spread; }));
}

TEST_CASE("a simulated broker registers the topics that it holds", "[tools][bench]") {
  Options options;
  options.brokers = 5;
  options.topics = 10;
  options.queues = 6;
  const RemotingCommand request = make_registration(options, 4);
  CHECK(request.ext.text("brokerName") == "simulated-4");
  const auto body = decode_register_broker_body(request.body.view(), false, kProtocolVersion);
  REQUIRE(body);
  CHECK(body->topics.topics.size() == 4);
  CHECK(body->topics.topics.begin()->second.write_queues == 6);
}

TEST_CASE("the total of strace is read with and without its column of errors", "[tools][bench]") {
  const std::string head =
      "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ------\n";
  CHECK(total_calls(
            head + " 60.00    0.000006           3         2           read\n100.00    0.000010           2         5         1 total\n") ==
        5);
  CHECK(total_calls(head + "100.00    0.000010           2      1234           total\n") == 1234);
  CHECK_FALSE(total_calls("strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted\n"));
  CHECK_FALSE(total_calls(""));
}

TEST_CASE("a watch gives what a process used in between, and nothing without one", "[tools][bench]") {
  ProcessWatch none(0, false);
  none.begin();
  CHECK_FALSE(none.end());

  ProcessWatch watch(getpid(), false);
  watch.begin();
  std::uint64_t work = 1;
  while (read_process(getpid()).cpu_seconds < 0.02) work = work * 6364136223846793005u + 1;
  CHECK(work != 0);
  for (int i = 0; i < 100; ++i) (void)read_process(getpid());
  const auto cost = watch.end();
  REQUIRE(cost);
  CHECK(cost->cpu_seconds > 0);
  CHECK(cost->read_write_calls >= 100);
  CHECK_FALSE(cost->system_calls);
  CHECK(cost->rss_anonymous_bytes > 0);
  if (cost->instructions) CHECK(*cost->instructions > 0);
  CHECK_THROWS_AS(ProcessWatch(0x7FFFFFF0, false), BenchError);
}

TEST_CASE("connections that the machine does not allow are refused with both numbers", "[tools][bench]") {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  require_descriptors(10);
  CHECK_THROWS_WITH(require_descriptors(std::int64_t{1} << 40), Catch::Contains("1099511627776 connections need"));
}
