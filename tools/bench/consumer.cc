// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/consumer.h"

#include <algorithm>

#include <fmt/format.h>

#include "protocol/response_code.h"
#include "tools/bench/records.h"
#include "tools/bench/sender.h"
#include "tools/bench/topics.h"

namespace skylark::bench {

namespace {

constexpr std::int64_t kHoldMs = 15'000;              // As the Java client asks: brokerSuspendMaxTimeMillis.
constexpr std::int64_t kWatchesMax = 20'000'000;      // 24 bytes each.
constexpr std::int32_t kCommitNumbers = 500'000'000;  // Numbers of commits, above those of pulls.

}  // namespace

Consumer::Consumer(EventLoop& loop, const Options& options, std::int32_t connections, Reading reading)
    : loop_(loop), options_(options), reading_(reading), pulls_(make_pulls(options, kHoldMs)), commit_requests_(make_commits(options)) {
  const std::int64_t count = std::int64_t{options_.topics} * options_.queues * options_.groups;
  if (count > kWatchesMax)
    throw BenchError(fmt::format("{} queues read by groups are more than the {} there is room for", count, kWatchesMax));
  Connection asking(options_.host, options_.port);
  const std::vector<std::int64_t> ends = queue_ends(asking, options_);
  channels_ = loop_.connect(*this, connections);
  watches_.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    Watch& watch = watches_[i];
    watch.end = ends[i % ends.size()];
    watch.next = watch.committed = reading_ == Reading::live ? watch.end : 0;
  }
}

void Consumer::begin(std::int64_t now_ns) {
  for (std::size_t watch = 0; watch < watches_.size(); ++watch) pull(watch);
  commits_due_.emplace(now_ns + options_.commit_interval_ms * 1'000'000, 1e3 / static_cast<double>(options_.commit_interval_ms));
}

/// Watches are ordered by group, then topic, then queue.
const RequestTemplate& Consumer::of_topic(const std::vector<RequestTemplate>& requests, std::size_t watch) const {
  return requests[watch / static_cast<std::size_t>(options_.queues) % requests.size()];
}

void Consumer::write_place(const RequestTemplate& request, char* copy, std::size_t watch) const {
  const auto queues = static_cast<std::size_t>(options_.queues);
  request.queue.write(copy, static_cast<std::int32_t>(watch % queues));
  request.offset.write(copy, static_cast<std::int32_t>(watches_[watch].next));
  write_group(copy + request.group_at, static_cast<std::int32_t>(watch / queues / pulls_.size()));
}

void Consumer::pull(std::size_t watch) {
  const RequestTemplate& request = of_topic(pulls_, watch);
  write_place(request, loop_.send(*channels_[watch % channels_.size()], request, static_cast<std::int32_t>(watch)), watch);
}

void Consumer::commit(std::size_t watch) {
  const RequestTemplate& request = of_topic(commit_requests_, watch);
  const auto number = kCommitNumbers + static_cast<std::int32_t>(watch);
  write_place(request, loop_.send(*channels_[watch % channels_.size()], request, number), watch);
  watches_[watch].committed = watches_[watch].next;
  ++open_commits_;
}

void Consumer::on_answer(Channel&, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) {
  if (number >= kCommitNumbers) {
    --open_commits_;
    if (answer.code == 0)
      ++commits_;
    else
      loop_.count(answer, false, 0);
    return;
  }
  const auto watch = static_cast<std::size_t>(number);
  if (watch >= watches_.size()) throw BenchError("an answer to no request");
  on_pulled(watch, answer, frame, now_ns);
  if (!loop_.stopping() || (reading_ == Reading::live && !drained())) pull(watch);
}

void Consumer::on_pulled(std::size_t index, const Answer& answer, std::string_view frame, std::int64_t now_ns) {
  Watch& watch = watches_[index];
  std::int64_t found = 0;
  switch (static_cast<ResponseCode>(answer.code)) {
    case ResponseCode::success:
      for_each_record(frame, [&](const Record& record) {
        watch.next = record.queue_offset + 1;
        on_message(record.body, now_ns);
        ++found;
      });
      break;
    case ResponseCode::pull_retry_immediately:
    case ResponseCode::pull_offset_moved:
      if (const auto command = decode_frame(frame)) watch.next = command->ext.integer("nextBeginOffset").value_or(watch.next);
      break;
    case ResponseCode::pull_not_found: break;
    default: loop_.count(answer, false, 0); return;
  }
  if (reading_ == Reading::laps && watch.next >= watch.end) watch.next = 0;
  delivered_total_ += found;
  if (loop_.measuring()) delivered_ += found;
  if (reading_ == Reading::laps && found > 0) loop_.count(answer, true, found);
  if (loop_.stopping() && reading_ == Reading::live && found > 0) {
    loop_.progressed(now_ns);
    commit(index);
  }
}

void Consumer::on_message(std::string_view body, std::int64_t now_ns) {
  const auto stamp = read_stamp(body);
  if (stamp && *stamp >= loop_.measure_from_ns() && *stamp < measured_until_ns_)
    arrivals_.record(now_ns - *stamp - options_.delay_ms * 1'000'000);
}

void Consumer::on_due(std::int64_t now_ns) {
  while (commits_due_->is_due(now_ns)) commits_due_->take();
  if (open_commits_ == 0) commit_moved();
}

void Consumer::commit_moved() {
  for (std::size_t watch = 0; watch < watches_.size(); ++watch) {
    if (watches_[watch].next != watches_[watch].committed) commit(watch);
  }
}

void Consumer::stop() {
  measured_until_ns_ = now_ns();
  commit_moved();
}

bool Consumer::drained() const { return open_commits_ == 0 && (!expected_ || delivered_total_ >= expected_() * options_.groups); }

void Consumer::report(const char* arrival_name) const {
  Measurement& measured = loop_.measured();
  measured.add("delivered", delivered_);
  measured.add("deliveredTotal", delivered_total_);
  if (measured.seconds > 0) measured.add("deliveredRate", static_cast<double>(delivered_) / measured.seconds);
  measured.add("commits", commits_);
  if (arrivals_.count() > 0) measured.times.emplace_back(arrival_name, arrivals_);
}

}  // namespace skylark::bench
