// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

#include "protocol/offset_headers.h"
#include "protocol/pull_headers.h"
#include "protocol/send_headers.h"
#include "tests/support/catch.h"
#include "tools/bench/frame_template.h"
#include "tools/bench/histogram.h"
#include "tools/bench/options.h"
#include "tools/bench/process_figures.h"
#include "tools/bench/report.h"
#include "tools/bench/requests.h"
#include "tools/bench/sender.h"

using namespace skylark;
using namespace skylark::bench;

namespace {

Options parse(std::initializer_list<const char*> arguments) {
  std::vector<const char*> argv{"mqbench"};
  argv.insert(argv.end(), arguments);
  Options options;
  const bool wants_run = parse_options(static_cast<int>(argv.size()), argv.data(), options);
  REQUIRE(wants_run);
  return options;
}

/// The frame as the broker decodes it; the length word must match.
RemotingCommand decode(const std::string& frame) {
  auto command = decode_frame(std::string_view(frame).substr(4));
  REQUIRE(command);
  return std::move(*command);
}

}  // namespace

TEST_CASE("an empty histogram answers zero everywhere", "[tools][bench]") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.percentile_ns(99) == 0);
  CHECK(histogram.mean_ns() == 0.0);
  CHECK(histogram.max_ns() == 0);
}

TEST_CASE("small values are counted exactly", "[tools][bench]") {
  Histogram histogram;
  for (int value = 1; value <= 100; ++value) histogram.record(value);
  CHECK(histogram.percentile_ns(0) == 1);
  CHECK(histogram.percentile_ns(50) == 50);
  CHECK(histogram.percentile_ns(99) == 99);
  CHECK(histogram.percentile_ns(100) == 100);
  CHECK(histogram.mean_ns() == Approx(50.5));
}

TEST_CASE("percentiles of a histogram stay within 0.8 % above those of the sorted values", "[tools][bench]") {
  std::mt19937_64 random(20240607);
  std::lognormal_distribution<double> durations(11.0, 2.5);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<std::int64_t>(durations(random)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(percent / 100.0 * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[rank - 1]);
    CHECK(static_cast<double>(histogram.percentile_ns(percent)) >= exact);
    CHECK(static_cast<double>(histogram.percentile_ns(percent)) <= exact * 1.008 + 1);
  }
  CHECK(histogram.max_ns() == values.back());
}

TEST_CASE("values out of range count as the smallest and the largest", "[tools][bench]") {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(INT64_MAX);
  CHECK(histogram.count() == 2);
  CHECK(histogram.percentile_ns(50) == 0);
  CHECK(histogram.max_ns() == (std::int64_t{1} << 40) - 1);
  CHECK(histogram.percentile_ns(100) == histogram.max_ns());
}

TEST_CASE("a merged histogram equals one that saw all values", "[tools][bench]") {
  Histogram first, second, whole;
  for (int value = 0; value < 10'000; value += 7) (value % 2 == 0 ? first : second).record(value * 1000), whole.record(value * 1000);
  first.merge(second);
  CHECK(first.count() == whole.count());
  CHECK(first.percentile_ns(90) == whole.percentile_ns(90));
  CHECK(first.max_ns() == whole.max_ns());
}

TEST_CASE("flags choose the load", "[tools][bench]") {
  const Options produce = parse({"produce", "-b", "localhost:1234", "--codec", "rocketmq", "--queues", "8", "--count", "10", "-o", "json"});
  CHECK(produce.load == "produce");
  CHECK(produce.host == "localhost");
  CHECK(produce.port == 1234);
  CHECK(produce.codec == Codec::rocketmq);
  CHECK(produce.queues == 8);
  CHECK(produce.count == 10);
  CHECK(produce.json);
  CHECK(produce.create_topics);
  CHECK_FALSE(parse({"produce", "--no-create"}).create_topics);
  CHECK(parse({"pull", "--batch", "16"}).batch == 16);
}

TEST_CASE("latency has one connection with one request in flight", "[tools][bench]") {
  CHECK(parse({"latency"}).in_flight == 1);
  CHECK(parse({"latency"}).connections == 1);
  CHECK(parse({"latency", "--rate", "500"}).rate == 500);
}

TEST_CASE("loads with a schedule have one, and their bodies have room for the time", "[tools][bench]") {
  CHECK(parse({"e2e"}).rate == 1000);
  CHECK(parse({"e2e"}).connections == 1);
  CHECK(parse({"e2e", "--rate", "20", "--connections", "3"}).rate == 20);
  CHECK(parse({"produce"}).rate == 0);
  CHECK_THROWS_AS(parse({"e2e", "--size", "15"}), UsageError);
}

TEST_CASE("a delay is warmed up until as many messages arrive as are sent", "[tools][bench]") {
  CHECK(parse({"delay", "--level", "3"}).delay_ms == 10'000);
  CHECK(parse({"delay", "--level", "3"}).warm_up_seconds == 11.0);
  CHECK(parse({"delay", "--level", "2", "--levels", "1s 2m"}).delay_ms == 120'000);
  CHECK(parse({"delay", "--warm-up", "0.5"}).warm_up_seconds == 0.5);
  CHECK(parse({"e2e"}).delay_ms == 0);
  CHECK_THROWS_AS(parse({"delay", "--level", "3", "--levels", "1s 2m"}), UsageError);
  CHECK_THROWS_AS(parse({"delay", "--levels", "soon"}), UsageError);
  CHECK_THROWS_AS(parse({"delay", "--levels", "10"}), UsageError);
}

TEST_CASE("a ratio shares out the connections and leaves both sides one", "[tools][bench]") {
  CHECK(split_connections(16, "1:3").producers == 4);
  CHECK(split_connections(16, "1:3").consumers == 12);
  CHECK(split_connections(2, "1:100").producers == 1);
  CHECK(split_connections(3, "100:1").consumers == 1);
  CHECK(parse({"mixed", "--connections", "8", "--ratio", "3:1"}).consumer_connections == 2);
  for (const char* ratio : {"", "1", "1:", ":1", "0:1", "1:0", "a:b", "1:2:3", "1:2 "}) {
    CAPTURE(ratio);
    CHECK_THROWS_AS(split_connections(16, ratio), UsageError);
  }
  CHECK_THROWS_AS(split_connections(1, "1:1"), UsageError);
}

TEST_CASE("bad flags are refused with one line", "[tools][bench]") {
  const std::vector<std::vector<const char*>> refused{
      {"mqbench"},
      {"mqbench", "consume-nothing"},
      {"mqbench", "produce", "--no-such-flag"},
      {"mqbench", "produce", "--connections", "0"},
      {"mqbench", "produce", "--size", "many"},
      {"mqbench", "produce", "--codec", "xml"},
      {"mqbench", "produce", "-o", "yaml"},
      {"mqbench", "produce", "--broker", "localhost"},
      {"mqbench", "produce", "--broker", ":10911"},
      {"mqbench", "produce", "--broker", "localhost:0"},
      {"mqbench", "produce", "--broker", "localhost:70000"},
      {"mqbench", "produce", "--seconds", "-1"},
      {"mqbench", "latency", "--rate", "0"},
      {"mqbench", "nameserver"},
      {"mqbench", "nameserver", "-n", "localhost"},
      {"mqbench", "nameserver", "-n", "localhost:9876", "--brokers", "2", "--spread", "3"},
      {"mqbench", "produce", "--trace-system-calls"},
  };
  for (const auto& argv : refused) {
    Options options;
    CAPTURE(argv.back());
    CHECK_THROWS_AS(parse_options(static_cast<int>(argv.size()), argv.data(), options), UsageError);
  }
}

TEST_CASE("a send encoded once carries what is written into its copies", "[tools][bench]") {
  Options options;
  options.codec = GENERATE(Codec::json, Codec::rocketmq, Codec::flatbuffers);
  options.topics = 2;
  const auto sends = make_sends(options, {.sys_flag = 4, .properties = "DELAY\x01""1\x02"});
  REQUIRE(sends.size() == 2);
  std::string copy = sends[1].frame;
  sends[1].opaque.write(copy.data(), kOpaqueBase + 12'345);
  sends[1].queue.write(copy.data(), 2);
  write_key(copy.data() + sends[1].key_at, 0xBEEF);
  write_stamp(copy.data() + sends[1].body_at, 1234);

  const RemotingCommand command = decode(copy);
  CHECK(command.opaque == kOpaqueBase + 12'345);
  CHECK(command.codec == options.codec);
  CHECK(command.body.size() == 128);
  CHECK(read_stamp(command.body.view()) == 1234);
  const auto header = decode_header<SendMessageRequestHeader>(command, FieldNames::short_form);
  REQUIRE(header);
  CHECK(header->topic == "SkylarkBench1");
  CHECK(header->queue_id == 2);
  CHECK(header->sys_flag == 4);
  CHECK(header->properties == "DELAY\x01""1\x02UNIQ_KEY\x01""7F00000100000000000000000000BEEF\x02WAIT\x01true");
}

TEST_CASE("a pull encoded once carries what is written into its copies", "[tools][bench]") {
  Options options;
  options.codec = GENERATE(Codec::json, Codec::rocketmq, Codec::flatbuffers);
  const auto pulls = make_pulls(options, 15'000);
  REQUIRE(pulls.size() == 1);
  std::string copy = pulls[0].frame;
  pulls[0].opaque.write(copy.data(), kOpaqueBase + 7);
  pulls[0].queue.write(copy.data(), 1);
  pulls[0].offset.write(copy.data(), 4711);
  write_group(copy.data() + pulls[0].group_at, 42);

  const RemotingCommand command = decode(copy);
  CHECK(command.opaque == kOpaqueBase + 7);
  const auto header = decode_header<PullMessageRequestHeader>(command);
  REQUIRE(header);
  CHECK(header->consumer_group == group_name(42));
  CHECK(header->queue_offset == 4711);
  CHECK(header->queue_id == 1);
  CHECK(header->message_count_max == 32);
  CHECK((header->sys_flag & pull_flag::kSuspend) != 0);
  CHECK(header->suspend_timeout_ms == 15'000);
}

TEST_CASE("a commit encoded once carries what is written into its copies", "[tools][bench]") {
  Options options;
  options.codec = GENERATE(Codec::json, Codec::rocketmq, Codec::flatbuffers);
  const auto commits = make_commits(options);
  std::string copy = commits[0].frame;
  commits[0].queue.write(copy.data(), 3);
  commits[0].offset.write(copy.data(), 99);
  write_group(copy.data() + commits[0].group_at, 99'999);
  const RemotingCommand command = decode(copy);
  const auto header = decode_header<UpdateConsumerOffsetRequestHeader>(command);
  REQUIRE(header);
  CHECK(header->consumer_group == "skylark_bench_99999");
  CHECK(header->queue_id == 3);
  CHECK(header->commit_offset == 99);
}

TEST_CASE("code and opaque of an answer are read in every codec, and requests are none", "[tools][bench]") {
  RemotingCommand request;
  request.codec = GENERATE(Codec::json, Codec::rocketmq, Codec::flatbuffers);
  request.opaque = kOpaqueBase + 99;
  RemotingCommand answer = make_response(request, 14, "\"code\":1,\"opaque\":2,\"flag\":0");
  answer.ext.add_view("msgId", "\"opaque\":5");
  std::string frame;
  encode_frame(answer, frame);
  const auto seen = peek_answer(std::string_view(frame).substr(4));
  REQUIRE(seen);
  CHECK(seen->code == 14);
  CHECK(seen->opaque == kOpaqueBase + 99);

  frame.clear();
  encode_frame(request, frame);
  CHECK_FALSE(peek_answer(std::string_view(frame).substr(4)));
  CHECK_FALSE(peek_answer("abc"));
}

TEST_CASE("a process is read from /proc, and one that is not there is an error", "[tools][bench]") {
  const ProcessFigures figures = read_process(getpid());
  CHECK(figures.rss_anonymous_bytes > 0);
  CHECK(figures.context_switches >= 0);
  CHECK_THROWS_AS(read_process(0x7FFFFFF0), BenchError);
}

TEST_CASE("costs are given for each message, and what was not counted is said", "[tools][bench]") {
  Options options;
  Measurement measured;
  measured.seconds = 2;
  measured.requests = measured.messages = 1000;
  measured.add("deliveredTotal", 3000);
  CHECK(to_table(options, measured).find("server") == std::string::npos);
  CHECK(to_json(options, measured).find("broker") == std::string::npos);
  measured.server = ServerCost{};
  measured.server->cpu_seconds = 0.5;
  measured.server->read_write_calls = 250;
  const std::string json = to_json(options, measured);
  CHECK(json.find("\"rate\":500,") != std::string::npos);
  CHECK(json.find("\"cpuUs\":500.0000,") != std::string::npos);
  CHECK(json.find("\"readWriteCalls\":0.25000,") != std::string::npos);
  CHECK(json.find("\"instructions\":null") != std::string::npos);
  CHECK(json.find("\"deliveredTotal\":3000,") != std::string::npos);
  const std::string table = to_table(options, measured);
  CHECK(table.find("500.000 us a message") != std::string::npos);
  CHECK(table.find("not available") != std::string::npos);
  CHECK(table.find("delivered total") != std::string::npos);
  measured.server->instructions = 4'000'000;
  CHECK(to_json(options, measured).find("\"instructions\":4000.0000") != std::string::npos);
}
