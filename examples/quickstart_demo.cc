// SPDX-License-Identifier: Apache-2.0
// The main job end to end: ordinary, delayed and transactional messages, a consumer group, and reading a range again.
// Every step prints `step <name>: key=value ...`; exit code 0 means that every step was verified.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/admin.h"
#include "client/producer.h"
#include "client/push_consumer.h"
#include "client/transaction_producer.h"

namespace {

using namespace skylark::client;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTotalMax{55};  // Of the minute that a caller has to wait at most.
constexpr milliseconds kProbeEvery{1'000};
constexpr int kProbesMax = 3;
constexpr std::int32_t kQueueCount = 4;
constexpr int kNormalCount = 12;
constexpr std::int32_t kDelayLevel = 1;
constexpr std::int64_t kDelayMs = 1'000;  // Level 1 of the default `messageDelayLevel`.

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Thrown when a step was not verified; the sentence is all that is printed.
struct NotVerified : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The value, or the end of the step with the failure's sentence.
template <class T>
T must(Outcome<T> outcome, const std::string& what) {
  if (!outcome) throw NotVerified(what + ": " + outcome.error().describe());
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

/// Ends the process when the whole takes too long, whatever it hangs on.
class Watchdog {
 public:
  Watchdog() : thread_([this] { watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  void enter(const std::string& step) {
    const std::lock_guard lock(mutex_);
    step_ = step;
  }
  [[nodiscard]] std::string step() {
    const std::lock_guard lock(mutex_);
    return step_;
  }
  [[nodiscard]] Clock::time_point deadline() const { return deadline_; }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline_ + std::chrono::seconds(3), [this] { return over_; });
    if (over_) return;
    std::cerr << "skylark_demo: not finished in time, during step " << step_ << std::endl;
    _exit(1);
  }

  const Clock::time_point deadline_ = Clock::now() + kTotalMax;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string step_ = "start";
  bool over_ = false;
  std::thread thread_;
};

/// What the consumer group has received so far.
class Inbox {
 public:
  struct Entry {
    int count = 0;
    std::int64_t first_ms = 0;
    ReceivedMessage message;
  };
  void add(const ReceivedMessage& message) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[message.message_id];
    if (entry.count++ == 0) {
      entry.first_ms = now_ms();
      entry.message = message;
    }
    changed_.notify_all();
  }
  [[nodiscard]] std::map<std::string, Entry> entries() {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  /// Waits a little for a condition over the entries.
  template <class Condition>
  bool wait_for(milliseconds time, Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [&] { return condition(entries_); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
};

using Entries = std::map<std::string, Inbox::Entry>;

/// The local half of the demo's transactions: the body says what comes out.
class DemoListener final : public TransactionListener {
 public:
  TransactionState execute(const Message& message, const SendResult&) override {
    if (message.body == "commit me") return TransactionState::commit;
    if (message.body == "roll me back") return TransactionState::rollback;
    return TransactionState::unknown;
  }
  TransactionState check(const ReceivedMessage& half) override {
    const std::lock_guard lock(mutex_);
    ++check_counts_[half.message_id];
    // A broker may ask although it was told already: the answer is the same.
    return half.body == "roll me back" ? TransactionState::rollback : TransactionState::commit;
  }
  [[nodiscard]] int check_count(const std::string& message_id) {
    const std::lock_guard lock(mutex_);
    return check_counts_[message_id];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> check_counts_;
};

class Demo {
 public:
  Demo(std::string name_servers, Watchdog& watchdog) : watchdog_(watchdog) {
    client_.name_servers = std::move(name_servers);
    const std::string suffix = std::to_string(now_ms()) + "-" + std::to_string(getpid());
    topic_ = "Demo-" + suffix;
    group_ = "DemoGroup-" + suffix;
  }

  void run() {
    Admin admin(client_);
    admin_ = &admin;
    must(admin.start(), "start");
    make_topic();
    PushConsumer consumer(consumer_options());
    start_consumer(consumer);
    send_normal();
    send_delayed();
    run_transactions();
    replay(consumer);
  }

 private:
  void step(const std::string& name) { watchdog_.enter(name); }

  PushConsumerOptions consumer_options() const {
    PushConsumerOptions options;
    options.client = client_;
    options.group = group_;
    options.start_from = StartFrom::first_offset;
    options.rebalance_interval = milliseconds(1'000);
    options.persist_interval = milliseconds(500);
    options.pull_hold = milliseconds(2'000);  // A held pull learns of a reset offset when it ends.
    return options;
  }

  ProducerOptions producer_options() const {
    ProducerOptions options;
    options.client = client_;
    options.group = "DemoProducer";
    return options;
  }

  /// Waits for a condition over the inbox; gives up when time is over or the broker is gone.
  template <class Condition>
  void await(const std::string& what, Condition condition) {
    int failed_probes = 0;
    while (!inbox_.wait_for(kProbeEvery, condition)) {
      if (Clock::now() > watchdog_.deadline()) throw NotVerified("no " + what + " in time");
      const auto members = admin_->members_of(group_);
      failed_probes = members ? 0 : failed_probes + 1;
      if (failed_probes >= kProbesMax) throw NotVerified("the broker is gone while waiting for " + what + ": " + members.error().describe());
    }
  }

  void make_topic() {
    step("topic");
    must(admin_->create_topic(topic_, kQueueCount), "create topic " + topic_);
    must(admin_->await_route(topic_), "route of " + topic_);
    std::cout << "step topic: topic=" << topic_ << " queues=" << kQueueCount << std::endl;
  }

  void start_consumer(PushConsumer& consumer) {
    step("consumer");
    must(consumer.subscribe(topic_), "subscribe");
    consumer.set_listener([this](const std::vector<ReceivedMessage>& messages, ConsumeContext&) {
      for (const ReceivedMessage& message : messages) inbox_.add(message);
      return ConsumeResult::success;
    });
    must(consumer.start(), "start of the consumer");
    await("queues for the consumer", [&](const Entries&) { return true; });
    while (consumer.assigned_queues().size() != kQueueCount) {
      if (Clock::now() > watchdog_.deadline()) throw NotVerified("the consumer got no queues in time");
      std::this_thread::sleep_for(milliseconds(20));
    }
    std::cout << "step consumer: group=" << group_ << " client=" << consumer.client_id() << " queues=" << kQueueCount << std::endl;
  }

  void send_normal() {
    step("normal");
    Producer producer(producer_options());
    must(producer.start(), "start of the producer");
    begin_ms_ = now_ms();
    std::map<std::string, SendResult> sent;
    std::map<std::string, std::string> bodies;
    for (int number = 0; number < kNormalCount; ++number) {
      Message message(topic_, "message " + std::to_string(number));
      message.set_tag("normal").set_keys({"key-" + std::to_string(number)});
      const std::string body = message.body;
      const SendResult result = must(producer.send(std::move(message)), "send of message " + std::to_string(number));
      std::cout << "step normal: message_id=" << result.message_id << " queue=" << result.queue.queue_id << " offset=" << result.queue_offset
                << " status=" << to_string(result.status) << std::endl;
      sent[result.message_id] = result;
      bodies[result.message_id] = body;
    }
    await("delivery of the ordinary messages", [&](const Entries& entries) {
      return std::ranges::all_of(sent, [&](const auto& item) { return entries.contains(item.first); });
    });
    const Entries entries = inbox_.entries();
    for (const auto& [id, result] : sent) {
      const ReceivedMessage& message = entries.at(id).message;
      if (message.body != bodies[id] || message.queue != result.queue || message.queue_offset != result.queue_offset ||
          message.tag() != "normal") {
        throw NotVerified("message " + id + " did not arrive as it was sent");
      }
    }
    std::cout << "step normal: sent=" << sent.size() << " received=" << entries.size() << std::endl;
  }

  void send_delayed() {
    step("delayed");
    Producer producer(producer_options());
    must(producer.start(), "start of the producer");
    Message message(topic_, "later");
    message.set_delay_level(kDelayLevel);
    const std::int64_t sent_ms = now_ms();
    const SendResult result = must(producer.send(std::move(message)), "send of the delayed message");
    await("delivery of the delayed message", [&](const Entries& entries) { return entries.contains(result.message_id); });
    const Inbox::Entry entry = inbox_.entries().at(result.message_id);
    const std::int64_t measured_ms = entry.first_ms - sent_ms;
    if (measured_ms < kDelayMs) throw NotVerified("the delayed message came after " + std::to_string(measured_ms) + " ms already");
    std::cout << "step delayed: message_id=" << result.message_id << " queue=" << entry.message.queue.queue_id
              << " offset=" << entry.message.queue_offset << " asked_ms=" << kDelayMs << " measured_ms=" << measured_ms << std::endl;
  }

  TransactionSendResult send_transaction(TransactionProducer& producer, const std::string& name, const std::string& body) {
    TransactionSendResult result = must(producer.send_in_transaction(Message(topic_, body)), "half message of " + name);
    std::cout << "step " << name << ": message_id=" << result.half.message_id << " half_offset=" << result.half.queue_offset
              << " state=" << to_string(result.state) << " decided=" << (result.decided ? "yes" : "no") << std::endl;
    return result;
  }

  void report_delivery(const std::string& name, const std::string& id, const std::string& more) {
    const ReceivedMessage message = inbox_.entries().at(id).message;
    std::cout << "step " << name << ": message_id=" << id << " received=yes queue=" << message.queue.queue_id
              << " offset=" << message.queue_offset << more << std::endl;
  }

  void run_transactions() {
    TransactionProducerOptions options;
    options.producer = producer_options();
    options.producer.group = "DemoTransactions-" + group_;
    DemoListener listener;
    TransactionProducer producer(options, listener);
    step("commit");
    must(producer.start(), "start of the transaction producer");
    const auto committed = send_transaction(producer, "commit", "commit me");
    if (!committed.decided) throw NotVerified("the broker did not take the commit");
    await("the committed message", [&](const Entries& entries) { return entries.contains(committed.half.message_id); });
    report_delivery("commit", committed.half.message_id, "");

    step("rollback");
    const auto rolled_back = send_transaction(producer, "rollback", "roll me back");
    if (!rolled_back.decided) throw NotVerified("the broker did not take the rollback");

    step("check-back");
    const auto checked = send_transaction(producer, "check-back", "ask me later");
    await("the message committed by a check", [&](const Entries& entries) { return entries.contains(checked.half.message_id); });
    const int checks = listener.check_count(checked.half.message_id);
    if (checks < 1) throw NotVerified("the message of the undecided transaction came without a check");
    report_delivery("check-back", checked.half.message_id, " checks=" + std::to_string(checks));

    // Decided before the message that was just delivered was even sent: what was to come of it has come.
    step("rollback");
    if (inbox_.entries().contains(rolled_back.half.message_id)) throw NotVerified("the rolled back message was delivered");
    std::cout << "step rollback: message_id=" << rolled_back.half.message_id << " received=no" << std::endl;
  }

  void replay(PushConsumer& consumer) {
    step("replay");
    const Entries before = inbox_.entries();
    std::map<std::int32_t, std::int64_t> last;
    for (const auto& [id, entry] : before) {
      std::int64_t& offset = last.try_emplace(entry.message.queue.queue_id, -1).first->second;
      offset = std::max(offset, entry.message.queue_offset);
    }
    const auto offsets = must(admin_->reset_offset_by_time(group_, topic_, begin_ms_ - 1), "reset of the offsets");
    await("the range again", [&](const Entries& entries) {
      return std::ranges::all_of(before, [&](const auto& item) { return entries.at(item.first).count > item.second.count; });
    });
    for (const auto& [queue, offset] : offsets) {
      const auto end = last.find(queue.queue_id);
      if (end == last.end()) continue;
      if (offset != 0) throw NotVerified("queue " + std::to_string(queue.queue_id) + " was not moved to its begin");
      std::cout << "step replay: queue=" << queue.queue_id << " from=" << offset << " to=" << end->second << std::endl;
    }
    if (inbox_.entries().size() != before.size()) throw NotVerified("messages appeared that were not sent");
    std::cout << "step replay: replayed=" << before.size() << " group=" << group_ << std::endl;
    step("stop");
    consumer.shutdown();
  }

  Watchdog& watchdog_;
  ClientOptions client_;
  std::string topic_;
  std::string group_;
  Admin* admin_ = nullptr;
  std::int64_t begin_ms_ = 0;
  Inbox inbox_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sends and receives ordinary, delayed and transactional messages, and reads them again");
  std::string name_servers = "127.0.0.1:9876";
  app.add_option("--namesrv", name_servers, "Name servers, host:port joined by ;");
  CLI11_PARSE(app, argc, argv);
  Watchdog watchdog;
  try {
    Demo(name_servers, watchdog).run();
  } catch (const std::exception& failure) {
    std::cerr << "skylark_demo: step " << watchdog.step() << ": " << failure.what() << std::endl;
    return 1;
  }
  std::cout << "demo: every step was verified" << std::endl;
  return 0;
}
