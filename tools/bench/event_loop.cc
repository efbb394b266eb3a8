// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/event_loop.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "tools/bench/limits.h"

namespace skylark::bench {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTick = kSecond / 10;      // The loop looks at the clock that often at least.
constexpr std::int64_t kSpin = 60'000;            // A sleep may end that much late: what is due sooner is waited for awake.
constexpr std::int64_t kPatience = 30 * kSecond;  // Without any progress at the end of a run.

double own_cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

}  // namespace

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

EventLoop::EventLoop(const Options& options)
    : options_(options), watch_(options.broker_pid, options.trace_system_calls), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw BenchError("no epoll");
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

EventLoop::~EventLoop() {
  if (epoll_ >= 0) ::close(epoll_);
}

std::vector<Channel*> EventLoop::connect(Load& load, std::int32_t count) {
  require_descriptors(static_cast<std::int64_t>(channels_.size()) + count);
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::int32_t i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<Connection>(options_.host, options_.port));
    if (options_.codec == Codec::flatbuffers) connections.back()->agree_on_flatbuffers();
  }
  return adopt(load, std::move(connections));
}

std::vector<Channel*> EventLoop::adopt(Load& load, std::vector<std::unique_ptr<Connection>> connections) {
  std::vector<Channel*> added;
  for (auto& connection : connections) {
    auto channel = std::make_unique<Channel>();
    channel->connection = std::move(connection);
    channel->connection->start();
    channel->load = &load;
    channel->index = added.size();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = channel.get();
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, channel->connection->descriptor(), &event) != 0) throw BenchError("epoll_ctl failed");
    added.push_back(channel.get());
    channels_.push_back(std::move(channel));
  }
  if (std::find(loads_.begin(), loads_.end(), &load) == loads_.end()) loads_.push_back(&load);
  return added;
}

char* EventLoop::send(Channel& channel, const RequestTemplate& request, std::int32_t number) {
  if (!channel.unsent) unsent_.push_back(&channel);
  channel.unsent = true;
  char* copy = channel.connection->append(request.frame);
  request.opaque.write(copy, kOpaqueBase + number);
  return copy;
}

void EventLoop::send(Channel& channel, std::string_view frame) {
  if (!channel.unsent) unsent_.push_back(&channel);
  channel.unsent = true;
  channel.connection->append(frame);
}

void EventLoop::run() {
  begin_ns_ = shown_ns_ = now_ns();
  measure_from_ns_ = begin_ns_ + static_cast<std::int64_t>(options_.warm_up_seconds * 1e9);
  for (Load* load : loads_) load->begin(begin_ns_);
  flush_all();
  while (!stopping_ || !drained()) {
    wait_and_handle();
    step(now_ns());
  }
  if (!options_.quiet) fmt::print(stderr, "\n");
}

void EventLoop::step(std::int64_t now) {
  if (!measuring_ && now >= measure_from_ns_) begin_measuring(now);
  if (measuring_ && !stopping_) {
    const bool over = options_.count > 0 ? measured_.requests + measured_.refused >= options_.count
                                         : now >= measure_from_ns_ + static_cast<std::int64_t>(options_.seconds * 1e9);
    if (over) stop(now);
  }
  if (stopping_ && now > last_progress_ns_ + kPatience + options_.delay_ms * 1'000'000) {
    throw BenchError("the run is over, and what is still open was not answered for 30 s");
  }
  show_progress(now);
}

void EventLoop::begin_measuring(std::int64_t now) {
  measuring_ = true;
  measure_from_ns_ = now;
  own_cpu_before_ = own_cpu_seconds();
  watch_.begin();
}

void EventLoop::stop(std::int64_t now) {
  stopping_ = true;
  last_progress_ns_ = now;
  measured_.seconds = static_cast<double>(now - measure_from_ns_) / 1e9;
  measured_.own_cpu_seconds = own_cpu_seconds() - own_cpu_before_;
  measured_.server = watch_.end();
  for (Load* load : loads_) load->stop();
  flush_all();
}

bool EventLoop::drained() const {
  return std::all_of(loads_.begin(), loads_.end(), [](const Load* load) { return load->drained(); });
}

void EventLoop::wait_and_handle() {
  std::int64_t due = kNeverDue;
  for (const Load* load : loads_) due = std::min(due, load->next_due_ns());
  const std::int64_t wait_ns = due == kNeverDue || stopping_ ? kTick : std::clamp<std::int64_t>(due - now_ns() - kSpin, 0, kTick);
  const timespec timeout{.tv_sec = 0, .tv_nsec = wait_ns};
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  if (count < 0 && errno != EINTR) throw BenchError(fmt::format("epoll_pwait2: {}", std::strerror(errno)));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    handle(*static_cast<Channel*>(event.data.ptr), event.events);
  }
  run_due();
  flush_all();
}

void EventLoop::handle(Channel& channel, std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    const std::int64_t read_ns = now_ns();
    channel.connection->drain([&](std::string_view frame) {
      const auto answer = peek_answer(frame);
      if (!answer || answer->opaque < kOpaqueBase) return;  // A request of the server: nothing that a load answers.
      channel.load->on_answer(channel, answer->opaque - kOpaqueBase, *answer, frame, read_ns);
    });
  }
  flush(channel);
  run_due();
  flush_all();
}

void EventLoop::run_due() {
  if (stopping_) return;
  for (Load* load : loads_) {
    const std::int64_t due = load->next_due_ns();
    if (due == kNeverDue) continue;
    if (const std::int64_t now = now_ns(); due <= now) load->on_due(now);
  }
}

void EventLoop::flush_all() {
  for (Channel* channel : unsent_) flush(*channel);
  unsent_.clear();
}

void EventLoop::flush(Channel& channel) {
  channel.unsent = false;
  const bool wants_room = !channel.connection->flush();
  if (wants_room == channel.waits_for_room) return;
  channel.waits_for_room = wants_room;
  epoll_event event{};
  event.events = wants_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = &channel;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, channel.connection->descriptor(), &event);
}

void EventLoop::count(const Answer& answer, bool success, std::int64_t messages) noexcept {
  if (!measuring()) return;
  if (success) {
    ++measured_.requests;
    measured_.messages += messages;
  } else {
    ++measured_.refused;
    measured_.refusal_code = answer.code;
  }
}

void EventLoop::show_progress(std::int64_t now) {
  if (options_.quiet || now - shown_ns_ < kSecond) return;
  const double seconds = static_cast<double>(now - shown_ns_) / 1e9;
  fmt::print(stderr, "\r{:>6.0f} s {:>10.0f} messages/s, {} refused, p99 {:.0f} us  {}   ", static_cast<double>(now - begin_ns_) / 1e9,
             static_cast<double>(measured_.messages - shown_messages_) / seconds, measured_.refused,
             static_cast<double>(measured_.latency.percentile_ns(99)) / 1e3,
             stopping_    ? "(waiting for the rest)"
             : measuring_ ? ""
                          : "(warming up)");
  std::fflush(stderr);
  shown_ns_ = now;
  shown_messages_ = measured_.messages;
}

}  // namespace skylark::bench
