// SPDX-License-Identifier: Apache-2.0
// Random messages, kills, power cuts and clean stops against a naive model: a map of what was acknowledged.
#include <cstdlib>
#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

std::uint64_t seed_of_run() {
  const char* const given = std::getenv("SKYLARK_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "SKYLARK_SEED=" << seed << "\n";
  return seed;
}

/// What must be found again: body and key of each acknowledged message, by queue and offset.
class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {}

  void put_some(FaultyStore& store) {
    const auto count = random_() % 40;
    const auto durable_at = random_() % 60;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == durable_at) store.make_durable();
      const std::string topic = random_() % 3 == 0 ? "Payments" : "Orders";
      const auto queue_id = static_cast<std::int32_t>(random_() % 3);
      const std::string number = std::to_string(next_++);
      const std::string body = number + std::string(random_() % 900, 'x');
      const std::string properties = "KEYS\x01key" + number + "\x02";
      if (random_() % 5 == 0) {
        put_batch(store, topic, queue_id, body, properties);
        continue;
      }
      const PutResult put = store.put(topic, queue_id, body, properties);
      REQUIRE(put.status == PutStatus::ok);
      remember(topic, queue_id, put.queue_offset, body, properties);
      store.clock().advance(std::chrono::milliseconds(random_() % 300));
    }
  }

  void check(FaultyStore& store) {
    store.await_dispatch();
    for (const auto& [where, what] : messages_) {
      const auto& [topic, queue_id, offset] = where;
      INFO(topic << "-" << queue_id << " offset " << offset);
      REQUIRE(store.body_at(topic, queue_id, offset) == what.body);
      const auto found = store.bodies_by_key(topic, what.key);
      REQUIRE(std::find(found.begin(), found.end(), what.body) != found.end());
    }
    for (const auto& [queue, end] : ends_) REQUIRE(store->max_offset(queue.first, queue.second) >= end);
  }

  std::mt19937_64& random() { return random_; }

 private:
  struct Message {
    std::string body, key;
  };
  void put_batch(FaultyStore& store, const std::string& topic, std::int32_t queue_id, const std::string& body,
                 const std::string& properties) {
    std::vector<PutMessage> batch;
    for (int i = 0; i < 3; ++i) batch.push_back(faulty_message(topic, queue_id, body, properties));
    PutResult result;
    std::promise<PutResult> answer;
    store->put_batch(batch, [&](const PutResult& put) { answer.set_value(put); });
    result = answer.get_future().get();
    REQUIRE(result.status == PutStatus::ok);
    for (int i = 0; i < 3; ++i) remember(topic, queue_id, result.queue_offset + i, body, properties);
  }
  void remember(const std::string& topic, std::int32_t queue_id, std::int64_t offset, const std::string& body,
                const std::string& properties) {
    const std::string key = properties.substr(5, properties.size() - 6);
    REQUIRE(
        messages_.emplace(std::tuple(topic, queue_id, offset), Message{body, key}).second);  // An acknowledged offset is never given twice.
    ends_[{topic, queue_id}] = std::max(ends_[{topic, queue_id}], offset + 1);
  }

  std::mt19937_64 random_;
  int next_ = 0;
  std::map<std::tuple<std::string, std::int32_t, std::int64_t>, Message> messages_;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> ends_;
};

}  // namespace

TEST_CASE("acknowledged messages outlive kills and clean stops", "[store][fault]") {
  FaultyStore store;
  Model model(seed_of_run());
  for (int round = 0; round < 12; ++round) {
    model.put_some(store);
    if (model.random()() % 3 == 0)
      store.stop();
    else
      store.kill();
    store.start();
    model.check(store);
  }
}

TEST_CASE("messages acknowledged under SYNC_FLUSH outlive power cuts", "[store][fault]") {
  FaultyStore store([](MessageStoreOptions& options) { options.sync_flush = true; });
  Model model(seed_of_run());
  for (int round = 0; round < 12; ++round) {
    model.put_some(store);
    switch (model.random()() % 4) {
      case 0: store.stop(); break;
      case 1: store.kill(); break;
      default: store.cut_power(model.random()()); break;
    }
    store.start();
    model.check(store);
  }
}

}  // namespace skylark::broker
