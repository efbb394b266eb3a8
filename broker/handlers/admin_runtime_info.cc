// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_runtime_info.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/broker_config.h"
#include "broker/broker_stats.h"
#include "broker/handlers/answers.h"
#include "broker/message_store.h"
#include "broker/owned_message.h"
#include "broker/topic_names.h"
#include "protocol/bodies/tables.h"

namespace skylark::broker {
namespace {

/// `93.0 GiB`, as MixAll.humanReadableByteCount writes it.
std::string human_bytes(std::int64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  constexpr std::string_view kUnits = "KMGTPE";
  for (value /= 1024; value >= 1024 && unit + 1 < kUnits.size(); value /= 1024) ++unit;
  return fmt::format("{:.1f} {}iB", value, kUnits[unit]);
}

std::string uptime(std::int64_t ms) {
  const std::int64_t seconds = ms / 1'000;
  return fmt::format("[ {} days, {} hours, {} minutes, {} seconds ]", seconds / 86'400, seconds / 3'600 % 24, seconds / 60 % 60,
                     seconds % 60);
}

}  // namespace

remoting::Reply RuntimeInfo::get(RemotingCommand& request) {
  KvTable body;
  body.table = table();
  return answer_body(request, body);
}

std::map<std::string, std::string> RuntimeInfo::table() const {
  Table table;
  add_totals(table);
  add_store(table);
  add_disk(table);
  add_queues(table);
  add_counters(table);
  return table;
}

void RuntimeInfo::add_totals(Table& table) const {
  const BrokerStats::Totals totals = stats_.totals();
  table["bootTimestamp"] = std::to_string(totals.boot_ms);
  table["runtime"] = uptime(clock_.now_ms() - totals.boot_ms);
  table["putMessageTimesTotal"] = std::to_string(totals.put_times);
  table["putMessageFailedTimes"] = std::to_string(totals.put_failed);
  table["putMessageSizeTotal"] = std::to_string(totals.put_bytes);
  table["putMessageAverageSize"] =
      fmt::format("{:.1f}", totals.put_times == 0 ? 0.0 : static_cast<double>(totals.put_bytes) / static_cast<double>(totals.put_times));
  table["putMessageDistributeTime"] =
      "[<=0ms]:0 [0~10ms]:0 [10~50ms]:0 [50~100ms]:0 [100~200ms]:0 [200~500ms]:0 [500ms~1s]:0 [1~2s]:0 [2~3s]:0 [3~4s]:0 [4~5s]:0 "
      "[5~10s]:0 [10s~]:0 ";
  for (const char* name : {"putMessageEntireTimeMax", "getMessageEntireTimeMax", "dispatchMaxBuffer"}) table[name] = "0";
  for (const char* name : {"putLatency99", "putLatency999"}) table[name] = "0.00";
  table["putTps"] = stats_.tps_text(BrokerStats::Rate::put);
  table["getFoundTps"] = stats_.tps_text(BrokerStats::Rate::get_found);
  table["getMissTps"] = stats_.tps_text(BrokerStats::Rate::get_miss);
  table["getTotalTps"] = stats_.tps_text(BrokerStats::Rate::get_total);
  table["getTransferredTps"] = stats_.tps_text(BrokerStats::Rate::get_transferred);
  table["getTransferedTps"] = table["getTransferredTps"];  // The spelling before 5.0, which exporters still read.
  table["msgPutTotalYesterdayMorning"] = std::to_string(totals.put_yesterday_morning);
  table["msgPutTotalTodayMorning"] = std::to_string(totals.put_today_morning);
  table["msgPutTotalTodayNow"] = std::to_string(totals.put_times);
  table["msgGetTotalYesterdayMorning"] = std::to_string(totals.get_yesterday_morning);
  table["msgGetTotalTodayMorning"] = std::to_string(totals.get_today_morning);
  table["msgGetTotalTodayNow"] = std::to_string(totals.get_messages);
}

void RuntimeInfo::add_store(Table& table) const {
  table["brokerActive"] = "true";
  table["brokerVersionDesc"] = "V5_3_3";
  table["brokerVersion"] = std::to_string(kProtocolVersion);
  table["commitLogMinOffset"] = std::to_string(store_.min_physical_offset());
  table["commitLogMaxOffset"] = std::to_string(store_.max_physical_offset());
  table["dispatchBehindBytes"] = std::to_string(store_.dispatch_behind_bytes());
  table["pageCacheLockTimeMills"] = "0";
  const auto first = load_record(store_, store_.min_physical_offset());
  table["earliestMessageTimeStamp"] = std::to_string(first ? first->view.store_timestamp : -1);
  table["remainTransientStoreBufferNumbs"] = "2147483647";  // No pool is used: Java's number for that.
  table["startAcceptSendRequestTimeStamp"] = std::to_string(config_.broker.start_accept_sends_ms.get());
  table["remainHowManyDataToFlush"] =
      human_bytes(std::max<std::int64_t>(0, store_.max_physical_offset() - store_.flushed_physical_offset()));
  for (const auto& [level, offset] : delays_()) {
    table[fmt::format("scheduleMessageOffset_{}", level)] =
        fmt::format("{},{}", offset, store_.max_offset(names::kScheduleTopic, level - 1));
  }
  for (const char* name : {"timerReadBehind", "timerOffsetBehind", "timerCongestNum"}) table[name] = "0";
  for (const char* name : {"timerEnqueueTps", "timerDequeueTps"}) table[name] = "0.0";
}

void RuntimeInfo::add_disk(Table& table) const {
  const std::string root = config_.store.root.get();
  const auto root_space = files_.space(root);
  double least = 1.0;
  for (const std::string& folder : commit_log_folders(config_.store_options()).writable) {
    const auto space = files_.space(folder);
    const double used = space ? space->used_ratio() : -1.0;
    least = std::min(least, used);
    table[fmt::format("commitLogDiskRatio_{}", folder)] = fmt::format("{:.2f}", used);
  }
  table["commitLogDiskRatio"] = fmt::format("{:.2f}", least);
  table["consumeQueueDiskRatio"] = fmt::format("{:.2f}", root_space ? root_space->used_ratio() : -1.0);
  // Java as well looks at the root here, whatever the folders of the log.
  table["commitLogDirCapacity"] = fmt::format("Total : {}, Free : {}.", human_bytes(root_space ? root_space->total_bytes : 0),
                                              human_bytes(root_space ? root_space->available_bytes : 0));
}

void RuntimeInfo::add_queues(Table& table) const {
  // Requests are served on their connection's thread, so nothing queues; the capacities are Java's.
  for (const auto& [pool, capacity] :
       {std::pair{"send", "10000"}, {"pull", "100000"}, {"litePull", "100000"}, {"query", "20000"}, {"ack", "100000"}}) {
    table[fmt::format("{}ThreadPoolQueueSize", pool)] = "0";
    table[fmt::format("{}ThreadPoolQueueCapacity", pool)] = capacity;
    table[fmt::format("{}ThreadPoolQueueHeadWaitTimeMills", pool)] = "0";
  }
  table["sendThreadPoolQueueCapacity"] = std::to_string(config_.broker.send_capacity.get());
  table["EndTransactionQueueSize"] = "0";
  table["EndTransactionThreadPoolQueueCapacity"] = "100000";
}

// Keys of Skylark, which Java's tools pass over.
void RuntimeInfo::add_counters(Table& table) const {
  table["commitLogFlushTimes"] = std::to_string(store_.flush_count());
  const remoting::Counters* counters = counters_();
  if (counters == nullptr) return;
  constexpr const char* kCodecs[] = {"Json", "Rocketmq", "Flatbuffers"};
  for (std::size_t codec = 0; codec < std::size(kCodecs); ++codec) {
    table[fmt::format("framesReceived{}", kCodecs[codec])] = std::to_string(counters->frames_received[codec]);
    table[fmt::format("framesSent{}", kCodecs[codec])] = std::to_string(counters->frames_sent[codec]);
  }
  table["connectionsOpened"] = std::to_string(counters->connections_opened);
  table["connectionsClosed"] = std::to_string(counters->connections_closed);
  table["framesRejected"] = std::to_string(counters->frames_rejected);
  table["connectionsIdle"] = std::to_string(counters->connections_idle);
  table["connectionsOverrun"] = std::to_string(counters->connections_overrun);
}

}  // namespace skylark::broker
