// SPDX-License-Identifier: Apache-2.0
#include "broker/ha/metadata_sync.h"

#include <pthread.h>

#include "base/error.h"
#include "base/log.h"
#include "protocol/json.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"

namespace skylark::broker {

MetadataSync::MetadataSync(MetadataSyncOptions options, remoting::Client& client, TopicConfigManager& topics, SubscriptionGroupManager& groups,
                           ConsumerOffsetManager& offsets, FileSystem& files)
    : options_(std::move(options)), client_(client), topics_(topics), groups_(groups), offsets_(offsets), files_(files) {}

MetadataSync::~MetadataSync() { stop(); }

void MetadataSync::start() {
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "metadata-sync");
}

void MetadataSync::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MetadataSync::set_master(const std::string& address) {
  {
    const std::lock_guard lock(mutex_);
    if (master_ == address) return;
    master_ = address;
    due_ = true;
  }
  changed_.notify_all();
}

void MetadataSync::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, options_.interval, [this] { return stopping_ || due_; });
    due_ = false;
    const std::string master = master_;
    if (stopping_ || master.empty() || master == options_.own_address) continue;
    lock.unlock();
    sync_all(master);
    lock.lock();
  }
}

void MetadataSync::sync_all(const std::string& master) {
  sync_topics(master);
  sync_groups(master);
  sync_offsets(master);
  sync_delay_progress(master);
}

Result<std::string> MetadataSync::ask(const std::string& master, std::int32_t code) {
  RemotingCommand request;
  request.code = code;
  auto response = client_.invoke_sync(master, std::move(request), options_.timeout);
  if (response && response->code != to_int(ResponseCode::success)) response = make_error_code(Errc::not_found);
  if (!response) {
    log::warn("cannot ask the master {} for its metadata (request {}): {}", master, code, response.error().message());
    return response.error();
  }
  return response->body.to_string();
}

void MetadataSync::sync_topics(const std::string& master) {
  const auto body = ask(master, to_int(RequestCode::get_all_topic_config));
  const auto value = body ? json::parse(*body) : Result<json::Value>(body.error());
  if (!value) return;
  auto table = TopicConfigTable::from_json(*value);
  if (table.version == topics_.version()) return;
  topics_.replace(std::move(table));
}

void MetadataSync::sync_groups(const std::string& master) {
  const auto body = ask(master, to_int(RequestCode::get_all_subscriptiongroup_config));
  const auto value = body ? json::parse(*body) : Result<json::Value>(body.error());
  if (!value) return;
  auto table = SubscriptionGroupTable::from_json(*value);
  if (table.version == groups_.version()) return;
  groups_.replace(std::move(table));
}

void MetadataSync::sync_offsets(const std::string& master) {
  const auto body = ask(master, to_int(RequestCode::get_all_consumer_offset));
  const auto value = body ? json::parse(*body) : Result<json::Value>(body.error());
  if (!value) return;
  offsets_.replace(*value);
  offsets_.persist();
}

void MetadataSync::sync_delay_progress(const std::string& master) {
  const auto body = ask(master, to_int(RequestCode::get_all_delay_offset));
  if (!body || body->empty() || *body == last_delay_progress_) return;
  if (!json::parse(*body)) return log::warn("the master {} sent delay progress that is no JSON", master);
  const auto written = files_.write_all(options_.delay_offset_path, *body, false);
  if (!written) return log::warn("cannot write {}: {}", options_.delay_offset_path, written.error().message());
  last_delay_progress_ = *body;
}

}  // namespace skylark::broker
