// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tools/bench/connection.h"
#include "tools/bench/options.h"
#include "tools/bench/report.h"
#include "tools/bench/requests.h"

namespace skylark::bench {

/// Keeps requests in flight on all connections from one thread, and times them.
///
/// An opaque names the slot of its request, so answers may overtake. By schedule, a request is timed from when it was due: one that
/// had to wait behind others counts its waiting (no coordinated omission).
class LoadRunner {
 public:
  LoadRunner(const Options& options, std::vector<RequestTemplate> requests);
  ~LoadRunner();
  LoadRunner(const LoadRunner&) = delete;
  LoadRunner& operator=(const LoadRunner&) = delete;

  /// Warms up, measures, and waits for the open answers. Errors: `BenchError`.
  [[nodiscard]] Measurement run();

 private:
  struct Slot {
    std::int64_t since_ns = 0;
    std::size_t request = 0;   ///< Which template.
    std::int64_t offset = 0;   ///< Of a pull: where it reads.
  };
  struct Client {
    std::unique_ptr<Connection> connection;
    std::vector<Slot> slots;
    std::vector<std::int32_t> free;
    bool waits_for_room = false;
  };

  void send(Client& client, std::int64_t since_ns);
  void flush(std::size_t index);
  void send_due(std::int64_t now_ns);
  void on_answer(Client& client, std::string_view frame, std::int64_t now_ns);
  void on_pulled(Slot& slot, std::int32_t code, std::string_view frame);
  void begin_measuring(std::int64_t now_ns);
  void show_progress(std::int64_t now_ns);
  void watch(std::size_t index, bool for_room);
  bool ended(std::int64_t now_ns) const;

  Options options_;
  std::vector<RequestTemplate> requests_;
  std::vector<Client> clients_;
  Measurement measured_;
  int epoll_ = -1;
  int timer_ = -1;
  std::size_t next_request_ = 0;
  std::uint32_t next_key_ = 0;
  std::size_t open_ = 0;
  bool measuring_ = false;
  bool stopping_ = false;
  std::int64_t begin_ns_ = 0;
  std::int64_t measure_from_ns_ = 0;
  std::int64_t scheduled_ = 0;  // Requests sent by the schedule so far.
  std::int64_t shown_ns_ = 0;
  std::int64_t shown_messages_ = 0;
};

}  // namespace skylark::bench
