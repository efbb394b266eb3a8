// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "protocol/response_code.h"
#include "tools/bench/commands.h"
#include "tools/bench/event_loop.h"
#include "tools/bench/records.h"

namespace skylark::bench {

namespace {

/// Reads queue by queue to the end, never held by the broker, each slot for itself.
class Puller : public Load {
 public:
  Puller(EventLoop& loop, const Options& options)
      : loop_(loop),
        options_(options),
        requests_(make_pulls(options, 0)),
        channels_(loop.connect(*this, options.connections)),
        slots_(channels_.size() * static_cast<std::size_t>(options.in_flight)) {}

  void begin(std::int64_t now_ns) override {
    for (std::size_t i = 0; i < slots_.size(); ++i) pull(i, now_ns);
  }
  void on_answer(Channel&, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) override;
  [[nodiscard]] bool drained() const override { return open_ == 0; }

 private:
  struct Slot {
    std::int64_t since_ns = 0;
    std::size_t queue = 0;  ///< Counted over all topics.
    std::int64_t offset = 0;
  };
  void pull(std::size_t number, std::int64_t now_ns);

  EventLoop& loop_;
  Options options_;
  std::vector<RequestTemplate> requests_;
  std::vector<Channel*> channels_;
  std::vector<Slot> slots_;
  std::size_t next_queue_ = 0;
  std::int64_t open_ = 0;
};

void Puller::pull(std::size_t number, std::int64_t now_ns) {
  const auto queues = static_cast<std::size_t>(options_.queues);
  Slot& slot = slots_[number];
  slot.since_ns = now_ns;
  if (slot.offset == 0) {  // It goes on in its queue until the end, then takes the next one.
    slot.queue = next_queue_;
    if (++next_queue_ == requests_.size() * queues) next_queue_ = 0;
  }
  const RequestTemplate& request = requests_[slot.queue / queues];
  char* copy = loop_.send(*channels_[number % channels_.size()], request, static_cast<std::int32_t>(number));
  request.queue.write(copy, static_cast<std::int32_t>(slot.queue % queues));
  request.offset.write(copy, static_cast<std::int32_t>(slot.offset));
  write_group(copy + request.group_at, 0);
  ++open_;
}

void Puller::on_answer(Channel&, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) {
  const auto index = static_cast<std::size_t>(number);
  if (index >= slots_.size()) throw BenchError("an answer to no request");
  Slot& slot = slots_[index];
  --open_;
  const bool some = answer.code == to_int(ResponseCode::success);
  std::int64_t found = 0;
  if (some) for_each_record(frame, [&](const Record&) { ++found; });
  slot.offset = found > 0 ? slot.offset + found : 0;
  loop_.count(answer, some || answer.code == to_int(ResponseCode::pull_not_found), found);
  if (loop_.measuring()) loop_.measured().latency.record(now_ns - slot.since_ns);
  if (loop_.stopping())
    loop_.progressed(now_ns);
  else
    pull(index, now_ns);
}

}  // namespace

Measurement run_pull(const Options& options) {
  prepare_topics(options);
  store_messages(options);
  EventLoop loop(options);
  Puller puller(loop, options);
  loop.run();
  return std::move(loop.measured());
}

}  // namespace skylark::bench
