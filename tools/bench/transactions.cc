// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "protocol/header_codec.h"
#include "protocol/message.h"
#include "protocol/request_code.h"
#include "protocol/send_headers.h"
#include "tools/bench/commands.h"
#include "tools/bench/consumer.h"
#include "tools/bench/event_loop.h"
#include "tools/bench/schedule.h"

namespace skylark::bench {

namespace {

/// Sends half messages and ends each once it is stored. A message of the report is a transaction, timed from the half message to the
/// answer of its end. Clients end them one way; here the end asks for an answer, so that a refusal is seen.
class Transactions : public Load {
 public:
  Transactions(EventLoop& loop, const Options& options)
      : loop_(loop),
        options_(options),
        rollbacks_(options.rollback_percent),
        requests_(make_sends(options, {.sys_flag = sys_flag::kTransactionPrepared,
                                       .properties = fmt::format("TRAN_MSG\x01true\x02PGROUP\x01{}\x02", kProducerGroup)})),
        channels_(loop.connect(*this, options.connections)),
        slots_(channels_.size() * static_cast<std::size_t>(options.in_flight)) {}

  void begin(std::int64_t now_ns) override {
    for (std::size_t i = 0; i < slots_.size(); ++i) send_half(i, now_ns);
  }
  void on_answer(Channel&, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) override;
  [[nodiscard]] bool drained() const override { return open_ == 0; }

  [[nodiscard]] std::int64_t committed() const noexcept { return committed_; }
  void report() const;

 private:
  struct Slot {
    std::int64_t since_ns = 0;
    std::size_t topic = 0;
    bool ends = false;  ///< Waits for the answer to the end, not to the half message.
    bool rolls_back = false;
  };
  void send_half(std::size_t number, std::int64_t now_ns);
  void send_end(std::size_t number, std::string_view half_answer);
  void on_ended(const Slot& slot, const Answer& answer, std::int64_t now_ns);

  EventLoop& loop_;
  Options options_;
  Share rollbacks_;
  std::vector<RequestTemplate> requests_;
  std::vector<Channel*> channels_;
  std::vector<Slot> slots_;
  std::size_t next_topic_ = 0;
  std::int32_t next_queue_ = 0;
  std::uint32_t next_key_ = 0;
  std::int64_t open_ = 0;
  std::int64_t committed_ = 0;
  std::int64_t rolled_back_ = 0;
  Histogram halves_;
};

void Transactions::send_half(std::size_t number, std::int64_t now_ns) {
  slots_[number] = {.since_ns = now_ns, .topic = next_topic_, .ends = false, .rolls_back = false};
  const RequestTemplate& request = requests_[next_topic_];
  char* copy = loop_.send(*channels_[number % channels_.size()], request, static_cast<std::int32_t>(number));
  request.queue.write(copy, next_queue_);
  write_key(copy + request.key_at, next_key_++);
  ++open_;
  if (++next_topic_ == requests_.size()) {
    next_topic_ = 0;
    if (++next_queue_ == options_.queues) next_queue_ = 0;
  }
}

void Transactions::send_end(std::size_t number, std::string_view half_answer) {
  const auto command = decode_frame(half_answer);
  const auto stored = command ? decode_header<SendMessageResponseHeader>(*command) : Result<SendMessageResponseHeader>(command.error());
  const auto place = stored ? parse_offset_message_id(stored->message_id) : Result<OffsetMessageId>(stored.error());
  if (!place) throw BenchError("a half message was answered without its place in the log");
  Slot& slot = slots_[number];
  slot.ends = true;
  slot.rolls_back = rollbacks_.next();
  EndTransactionRequestHeader header;
  header.topic = topic_name(options_, static_cast<std::int32_t>(slot.topic));
  header.producer_group = kProducerGroup;
  header.half_queue_offset = stored->queue_offset;
  header.half_physical_offset = place->physical_offset;
  header.commit_or_rollback = slot.rolls_back ? sys_flag::kTransactionRollback : sys_flag::kTransactionCommit;
  header.message_id = stored->message_id;
  header.transaction_id = stored->transaction_id;
  RemotingCommand request = make_request(RequestCode::end_transaction, header);
  request.language = Language::java;
  request.codec = options_.codec;
  request.opaque = kOpaqueBase + static_cast<std::int32_t>(number);
  std::string frame;
  encode_frame(request, frame);
  loop_.send(*channels_[number % channels_.size()], frame);
}

void Transactions::on_answer(Channel&, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) {
  const auto index = static_cast<std::size_t>(number);
  if (index >= slots_.size()) throw BenchError("an answer to no request");
  Slot& slot = slots_[index];
  if (loop_.stopping()) loop_.progressed(now_ns);
  if (!slot.ends && answer.code == 0) {
    if (loop_.measuring()) halves_.record(now_ns - slot.since_ns);
    return send_end(index, frame);
  }
  on_ended(slot, answer, now_ns);
  --open_;
  if (!loop_.stopping()) send_half(index, now_ns);
}

void Transactions::on_ended(const Slot& slot, const Answer& answer, std::int64_t now_ns) {
  const bool success = slot.ends && answer.code == 0;
  loop_.count(answer, success, 1);
  if (!success) return;
  if (loop_.measuring()) loop_.measured().latency.record(now_ns - slot.since_ns);
  ++(slot.rolls_back ? rolled_back_ : committed_);
}

void Transactions::report() const {
  loop_.measured().add("committedTotal", committed_);
  loop_.measured().add("rolledBackTotal", rolled_back_);
  loop_.measured().times.emplace_back("halfMessage", halves_);
}

}  // namespace

Measurement run_transactions(const Options& options) {
  prepare_topics(options);
  EventLoop loop(options);
  std::optional<Consumer> consumer;
  if (options.verify) consumer.emplace(loop, options, options.consumer_connections, Consumer::Reading::live);
  Transactions transactions(loop, options);
  if (consumer) consumer->expect([&] { return transactions.committed(); });
  loop.run();
  transactions.report();
  if (consumer) consumer->report("arrival");
  return std::move(loop.measured());
}

}  // namespace skylark::bench
