// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/ha_runtime_info.h"

#include "protocol/bodies/body.h"

namespace skylark {

HaRuntimeInfo::Connection HaRuntimeInfo::Connection::from_json(const json::Value& value) {
  return {.addr = value["addr"].as_string(),
          .diff = value["diff"].as_integer(),
          .in_sync = value["inSync"].as_boolean(),
          .slave_ack_offset = value["slaveAckOffset"].as_integer(),
          .transfer_from_where = value["transferFromWhere"].as_integer(),
          .transferred_bytes_in_second = value["transferredByteInSecond"].as_integer()};
}

json::Value HaRuntimeInfo::Connection::to_json() const {
  json::Value out;
  out.set("addr", addr);
  out.set("diff", diff);
  out.set("inSync", in_sync);
  out.set("slaveAckOffset", slave_ack_offset);
  out.set("transferFromWhere", transfer_from_where);
  out.set("transferredByteInSecond", transferred_bytes_in_second);
  return out;
}

HaRuntimeInfo::Client HaRuntimeInfo::Client::from_json(const json::Value& value) {
  Client client;
  client.last_read_timestamp = value["lastReadTimestamp"].as_integer();
  client.last_write_timestamp = value["lastWriteTimestamp"].as_integer();
  if (!value["masterAddr"].is_null()) client.master_addr = value["masterAddr"].as_string();
  client.master_flush_offset = value["masterFlushOffset"].as_integer();
  client.max_offset = value["maxOffset"].as_integer();
  client.transferred_bytes_in_second = value["transferredByteInSecond"].as_integer();
  return client;
}

json::Value HaRuntimeInfo::Client::to_json() const {
  json::Value out;
  out.set("lastReadTimestamp", last_read_timestamp);
  out.set("lastWriteTimestamp", last_write_timestamp);
  if (master_addr) out.set("masterAddr", *master_addr);
  out.set("masterFlushOffset", master_flush_offset);
  out.set("maxOffset", max_offset);
  out.set("transferredByteInSecond", transferred_bytes_in_second);
  return out;
}

HaRuntimeInfo HaRuntimeInfo::from_json(const json::Value& value) {
  return {.client = Client::from_json(value["haClientRuntimeInfo"]),
          .connections = detail::vector_from<Connection>(value["haConnectionInfo"]),
          .in_sync_slave_count = value["inSyncSlaveNums"].as_int32(),
          .master = value["master"].as_boolean(),
          .master_commit_log_max_offset = value["masterCommitLogMaxOffset"].as_integer()};
}

json::Value HaRuntimeInfo::to_json() const {
  json::Value out;
  out.set("haClientRuntimeInfo", client.to_json());
  out.set("haConnectionInfo", detail::array_of(connections));
  out.set("inSyncSlaveNums", in_sync_slave_count);
  out.set("master", master);
  out.set("masterCommitLogMaxOffset", master_commit_log_max_offset);
  return out;
}

}  // namespace skylark
