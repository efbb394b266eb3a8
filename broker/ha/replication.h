// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "broker/ha/ha_client.h"
#include "broker/ha/ha_server.h"
#include "broker/ha/metadata_sync.h"
#include "broker/service.h"
#include "protocol/bodies/ha_runtime_info.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// Replication of this broker in its role: a master serves its log, a replica follows one.
/// `start` throws std::runtime_error when the replication port cannot be bound.
class Replication final : public Service {
 public:
  /// A master; `acks_needed` replicas must hold a message before its send is answered (0: none).
  Replication(MessageStore& store, HaServerOptions options, std::int32_t acks_needed);
  /// A replica. `fixed_master` is an HA address that outranks what the name server says; may be empty.
  Replication(MessageStore& store, HaClientOptions options, std::unique_ptr<MetadataSync> metadata, std::string fixed_master);
  ~Replication() override;

  void start() override;
  void stop() override;

  /// From the name server: where the master is; empty when there is none. Nothing happens on a master.
  void set_master(const std::string& ha_address, const std::string& master_address);
  /// Request 907, GET_BROKER_HA_STATUS.
  remoting::Reply handle(RemotingCommand& request, const remoting::ConnectionPtr& connection);

 private:
  [[nodiscard]] HaRuntimeInfo master_status() const;
  [[nodiscard]] HaRuntimeInfo replica_status() const;

  MessageStore& store_;
  const std::uint16_t port_;
  const std::int32_t acks_needed_;
  const std::string fixed_master_;
  std::unique_ptr<HaServer> server_;
  std::unique_ptr<HaClient> client_;
  std::unique_ptr<MetadataSync> metadata_;
};

}  // namespace skylark::broker
