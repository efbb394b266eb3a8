// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tools/bench/load.h"
#include "tools/bench/options.h"
#include "tools/bench/process_watch.h"
#include "tools/bench/report.h"
#include "tools/bench/requests.h"

namespace skylark::bench {

/// Runs loads over their connections from one thread: warms up, measures, and waits for what is still open.
///
/// Errors: `BenchError`, also when the server closes a connection or leaves answers out.
class EventLoop {
 public:
  explicit EventLoop(const Options& options);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Opens connections that belong to `load`, and adds it to the loads that run. Both must outlive `run`.
  std::vector<Channel*> connect(Load& load, std::int32_t count);
  /// The same with connections that are open already.
  std::vector<Channel*> adopt(Load& load, std::vector<std::unique_ptr<Connection>> connections);

  /// Appends a copy of the request whose answer will name `number`, and returns the copy for patching.
  char* send(Channel& channel, const RequestTemplate& request, std::int32_t number);
  /// The same for a frame encoded by the caller, who wrote `kOpaqueBase + number` into it.
  void send(Channel& channel, std::string_view frame);

  /// To be called once. `measured()` is complete afterwards.
  void run();

  [[nodiscard]] Measurement& measured() noexcept { return measured_; }
  /// Between the end of the warm-up and the end of the run: what happens now counts.
  [[nodiscard]] bool measuring() const noexcept { return measuring_ && !stopping_; }
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  [[nodiscard]] std::int64_t measure_from_ns() const noexcept { return measure_from_ns_; }
  /// Counts one answer to a request, while measuring. `messages` is what costs are divided by.
  void count(const Answer& answer, bool success, std::int64_t messages) noexcept;
  /// Something awaited came: the patience at the end of the run begins anew.
  void progressed(std::int64_t now_ns) noexcept { last_progress_ns_ = now_ns; }

 private:
  void step(std::int64_t now_ns);
  void begin_measuring(std::int64_t now_ns);
  void stop(std::int64_t now_ns);
  [[nodiscard]] bool drained() const;
  void wait_and_handle();
  void handle(Channel& channel, std::uint32_t events);
  void run_due();
  void flush_all();
  void flush(Channel& channel);
  void show_progress(std::int64_t now_ns);

  Options options_;
  Measurement measured_;
  ProcessWatch watch_;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<Load*> loads_;
  std::vector<Channel*> unsent_;
  bool measuring_ = false;
  bool stopping_ = false;
  std::int64_t begin_ns_ = 0;
  std::int64_t measure_from_ns_ = 0;
  std::int64_t last_progress_ns_ = 0;
  double own_cpu_before_ = 0;
  std::int64_t shown_ns_ = 0;
  std::int64_t shown_messages_ = 0;
};

/// The steady clock.
[[nodiscard]] std::int64_t now_ns();

}  // namespace skylark::bench
