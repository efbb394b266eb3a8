// SPDX-License-Identifier: Apache-2.0
// The two ends of the crash test. `produce` sends as fast as it can and writes down what was acknowledged, until the broker is
// gone; `verify` reads everything back and counts what is missing.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "client/producer.h"
#include "client/pull_consumer.h"

namespace {

using namespace skylark::client;
using std::chrono::steady_clock;

struct Options {
  std::string name_servers;
  std::string topic;
  std::string file;
  std::size_t ack_count_max = 0;  // 0: until the broker is gone.
  std::size_t in_flight_max = 512;
};

constexpr std::chrono::seconds kReadyMax{60};
constexpr std::chrono::milliseconds kPoll{50};

/// The body follows from the key, so that the reader needs the key alone.
std::string body_of(const std::string& key) {
  std::size_t hash = 1'469'598'103u;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619u;
  std::string body = key;
  while (body.size() < 64 + hash % 900) body += fmt::format("/{:x}", hash + body.size());
  return body;
}

/// One line for each acknowledged message: topic, broker, queue, offset, key. A line is one `write`: none is ever torn by the
/// end of this process.
class AckFile {
 public:
  explicit AckFile(const std::string& path) : descriptor_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  ~AckFile() { close(descriptor_); }
  AckFile(const AckFile&) = delete;
  AckFile& operator=(const AckFile&) = delete;
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] bool append(const SendResult& result, const std::string& key) const {
    const std::string line = fmt::format("{} {} {} {} {}\n", result.queue.topic, result.queue.broker_name, result.queue.queue_id,
                                         result.queue_offset, key);
    return write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  }

 private:
  int descriptor_;
};

template <class Call>
auto retry_until_ready(Call call) {
  const auto deadline = steady_clock::now() + kReadyMax;
  while (true) {
    auto result = call();
    if (result || steady_clock::now() > deadline) return result;
    std::this_thread::sleep_for(kPoll);
  }
}

int produce(const Options& options) {
  const AckFile file(options.file);
  if (!file.is_open()) {
    fmt::print(stderr, "{} cannot be written\n", options.file);
    return 2;
  }
  ProducerOptions settings;
  settings.client.name_servers = options.name_servers;
  settings.group = "KillTestProducer";
  settings.retry_count_max = 0;  // An acknowledgement answers exactly one attempt.
  Producer producer(settings);
  if (const auto started = producer.start(); !started) {
    fmt::print(stderr, "{}\n", started.error().describe());
    return 2;
  }
  const auto queues = retry_until_ready([&] { return producer.publish_queues(options.topic); });
  if (!queues) {
    fmt::print(stderr, "no queue to send to: {}\n", queues.error().describe());
    return 1;
  }

  std::mutex mutex;
  std::condition_variable room;
  std::size_t in_flight = 0, acked = 0, refused = 0;
  bool over = false, write_failed = false;
  const std::string run = fmt::format("{}-{}", getpid(), std::chrono::system_clock::now().time_since_epoch().count());
  for (std::size_t sequence = 0;; ++sequence) {
    {
      std::unique_lock lock(mutex);
      room.wait(lock, [&] { return over || in_flight < options.in_flight_max; });
      if (over) break;
      ++in_flight;
    }
    const std::string key = fmt::format("{}-{}", run, sequence);
    Message message(options.topic, body_of(key));
    message.set_keys({key});
    producer.send_async(std::move(message), [&, key](Outcome<SendResult> result) {
      const bool written = !result || file.append(*result, key);
      const std::lock_guard lock(mutex);
      --in_flight;
      if (result) {
        ++acked;
        write_failed = write_failed || !written;
        over = over || !written || (options.ack_count_max > 0 && acked >= options.ack_count_max);
      } else if (result.error().response_code()) {
        ++refused;  // Flow control: the broker lives.
      } else {
        over = true;  // It is gone.
      }
      room.notify_one();
    });
  }
  producer.shutdown();
  fmt::print("acked={} refused={}\n", acked, refused);
  return write_failed ? 2 : 0;
}

using Acknowledged = std::map<MessageQueue, std::unordered_map<std::int64_t, std::string>>;

struct Tally {
  std::size_t acked = 0, lost = 0, gaps = 0, stored = 0;
};

/// A lost message is named, but not ten thousand of them.
void complain(std::size_t number, const std::string& what) {
  if (number <= 20) fmt::print("{}\n", what);
}

void look_at(const ReceivedMessage& message, std::unordered_map<std::int64_t, std::string>& wanted, Tally& tally) {
  ++tally.stored;
  const auto found = wanted.find(message.queue_offset);
  if (found == wanted.end()) return;  // Stored, but the answer never came.
  if (message.keys() != found->second || message.body != body_of(found->second)) {
    ++tally.lost;
    complain(tally.lost, fmt::format("{} offset {}: acknowledged {}, stored {}", message.queue.to_string(), message.queue_offset,
                                     found->second, message.keys()));
  }
  wanted.erase(found);
}

/// Reads one queue from its first to its last message.
bool read_queue(PullConsumer& reader, const MessageQueue& queue, std::unordered_map<std::int64_t, std::string>& wanted, Tally& tally) {
  const auto min = retry_until_ready([&] { return reader.min_offset(queue); });
  const auto max = retry_until_ready([&] { return reader.max_offset(queue); });
  if (!min || !max) {
    fmt::print("{}: {}\n", queue.to_string(), (min ? max : min).error().describe());
    return false;
  }
  std::int64_t expected = *min;
  auto last_news = steady_clock::now();
  while (expected < *max) {
    const auto batch = retry_until_ready([&] { return reader.pull(queue, expected); });
    if (!batch) {
      fmt::print("{} from {}: {}\n", queue.to_string(), expected, batch.error().describe());
      return false;
    }
    std::int64_t next = batch->next_offset;
    if (batch->messages.empty() && next <= expected) {
      if (steady_clock::now() - last_news < std::chrono::seconds(15)) {
        std::this_thread::sleep_for(kPoll);
        continue;
      }
      next = *max;  // The broker counts them and does not have them.
    }
    for (const ReceivedMessage& message : batch->messages) {
      tally.gaps += static_cast<std::size_t>(std::max<std::int64_t>(0, message.queue_offset - expected));
      if (message.queue_offset < expected) {
        ++tally.gaps;  // Going back is no better than leaving out.
        complain(tally.gaps, fmt::format("{}: offset {} after {}", queue.to_string(), message.queue_offset, expected - 1));
      }
      expected = message.queue_offset + 1;
      look_at(message, wanted, tally);
    }
    tally.gaps += static_cast<std::size_t>(std::max<std::int64_t>(0, next - expected));
    expected = std::max(expected, next);
    last_news = steady_clock::now();
  }
  return true;
}

int verify(const Options& options) {
  Acknowledged acknowledged;
  Tally tally;
  std::ifstream file(options.file);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    MessageQueue queue;
    std::int64_t offset = 0;
    std::string key;
    if (!(words >> queue.topic >> queue.broker_name >> queue.queue_id >> offset >> key) || queue.topic != options.topic) continue;
    ++tally.acked;
    if (!acknowledged[queue].emplace(offset, key).second) {
      ++tally.lost;  // Two messages were promised the same place.
      complain(tally.lost, fmt::format("{} offset {} was acknowledged twice", queue.to_string(), offset));
    }
  }

  PullConsumerOptions settings;
  settings.client.name_servers = options.name_servers;
  settings.group = "KillTestReader";
  settings.auto_commit = false;
  PullConsumer reader(settings);
  if (const auto started = reader.start(); !started) {
    fmt::print(stderr, "{}\n", started.error().describe());
    return 2;
  }
  const auto queues = retry_until_ready([&] { return reader.queues_of(options.topic); });
  if (!queues) {
    fmt::print(stderr, "no queue to read: {}\n", queues.error().describe());
    return 1;
  }
  for (const MessageQueue& queue : *queues) {
    if (!read_queue(reader, queue, acknowledged[queue], tally)) return 1;
  }
  for (const auto& [queue, missing] : acknowledged) {
    for (const auto& [offset, key] : missing) {
      ++tally.lost;
      complain(tally.lost, fmt::format("{} offset {}: {} was acknowledged and is not there", queue.to_string(), offset, key));
    }
  }
  fmt::print("acked={} lost={} gaps={} stored={}\n", tally.acked, tally.lost, tally.gaps, tally.stored);
  return tally.lost == 0 && tally.gaps == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes down what a broker acknowledges, and checks later that it is there");
  app.require_subcommand(1);
  Options options;
  const auto add_common = [&](CLI::App* command) {
    command->add_option("--namesrv", options.name_servers, "Name servers, host:port joined by ;")->required();
    command->add_option("--topic", options.topic)->required();
    command->add_option("--file", options.file, "The log of acknowledgements")->required();
  };
  CLI::App* producing = app.add_subcommand("produce", "Send until the broker is gone");
  add_common(producing);
  producing->add_option("--acks", options.ack_count_max, "Stop after so many acknowledgements");
  producing->add_option("--in-flight", options.in_flight_max, "Unanswered sends at once");
  CLI::App* verifying = app.add_subcommand("verify", "Read everything back; prints acked=N lost=0 gaps=0 when all is well");
  add_common(verifying);
  CLI11_PARSE(app, argc, argv);
  return producing->parsed() ? produce(options) : verify(options);
}
