// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/bench/event_loop.h"
#include "tools/bench/schedule.h"

namespace skylark::bench {

/// Sends to all queues of all topics in turn: as many in flight as asked for, or by a fixed schedule (`options.rate`).
///
/// An opaque names the slot of its request, so answers may overtake. By schedule a send is timed from when it was due.
/// With `stamped` bodies carry that time: see `read_stamp`.
class Sender : public Load {
 public:
  Sender(EventLoop& loop, const Options& options, std::int32_t connections, bool stamped, const SendPlan& plan = {});

  void begin(std::int64_t now_ns) override;
  void on_answer(Channel& channel, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) override;
  [[nodiscard]] std::int64_t next_due_ns() const override;
  void on_due(std::int64_t now_ns) override;
  [[nodiscard]] bool drained() const override { return open_ == 0; }

  /// Messages stored since the beginning, warm-up and end included.
  [[nodiscard]] std::int64_t stored() const noexcept { return stored_; }

 private:
  struct Client {
    Channel* channel = nullptr;
    std::vector<std::int64_t> since_ns;  ///< Of each slot.
    std::vector<std::int32_t> free;
  };
  void send(Client& client, std::int64_t since_ns);
  Client* next_free_client();

  EventLoop& loop_;
  Options options_;
  bool stamped_;
  std::vector<RequestTemplate> requests_;
  std::vector<Client> clients_;
  std::optional<Schedule> schedule_;
  std::size_t next_client_ = 0;
  std::size_t next_topic_ = 0;
  std::int32_t next_queue_ = 0;
  std::uint32_t next_key_ = 0;
  std::int64_t open_ = 0;
  std::int64_t stored_ = 0;
};

/// Bytes at the front of a stamped body.
inline constexpr std::int32_t kStampSize = 16;
void write_stamp(char* body, std::int64_t time_ns) noexcept;
/// The time in a stamped body; nothing when it carries none.
[[nodiscard]] std::optional<std::int64_t> read_stamp(std::string_view body) noexcept;

}  // namespace skylark::bench
