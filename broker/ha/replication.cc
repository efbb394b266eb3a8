// SPDX-License-Identifier: Apache-2.0
#include "broker/ha/replication.h"

#include <stdexcept>

#include <fmt/core.h>

#include "protocol/bodies/body.h"
#include "protocol/response_code.h"

namespace skylark::broker {

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
  response.body = Body(encode_body(server_ ? master_status() : replica_status()));
  return response;
}

HaRuntimeInfo Replication::master_status() const {
  HaRuntimeInfo info;
  info.master = true;
  info.master_commit_log_max_offset = store_.max_physical_offset();
  for (const ReplicaStatus& replica : server_->replicas()) {
    info.connections.push_back({.addr = replica.address,
                                .diff = replica.behind_bytes,
                                .in_sync = replica.in_sync,
                                .slave_ack_offset = replica.acknowledged,
                                .transfer_from_where = replica.transfer_from,
                                .transferred_bytes_in_second = replica.bytes_per_second});
    if (replica.in_sync) ++info.in_sync_slave_count;
  }
  return info;
}

HaRuntimeInfo Replication::replica_status() const {
  const HaClientStatus status = client_->status();
  HaRuntimeInfo info;
  info.client.last_read_timestamp = status.last_read_ms;
  info.client.last_write_timestamp = status.last_write_ms;
  if (!status.master_address.empty()) info.client.master_addr = status.master_address;
  info.client.max_offset = store_.max_physical_offset();
  info.client.transferred_bytes_in_second = status.bytes_per_second;
  return info;
}

}  // namespace skylark::broker
