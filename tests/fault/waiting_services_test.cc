// SPDX-License-Identifier: Apache-2.0
// Services that walk a queue and meet what they cannot read: they stay there while it may come back, others go on, and in the end it comes
// or is told as lost.
#include <set>

#include "broker/schedule/schedule_service.h"
#include "broker/schedule/scheduled_message.h"
#include "broker/topic_names.h"
#include "broker/transaction/half_message.h"
#include "broker/transaction/transaction_service.h"
#include "tests/fault/filled_store.h"
#include "tests/support/captured_log.h"
#include "tests/support/eventually.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;
using Bodies = std::vector<std::string>;

constexpr std::int64_t kNotNow = 3'600'000;  // An interval of upkeep that no test lives to see.
constexpr std::int64_t kWalked = 5;          // Delayed, or prepared; the damage is at number 2.
constexpr std::int64_t kDamaged = 2;
const std::string kZeros(20, '\0');

struct WaitingStore : FilledStore {
  std::vector<PutResult> walked;  // The messages in the queue that is walked.

  WaitingStore() : FilledStore([](MessageStoreOptions& options) { options.upkeep_interval_ms = kNotNow; }) {}
  /// Goes on with what was written by an earlier run.
  void start_again(std::int64_t upkeep_interval_ms) {
    clock().advance(1s);
    stop();
    options().upkeep_interval_ms = upkeep_interval_ms;
    start();
  }
  void ruin_unit(std::string_view topic) {
    disk().damage("/store/consumequeue/" + std::string(topic) + "/0/00000000000000000000", kDamaged * 20, kZeros);
  }
  void ruin_record() { flip(walked[kDamaged].physical_offset + 92); }
  void refuse_reads(bool refuse) {
    disk().evict(refuse ? "/commitlog/" : "");
    disk().fail_reads_of(refuse ? "/commitlog/" : "");
  }
};

struct DelayedStore : WaitingStore {
  DelayLevels levels = *DelayLevels::parse("1s 5s 10s");

  DelayedStore() {
    for (std::int64_t i = 0; i < kWalked; ++i) walked.push_back(delay("fast " + std::to_string(i), 1));
    delay("slow", 2);
    await_dispatch();
    start_again(kNotNow);
    clock().advance(1min);
  }
  PutResult delay(const std::string& body, std::int32_t level) {
    std::string properties, topic, rewritten;
    append_property(properties, property::kDelay, std::to_string(level));
    PutMessage message = faulty_message("Late", 0, body, properties);
    REQUIRE(redirect_to_schedule_topic(message, topic, rewritten, levels));
    return (*this)->put_sync(message);
  }
  /// A round of delivery; all that was delivered by now.
  Bodies deliver() {
    ScheduleService service(**this, levels, {.progress_path = "/store/config/delayOffset.json"}, disk(), clock());
    if (service.load()) (void)service.deliver_due();
    REQUIRE(service.persist().has_value());
    await_dispatch();
    Bodies delivered;
    for (const auto& [offset, body] : pull_all("Late")) delivered.push_back(body);
    return delivered;
  }
  MessageStore& operator*() { return *operator->(); }
};

struct PreparedStore : WaitingStore {
  std::map<std::string, std::int64_t, std::less<>> progress;
  Bodies asked;
  std::unique_ptr<TransactionService> service;

  PreparedStore() {
    for (std::int64_t i = 0; i < kWalked; ++i) walked.push_back(prepare(std::to_string(i)));
    await_dispatch();
  }
  PutResult prepare(const std::string& body) {
    std::string properties, topic, rewritten;
    append_property(properties, property::kTransactionPrepared, "true");
    append_property(properties, property::kProducerGroup, "payers");
    PutMessage message = faulty_message("Paid", 0, body, properties);
    message.fields.born_timestamp = clock().now_ms();
    redirect_to_half_topic(message, topic, rewritten);
    return (*this)->put_sync(message);
  }
  void open_service() {
    HalfCheckPorts ports;
    ports.query_progress = [this](std::string_view topic) {
      const auto found = progress.find(topic);
      return found == progress.end() ? -1 : found->second;
    };
    ports.commit_progress = [this](std::string_view topic, std::int64_t offset) { progress[std::string(topic)] = offset; };
    ports.send_check = [this](std::string_view, const RemotingCommand& request) {
      asked.emplace_back(decode_record(request.body.view())->body);
      return true;
    };
    ports.need_given_up_topic = [] {};
    service = std::make_unique<TransactionService>(*operator->(), clock(), TransactionOptions{}, std::move(ports), MessageHook{});
  }
  /// The producer ends one; its op message is written at once.
  void commit(std::int64_t number) {
    EndTransactionRequestHeader header;
    header.producer_group = "payers";
    header.half_queue_offset = walked[static_cast<std::size_t>(number)].queue_offset;
    header.half_physical_offset = walked[static_cast<std::size_t>(number)].physical_offset;
    header.commit_or_rollback = sys_flag::kTransactionCommit;
    ResponseCode code = ResponseCode::system_busy;
    service->end(header, [&](const EndOutcome& outcome) { code = outcome.code; });
    REQUIRE(code == ResponseCode::success);
    service->write_ops(true);
    await_dispatch();
  }
  void close_and_start_again(std::int64_t upkeep_interval_ms) {
    service.reset();
    start_again(upkeep_interval_ms);
    open_service();
    clock().advance(1min);
  }
  /// A pass of checks; the bodies of those that were asked for up to now.
  Bodies check() {
    service->run_checks();
    await_dispatch();
    return asked;
  }
  /// How many were asked for after another pass; one that is asked for is stored again, and asked for again.
  std::size_t different_asked() {
    (void)check();
    return std::set<std::string>(asked.begin(), asked.end()).size();
  }
};

const Bodies kBefore{"fast 0", "fast 1", "slow"};
const Bodies kBehind{"fast 3", "fast 4"};

Bodies joined(Bodies first, const Bodies& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

TEST_CASE("a delayed message whose unit was changed waits until it is mended, and other levels go on", "[store][mend][fault]") {
  DelayedStore store;
  store.ruin_unit(names::kScheduleTopic);
  CHECK(store.deliver() == kBefore);
  CHECK(store.deliver() == kBefore);
  store.start_again(1);
  CHECK(eventually([&] { return store.deliver().size() == kWalked + 1; }));
  CHECK(store.deliver() == joined(kBefore, joined({"fast 2"}, kBehind)));
}

TEST_CASE("a delayed message that is damaged in the log is passed over once that is told", "[store][mend][fault]") {
  DelayedStore store;
  store.ruin_record();
  const bool unit_as_well = GENERATE(false, true);
  if (unit_as_well) store.ruin_unit(names::kScheduleTopic);
  CHECK(store.deliver() == kBefore);
  store.start_again(1);
  const CapturedLog log;
  CHECK(eventually([&] { return store.deliver() == joined(kBefore, kBehind); }));
  CHECK(log.says("offset 2 of consume queue 0 of SCHEDULE_TOPIC_XXXX cannot be mended"));
  CHECK(log.says("delay level 1: message 2 at "));
}

TEST_CASE("a delayed message that the disk refuses is tried again for some rounds", "[store][mend][fault]") {
  DelayedStore store;
  store.start_again(1);
  store.refuse_reads(true);
  const CapturedLog log;
  SECTION("the disk answers again") {
    CHECK(store.deliver().empty());
    CHECK(eventually([&] { return log.says("cannot mend offset 0 of consume queue 0 of SCHEDULE_TOPIC_XXXX now"); }));
    store.refuse_reads(false);
    CHECK(eventually([&] { return store.deliver().size() == kWalked + 1; }));
    CHECK_FALSE(log.says("cannot be mended"));
  }
  SECTION("it never does") {
    CHECK(eventually([&] {
      (void)store.deliver();
      return log.says("delay level 1: message 0 at ");
    }));
    store.refuse_reads(false);
    CHECK(log.says("offset 0 of consume queue 0 of SCHEDULE_TOPIC_XXXX cannot be mended"));
  }
}

TEST_CASE("a half message whose unit was changed is checked once that is mended", "[store][mend][fault]") {
  PreparedStore store;
  store.close_and_start_again(kNotNow);
  store.ruin_unit(names::kHalfTopic);
  CHECK(store.check() == Bodies{"0", "1"});
  CHECK(store.check() == Bodies{"0", "1"});
  store.close_and_start_again(1);
  CHECK(eventually([&] { return store.different_asked() == kWalked; }));
}

TEST_CASE("a half message that is damaged in the log is passed over once that is told", "[store][mend][fault]") {
  PreparedStore store;
  store.close_and_start_again(1);
  store.ruin_record();
  const CapturedLog log;
  CHECK(eventually([&] { return store.different_asked() == kWalked - 1; }));
  CHECK(log.says("message 2 of RMQ_SYS_TRANS_HALF_TOPIC is not in the log"));
}

TEST_CASE("nobody is asked for a transaction that ended while its op message waits to be mended", "[store][mend][fault]") {
  PreparedStore store;
  store.open_service();
  for (std::int64_t number = 0; number < kWalked; ++number) store.commit(number);
  store.close_and_start_again(kNotNow);
  store.ruin_unit(names::kOpTopic);
  CHECK(store.check().empty());
  store.close_and_start_again(1);
  CHECK(eventually([&] { return store.check().empty() && store.progress[std::string(names::kHalfTopic)] == kWalked; }));
  CHECK(store.asked.empty());
}

}  // namespace skylark::broker
