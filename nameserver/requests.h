// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "nameserver/kv_config.h"
#include "nameserver/name_server_config.h"
#include "nameserver/route_table.h"
#include "protocol/remoting_command.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"

namespace skylark {
class Config;
}

namespace skylark::nameserver {

/// What the requests work on. `started_at_ms` is steady time.
struct RequestContext {
  NameServerConfig& settings;
  Config& config;
  RouteTable& routes;
  KvConfig& kv_config;
  Clock& clock;
  std::int64_t started_at_ms = 0;

  [[nodiscard]] RoutePolicy policy() const {
    return {.delete_topic_with_registration = settings.delete_topic_with_registration.get(), .support_acting_master = settings.support_acting_master.get()};
  }
};

/// The answers of a name server, by request code. Threads: `answer` from any.
class RequestTable {
 public:
  using Function = std::function<RemotingCommand(RemotingCommand& request, std::uint64_t connection_id)>;

  void add(RequestCode code, Function function) { functions_[to_int(code)] = std::move(function); }
  /// Code 3 ` request type <code> not supported` for what is not in the table.
  [[nodiscard]] RemotingCommand answer(RemotingCommand& request, std::uint64_t connection_id) const;

 private:
  std::map<std::int32_t, Function> functions_;
};

/// Registrations, heartbeats and data versions of brokers: codes 103, 104, 217, 322, 901, 904.
void add_broker_requests(RequestTable& table, RequestContext& context);
/// Routes, topic lists and permissions: codes 105, 106, 205, 206, 216, 224, 304, 311-313, 327.
void add_route_requests(RequestTable& table, RequestContext& context);
/// Key-value and name server configuration: codes 100-102, 219, 318, 319.
void add_config_requests(RequestTable& table, RequestContext& context);

[[nodiscard]] inline RemotingCommand respond(const RemotingCommand& request, ResponseCode code, std::string remark = {}) {
  return make_response(request, to_int(code), std::move(remark));
}

/// Java goes on with null and fails somewhere; the code is the same, the text says which field it was.
template <class Header>
[[nodiscard]] RemotingCommand respond_missing(const RemotingCommand& request) {
  return respond(request, ResponseCode::system_error, "the custom field <" + std::string(first_missing_field<Header>(request)) + "> is missing or broken");
}

}  // namespace skylark::nameserver
