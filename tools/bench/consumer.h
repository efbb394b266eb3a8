// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/bench/event_loop.h"
#include "tools/bench/histogram.h"
#include "tools/bench/schedule.h"

namespace skylark::bench {

/// Consumer groups as push consumers make them: for each queue and group one pull that the broker holds until a message comes, and
/// offsets committed every `options.commit_interval_ms` where they moved.
///
/// Live, they begin at the end of each queue and see what is sent from then on. In laps, they read from the first message to the end
/// of that moment again and again. Stamped messages (`write_stamp`) are timed from their stamp plus `options.delay_ms`.
class Consumer : public Load {
 public:
  enum class Reading { live, laps };

  /// Asks the broker for the ends of the queues, so what is sent afterwards will be seen. Errors: `BenchError`.
  Consumer(EventLoop& loop, const Options& options, std::int32_t connections, Reading reading);
  /// Live: at the end of the run waits until that many messages have come, for each group.
  void expect(std::function<std::int64_t()> messages) { expected_ = std::move(messages); }

  void begin(std::int64_t now_ns) override;
  void on_answer(Channel& channel, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) override;
  [[nodiscard]] std::int64_t next_due_ns() const override { return commits_due_ ? commits_due_->next_ns() : kNeverDue; }
  void on_due(std::int64_t now_ns) override;
  void stop() override;
  [[nodiscard]] bool drained() const override;

  /// Messages received while measuring, by all groups.
  [[nodiscard]] std::int64_t delivered() const noexcept { return delivered_; }
  /// The same since the beginning.
  [[nodiscard]] std::int64_t delivered_total() const noexcept { return delivered_total_; }
  [[nodiscard]] std::int64_t commits() const noexcept { return commits_; }
  /// From stamp (and delay) to arrival, of messages stamped while measuring.
  [[nodiscard]] const Histogram& arrivals() const noexcept { return arrivals_; }
  /// Writes deliveries, commits and, where there are any, the times of arrival under `arrival_name`.
  void report(const char* arrival_name) const;

 private:
  /// One queue as one group reads it. Its number is that of its requests, on channel `number % channels`.
  struct Watch {
    std::int64_t next = 0;
    std::int64_t end = 0;  ///< Of a lap.
    std::int64_t committed = 0;
  };
  void pull(std::size_t watch);
  void on_pulled(std::size_t index, const Answer& answer, std::string_view frame, std::int64_t now_ns);
  void on_message(std::string_view body, std::int64_t now_ns);
  void commit(std::size_t watch);
  void commit_moved();
  [[nodiscard]] const RequestTemplate& of_topic(const std::vector<RequestTemplate>& requests, std::size_t watch) const;
  void write_place(const RequestTemplate& request, char* copy, std::size_t watch) const;

  EventLoop& loop_;
  Options options_;
  Reading reading_;
  std::vector<RequestTemplate> pulls_;
  std::vector<RequestTemplate> commit_requests_;
  std::vector<Channel*> channels_;
  std::vector<Watch> watches_;
  std::function<std::int64_t()> expected_;
  std::optional<Schedule> commits_due_;
  Histogram arrivals_;
  std::int64_t delivered_ = 0;
  std::int64_t delivered_total_ = 0;
  std::int64_t commits_ = 0;
  std::int64_t open_commits_ = 0;
  std::int64_t measured_until_ns_ = kNeverDue;
};

}  // namespace skylark::bench
