// SPDX-License-Identifier: Apache-2.0
#include "broker/ha/replication.h"

#include <stdexcept>

#include <fmt/core.h>

#include "protocol/response_code.h"

namespace skylark::broker {
namespace {

json::Value client_status(const HaClientStatus& status, std::int64_t end) {
  json::Object info;
  info.emplace_back("lastReadTimestamp", status.last_read_ms);
  info.emplace_back("lastWriteTimestamp", status.last_write_ms);
  if (!status.master_address.empty()) info.emplace_back("masterAddr", status.master_address);
  info.emplace_back("masterFlushOffset", std::int64_t{0});
  info.emplace_back("maxOffset", end);
  info.emplace_back("transferredByteInSecond", status.bytes_per_second);
  return info;
}

}  // namespace

Replication::Replication(MessageStore& store, HaServerOptions options, std::int32_t acks_needed)
    : store_(store), port_(options.port), acks_needed_(acks_needed), server_(std::make_unique<HaServer>(store, std::move(options))) {
  store_.set_append_listener([this] { server_->wake(); });
}

Replication::Replication(MessageStore& store, HaClientOptions options, std::unique_ptr<MetadataSync> metadata, std::string fixed_master)
    : store_(store),
      port_(0),
      acks_needed_(0),
      fixed_master_(std::move(fixed_master)),
      client_(std::make_unique<HaClient>(store, options)),
      metadata_(std::move(metadata)) {}

Replication::~Replication() = default;

void Replication::start() {
  if (server_) {
    if (const auto started = server_->start(); !started) {
      throw std::runtime_error(fmt::format("cannot listen on haListenPort {}: {}", port_, started.error().message()));
    }
    store_.set_replica_acks_needed(acks_needed_);
  }
  if (client_) {
    if (!fixed_master_.empty()) client_->set_master(fixed_master_);
    client_->start();
  }
  if (metadata_) metadata_->start();
}

void Replication::stop() {
  if (metadata_) metadata_->stop();
  if (client_) client_->stop();
  if (server_) server_->stop();
}

void Replication::set_master(const std::string& ha_address, const std::string& master_address) {
  // Without a master the log's source stays as it is: the connection ends by itself and comes back with the master.
  if (client_ && fixed_master_.empty() && !ha_address.empty()) client_->set_master(ha_address);
  if (metadata_) metadata_->set_master(master_address);
}

remoting::Reply Replication::handle(RemotingCommand& request, const remoting::ConnectionPtr&) {
  auto response = make_response(request, to_int(ResponseCode::success));
  response.body = Body(json::write(server_ ? master_status() : replica_status()));
  return response;
}

json::Value Replication::master_status() const {
  json::Array connections;
  std::int64_t in_sync = 0;
  for (const ReplicaStatus& replica : server_->replicas()) {
    json::Object item;
    item.emplace_back("addr", replica.address);
    item.emplace_back("diff", replica.behind_bytes);
    item.emplace_back("inSync", replica.in_sync);
    item.emplace_back("slaveAckOffset", replica.acknowledged);
    item.emplace_back("transferFromWhere", replica.transfer_from);
    item.emplace_back("transferredByteInSecond", replica.bytes_per_second);
    connections.emplace_back(std::move(item));
    in_sync += replica.in_sync ? 1 : 0;
  }
  json::Object status;
  status.emplace_back("haClientRuntimeInfo", client_status({}, 0));
  status.emplace_back("haConnectionInfo", std::move(connections));
  status.emplace_back("inSyncSlaveNums", in_sync);
  status.emplace_back("master", true);
  status.emplace_back("masterCommitLogMaxOffset", store_.max_physical_offset());
  return status;
}

json::Value Replication::replica_status() const {
  json::Object status;
  status.emplace_back("haClientRuntimeInfo", client_status(client_->status(), store_.max_physical_offset()));
  status.emplace_back("haConnectionInfo", json::Array{});
  status.emplace_back("inSyncSlaveNums", std::int64_t{0});
  status.emplace_back("master", false);
  status.emplace_back("masterCommitLogMaxOffset", std::int64_t{0});
  return status;
}

}  // namespace skylark::broker
