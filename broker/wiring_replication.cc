// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "broker/broker_config.h"
#include "broker/ha/replication.h"
#include "broker/handlers/handlers.h"
#include "broker/message_store.h"
#include "broker/parts.h"
#include "broker/registration.h"

namespace skylark::broker {
namespace {

std::unique_ptr<Replication> make_master(BrokerParts& parts) {
  const auto& settings = parts.config.store;
  HaServerOptions options;
  options.bind_address = parts.config.broker.bind_address.get();
  options.port = static_cast<std::uint16_t>(settings.ha_listen_port.get());
  options.batch_size_bytes = static_cast<std::size_t>(settings.ha_batch_size.get());
  options.heartbeat_interval = std::chrono::milliseconds(settings.ha_heartbeat_ms.get());
  options.housekeeping_interval = std::chrono::milliseconds(settings.ha_housekeeping_ms.get());
  options.gap_in_sync_max_bytes = settings.ha_gap_max.get();
  // inSyncReplicas counts the master; only a SYNC_MASTER waits.
  const std::int32_t acks_needed = parts.config.is_sync_master() ? std::max(settings.in_sync_replicas.get() - 1, 0) : 0;
  return std::make_unique<Replication>(parts.store, options, acks_needed);
}

std::unique_ptr<Replication> make_replica(BrokerParts& parts) {
  const auto& settings = parts.config.store;
  MetadataSyncOptions metadata;
  metadata.interval = std::chrono::milliseconds(parts.config.broker.sync_metadata_period_ms.get());
  metadata.own_address = parts.identity.address;
  metadata.delay_offset_path = parts.config.config_path("delayOffset.json");
  HaClientOptions options;
  options.reconnect_delay = std::chrono::milliseconds(settings.ha_reconnect_ms.get());
  options.heartbeat_interval = std::chrono::milliseconds(settings.ha_heartbeat_ms.get());
  options.housekeeping_interval = std::chrono::milliseconds(settings.ha_housekeeping_ms.get());
  return std::make_unique<Replication>(
      parts.store, options,
      std::make_unique<MetadataSync>(metadata, parts.client, parts.topics, parts.groups, parts.offsets, parts.files),
      settings.ha_master_address.get());
}

}  // namespace

void wire_replication(BrokerParts& parts, Wired& wired) {
  auto replication = parts.config.is_slave() ? make_replica(parts) : make_master(parts);
  parts.handlers.add(RequestCode::get_broker_ha_status, *replication);
  parts.registration.set_master_listener([&part = *replication](const std::string& ha_address, const std::string& master_address) {
    part.set_master(ha_address, master_address);
  });
  wired.services.push_back(std::move(replication));
}

}  // namespace skylark::broker
