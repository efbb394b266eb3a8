// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/load_runner.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "base/bytes.h"

namespace skylark::bench {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTick = 100'000;             // Of the schedule, at most: 0.1 ms.
constexpr std::int64_t kPatience = 30 * kSecond;    // For answers that are still open at the end.
constexpr std::uint64_t kTimer = ~std::uint64_t{0};
constexpr std::int32_t kSuccess = 0;
constexpr std::int32_t kPullNotFound = 19;          // ResponseCode.java: the end of the queue.

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double own_cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/// Records in the body of a pull's answer: each begins with its size.
std::int64_t count_records(std::string_view frame) {
  const std::size_t header_size = load_be<std::uint32_t>(frame.data()) & 0xFFFFFF;
  std::string_view body = frame.substr(4 + header_size);
  std::int64_t count = 0;
  while (body.size() >= 4) {
    const auto size = load_be<std::uint32_t>(body.data());
    if (size < 4 || size > body.size()) throw BenchError("a pull was answered with a broken record");
    body.remove_prefix(size);
    ++count;
  }
  return count;
}

}  // namespace

LoadRunner::LoadRunner(const Options& options, std::vector<RequestTemplate> requests)
    : options_(options), requests_(std::move(requests)), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (epoll_ < 0 || timer_ < 0) throw BenchError("no epoll or timer");
  for (std::int32_t i = 0; i < options_.connections; ++i) {
    Client client;
    client.connection = std::make_unique<Connection>(options_.host, options_.port);
    if (options_.codec == Codec::flatbuffers) client.connection->agree_on_flatbuffers();
    client.connection->start();
    client.slots.resize(static_cast<std::size_t>(options_.in_flight));
    for (std::int32_t slot = options_.in_flight; slot-- > 0;) client.free.push_back(slot);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(i);
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.connection->descriptor(), &event);
    clients_.push_back(std::move(client));
  }
  // Ten times a second wakes the loop for its end and its progress line; the schedule has its own pace.
  const std::int64_t pace = options_.rate > 0 ? std::max(kTick, kSecond / options_.rate / 4) : kSecond / 10;
  itimerspec period{};
  period.it_interval = period.it_value = timespec{.tv_sec = pace / kSecond, .tv_nsec = pace % kSecond};
  ::timerfd_settime(timer_, 0, &period, nullptr);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kTimer;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event);
}

LoadRunner::~LoadRunner() {
  if (epoll_ >= 0) ::close(epoll_);
  if (timer_ >= 0) ::close(timer_);
}

Measurement LoadRunner::run() {
  begin_ns_ = shown_ns_ = now();
  measure_from_ns_ = begin_ns_ + static_cast<std::int64_t>(options_.warm_up_seconds * 1e9);
  for (std::size_t i = 0; options_.rate == 0 && i < clients_.size(); ++i) {
    while (!clients_[i].free.empty()) send(clients_[i], now());
    flush(i);
  }
  std::int64_t give_up_ns = 0;
  std::array<epoll_event, 256> events{};
  while (!stopping_ || open_ > 0) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1000);
    if (count < 0 && errno != EINTR) throw BenchError("epoll_wait failed");
    const std::int64_t now_ns = now();
    if (!measuring_ && now_ns >= measure_from_ns_) begin_measuring(now_ns);
    if (!stopping_ && ended(now_ns)) {
      stopping_ = true;
      give_up_ns = now_ns + kPatience;
      measured_.seconds = static_cast<double>(now_ns - measure_from_ns_) / 1e9;
      measured_.own_cpu_seconds = own_cpu_seconds() - measured_.own_cpu_seconds;
      if (options_.broker_pid > 0) measured_.broker_after = read_process(options_.broker_pid);
    }
    if (stopping_ && now_ns > give_up_ns) throw BenchError(fmt::format("{} requests were never answered", open_));
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kTimer) {
        std::uint64_t expirations = 0;
        if (::read(timer_, &expirations, sizeof expirations) < 0) continue;
        if (options_.rate > 0 && !stopping_) send_due(now());
        show_progress(now_ns);
        continue;
      }
      const auto index = static_cast<std::size_t>(event.data.u64);
      Client& client = clients_[index];
      if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        const std::int64_t read_ns = now();
        client.connection->drain([&](std::string_view frame) { on_answer(client, frame, read_ns); });
        if (options_.rate > 0 && !stopping_) send_due(read_ns);
      }
      flush(index);
    }
  }
  if (!options_.quiet) fmt::print(stderr, "\n");
  return std::move(measured_);
}

bool LoadRunner::ended(std::int64_t now_ns) const {
  if (!measuring_) return false;
  if (options_.count > 0) return measured_.requests + measured_.refused >= options_.count;
  return now_ns >= measure_from_ns_ + static_cast<std::int64_t>(options_.seconds * 1e9);
}

void LoadRunner::begin_measuring(std::int64_t now_ns) {
  measuring_ = true;
  measure_from_ns_ = now_ns;
  measured_.own_cpu_seconds = own_cpu_seconds();
  if (options_.broker_pid > 0) measured_.broker_before = read_process(options_.broker_pid);
}

void LoadRunner::send(Client& client, std::int64_t since_ns) {
  const std::int32_t number = client.free.back();
  client.free.pop_back();
  Slot& slot = client.slots[static_cast<std::size_t>(number)];
  slot.since_ns = since_ns;
  if (options_.load != Load::pull || slot.offset == 0) {  // A pull goes on in its queue until the end, then takes the next one.
    slot.request = next_request_;
    if (++next_request_ == requests_.size()) next_request_ = 0;
  }
  const RequestTemplate& request = requests_[slot.request];
  char* copy = client.connection->append(request.frame);
  request.opaque.write(copy, kOpaqueBase + number);
  if (options_.load == Load::pull) request.number.write(copy, static_cast<std::int32_t>(slot.offset));
  else write_key(copy + request.key_at, next_key_++);
  ++open_;
}

void LoadRunner::send_due(std::int64_t now_ns) {
  Client& client = clients_.front();
  while (!client.free.empty()) {
    const auto due_ns = begin_ns_ + static_cast<std::int64_t>(static_cast<double>(scheduled_) * 1e9 / static_cast<double>(options_.rate));
    if (due_ns > now_ns) break;
    send(client, due_ns);
    ++scheduled_;
  }
  flush(0);
}

void LoadRunner::flush(std::size_t index) {
  const bool wants_room = !clients_[index].connection->flush();
  if (wants_room != clients_[index].waits_for_room) watch(index, wants_room);
}

void LoadRunner::watch(std::size_t index, bool for_room) {
  clients_[index].waits_for_room = for_room;
  epoll_event event{};
  event.events = for_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = index;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, clients_[index].connection->descriptor(), &event);
}

void LoadRunner::on_answer(Client& client, std::string_view frame, std::int64_t now_ns) {
  const auto answer = peek_answer(frame);
  if (!answer) return;  // A request of the broker: nothing that a load answers.
  const std::int64_t number = std::int64_t{answer->opaque} - kOpaqueBase;
  if (number < 0 || number >= options_.in_flight) throw BenchError("an answer to no request");
  Slot& slot = client.slots[static_cast<std::size_t>(number)];
  --open_;
  client.free.push_back(static_cast<std::int32_t>(number));
  if (options_.load == Load::pull) {
    on_pulled(slot, answer->code, frame);
  } else if (measuring_ && !stopping_) {
    if (answer->code == kSuccess) ++measured_.requests, ++measured_.messages;
    else ++measured_.refused, measured_.refusal_code = answer->code;
  }
  if (measuring_ && !stopping_) measured_.latency.record(now_ns - slot.since_ns);
  if (!stopping_ && options_.rate == 0) send(client, now_ns);
}

void LoadRunner::on_pulled(Slot& slot, std::int32_t code, std::string_view frame) {
  const std::int64_t found = code == kSuccess ? count_records(frame) : 0;
  slot.offset = found > 0 ? slot.offset + found : 0;
  if (!measuring_ || stopping_) return;
  measured_.messages += found;
  if (code == kSuccess || code == kPullNotFound) ++measured_.requests;
  else ++measured_.refused, measured_.refusal_code = code;
}

void LoadRunner::show_progress(std::int64_t now_ns) {
  if (options_.quiet || now_ns - shown_ns_ < kSecond) return;
  const double seconds = static_cast<double>(now_ns - shown_ns_) / 1e9;
  fmt::print(stderr, "\r{:>6.0f} s {:>10.0f} messages/s, {} refused, p99 {:.0f} us  {}   ", static_cast<double>(now_ns - begin_ns_) / 1e9,
             static_cast<double>(measured_.messages - shown_messages_) / seconds, measured_.refused,
             static_cast<double>(measured_.latency.percentile_ns(99)) / 1e3, measuring_ ? "" : "(warming up)");
  std::fflush(stderr);
  shown_ns_ = now_ns;
  shown_messages_ = measured_.messages;
}

}  // namespace skylark::bench
