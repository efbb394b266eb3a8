// SPDX-License-Identifier: Apache-2.0
// Runs each measured path a number of times and prints, one JSON object a line, what it allocated. Under callgrind with
// --toggle-collect=guard_measured --dump-after=guard_measured the dumps come in the order of these lines. With the name of a path that one
// alone runs, in many rounds, and the least time of the processor that a request took is printed: what instructions do not tell, stalls
// above all. See ../README.md.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include "tests/bench/guard/counted_new.h"
#include "tests/bench/guard/rig.h"

namespace skylark::guard {

struct Path {
  const char* name;
  std::function<void()> once;
};

}  // namespace skylark::guard

/// What is counted; one name that callgrind can find.
extern "C" [[gnu::noinline, gnu::used]] void guard_measured(const skylark::guard::Path& path, int times) {
  for (int i = 0; i < times; ++i) path.once();
  asm volatile("" ::: "memory");  // No tail call: callgrind must see the return.
}

namespace skylark::guard {
namespace {

constexpr int kWarmUp = 200;  // Caches of threads, maps and buffers have grown by then.

void count_it(const Path& path, int times) {
  for (int i = 0; i < kWarmUp; ++i) path.once();
  const Allocations before = allocations_of_this_thread();
  guard_measured(path, times);
  const Allocations after = allocations_of_this_thread();
  std::printf("{\"path\": \"%s\", \"times\": %d, \"allocations\": %lld, \"bytes\": %lld, \"compiler\": %d}\n", path.name, times,
              static_cast<long long>(after.count - before.count), static_cast<long long>(after.bytes - before.bytes), __GNUC__);
}

std::int64_t processor_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void time_it(const Path& path, int times) {
  constexpr int kRounds = 50;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t begin = processor_ns();
    guard_measured(path, times);
    least = std::min(least, processor_ns() - begin);
  }
  std::printf("{\"path\": \"%s\", \"nanoseconds\": %lld}\n", path.name, static_cast<long long>(least / times));
}

/// Sends to each of many topics in turn, all of which have had a message before: what is looked up by topic is in no cache.
void measure_many_topics(RequestRig& rig, const std::function<void(const Path&, int)>& measure, int times) {
  constexpr int kTopics = 10'000;
  constexpr int kStride = 7'919;  // A prime: tables do not meet the topics in the order in which they were made.
  std::string name = "GuardTopicOfMany00000";
  std::string frame = RequestRig::send_frame(Codec::rocketmq, name);
  const std::size_t at = frame.find(name);
  // One frame for all, which is in the cache like one that was just received.
  const auto send = [&](int number) {
    for (std::size_t digit = name.size(); number > 0; number /= 10) name[--digit] = static_cast<char>('0' + number % 10);
    frame.replace(at, name.size(), name);
    rig.serve(frame);
  };
  constexpr int kFirst = 10'000;  // Five digits each.
  for (int i = 0; i < kTopics; ++i) rig.add_topic("GuardTopicOfMany" + std::to_string(kFirst + i));
  for (int i = 0; i < kTopics; ++i) send(kFirst + i);
  int next = 0;
  measure({"send-many-topics", [&] { send(kFirst + (next = (next + kStride) % kTopics)); }}, times);
}

/// `only`: name of the path to be timed; empty: all are counted.
void run(int times, std::string_view only) {
  bool timed = false;
  const auto measure = [&](const Path& path, int count) {
    if (only.empty()) return count_it(path, count);
    if (only != path.name) return;
    time_it(path, count);
    timed = true;
  };
  RequestRig rig;
  IndexRig index;
  const std::string json = RequestRig::send_frame(Codec::json);
  const std::string rocketmq = RequestRig::send_frame(Codec::rocketmq);
  const std::string flatbuffers = RequestRig::send_frame(Codec::flatbuffers);
  measure({"send-json", [&] { rig.serve(json); }}, times);
  measure({"send-rocketmq", [&] { rig.serve(rocketmq); }}, times);
  measure({"send-flatbuffers", [&] { rig.serve(flatbuffers); }}, times);
  // A path made dearer on purpose: the header is decoded a second time and every field copied.
  measure({"planted-send-json",
           [&] {
             auto again = decode_frame(json);
             again->own();
             rig.serve(json);
           }},
          times);
  constexpr std::int64_t kPulled = 32;
  if (!only.empty()) {
    for (std::int64_t i = 0; i < kPulled; ++i) rig.serve(json);
  }
  rig.wait_until_readable(kPulled);
  const std::string pull_json = RequestRig::pull_frame(Codec::json);
  const std::string pull_rocketmq = RequestRig::pull_frame(Codec::rocketmq);
  measure({"pull-32-json", [&] { rig.serve(pull_json); }}, times);
  measure({"pull-32-rocketmq", [&] { rig.serve(pull_rocketmq); }}, times);
  if (only.empty() || only == "send-many-topics") measure_many_topics(rig, measure, times);
  measure({"index", [&] { index.add(); }}, times);
  if (!only.empty() && !timed) throw std::invalid_argument("there is no path of that name");
}

}  // namespace
}  // namespace skylark::guard

int main(int count, char** words) {
  const int times = count == 2 || count == 3 ? std::atoi(words[1]) : 0;
  if (times < 1 || times > 2'000) {
    std::fputs("usage: guard_bench TIMES (1 to 2000) [PATH]\n", stderr);
    return 2;
  }
  try {
    skylark::guard::run(times, count == 3 ? words[2] : "");
  } catch (const std::exception& thrown) {
    std::fprintf(stderr, "guard_bench: %s\n", thrown.what());
    return 1;
  }
  return 0;
}
