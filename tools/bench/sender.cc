// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/sender.h"

#include <algorithm>

#include "base/bytes.h"

namespace skylark::bench {

namespace {

constexpr std::uint64_t kStampMark = 0x534B5942454E4348;  // "SKYBENCH"
constexpr std::int32_t kScheduledInFlight = 4096;         // By schedule this bounds the memory, not the load.

}  // namespace

void write_stamp(char* body, std::int64_t time_ns) noexcept {
  store_be(body, kStampMark);
  store_be(body + 8, time_ns);
}

std::optional<std::int64_t> read_stamp(std::string_view body) noexcept {
  if (body.size() < kStampSize || load_be<std::uint64_t>(body.data()) != kStampMark) return std::nullopt;
  return load_be<std::int64_t>(body.data() + 8);
}

Sender::Sender(EventLoop& loop, const Options& options, std::int32_t connections, bool stamped, const SendPlan& plan)
    : loop_(loop), options_(options), stamped_(stamped), requests_(make_sends(options, plan)) {
  const std::int32_t slots = options_.rate > 0 ? std::max(1, kScheduledInFlight / connections) : options_.in_flight;
  for (Channel* channel : loop_.connect(*this, connections)) {
    Client client{.channel = channel, .since_ns = std::vector<std::int64_t>(static_cast<std::size_t>(slots)), .free = {}};
    for (std::int32_t slot = slots; slot-- > 0;) client.free.push_back(slot);
    clients_.push_back(std::move(client));
  }
}

void Sender::begin(std::int64_t now_ns) {
  if (options_.rate > 0) {
    schedule_.emplace(now_ns, static_cast<double>(options_.rate));
    return;
  }
  for (Client& client : clients_) {
    while (!client.free.empty()) send(client, now_ns);
  }
}

void Sender::send(Client& client, std::int64_t since_ns) {
  const std::int32_t slot = client.free.back();
  client.free.pop_back();
  client.since_ns[static_cast<std::size_t>(slot)] = since_ns;
  const RequestTemplate& request = requests_[next_topic_];
  char* copy = loop_.send(*client.channel, request, slot);
  request.queue.write(copy, next_queue_);
  write_key(copy + request.key_at, next_key_++);
  if (stamped_) write_stamp(copy + request.body_at, since_ns);
  ++open_;
  if (++next_topic_ == requests_.size()) {
    next_topic_ = 0;
    if (++next_queue_ == options_.queues) next_queue_ = 0;
  }
}

std::int64_t Sender::next_due_ns() const {
  // When every slot is taken an answer is what comes next; what is due is sent then, timed from its own time.
  if (!schedule_ || open_ >= static_cast<std::int64_t>(clients_.size() * clients_.front().since_ns.size())) return kNeverDue;
  return schedule_->next_ns();
}

Sender::Client* Sender::next_free_client() {
  for (std::size_t tried = 0; tried < clients_.size(); ++tried) {
    Client& client = clients_[next_client_];
    if (++next_client_ == clients_.size()) next_client_ = 0;
    if (!client.free.empty()) return &client;
  }
  return nullptr;
}

void Sender::on_due(std::int64_t now_ns) {
  while (schedule_->is_due(now_ns)) {
    Client* client = next_free_client();
    if (client == nullptr) return;
    send(*client, schedule_->take());
  }
}

void Sender::on_answer(Channel& channel, std::int32_t number, const Answer& answer, std::string_view, std::int64_t now_ns) {
  Client& client = clients_[channel.index];
  const auto slot = static_cast<std::size_t>(number);
  if (slot >= client.since_ns.size()) throw BenchError("an answer to no request");
  --open_;
  client.free.push_back(number);
  const bool success = answer.code == 0;
  if (success) ++stored_;
  loop_.count(answer, success, 1);
  if (loop_.measuring()) loop_.measured().latency.record(now_ns - client.since_ns[slot]);
  if (loop_.stopping())
    loop_.progressed(now_ns);
  else if (options_.rate == 0)
    send(client, now_ns);
}

}  // namespace skylark::bench
