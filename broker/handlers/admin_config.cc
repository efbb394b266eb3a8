// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_config.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/config.h"
#include "base/log.h"
#include "base/properties_text.h"
#include "broker/handlers/answers.h"
#include "broker/handlers/split.h"
#include "protocol/admin_headers.h"

namespace skylark::broker {

remoting::Reply ConfigAdmin::get(RemotingCommand& request) {
  RemotingCommand response = answer(request, ResponseCode::success);
  GetBrokerConfigResponseHeader header;
  {
    const std::lock_guard lock(mutex_);
    header.version = json::write(version_.to_json());
  }
  encode_header(header, response);
  response.body = Body(config_.to_properties_text());
  return response;
}

remoting::Reply ConfigAdmin::update(RemotingCommand& request) {
  const auto changes = read_properties(request.body.view());
  if (changes.empty()) return answer(request, ResponseCode::system_error, "string2Properties error");
  std::set<std::string> forbidden = split(black_list_, ';');
  forbidden.insert({"brokerConfigPath", "rocketmqHome", "configBlackList"});
  if (std::any_of(changes.begin(), changes.end(), [&](const Property& change) { return forbidden.contains(change.key); })) {
    return answer(request, ResponseCode::no_permission, "Can not update config in black list.");
  }

  const ConfigUpdate update = config_.update(changes, save_path_);
  if (!update.problem.empty()) return answer(request, ResponseCode::system_error, update.problem);
  for (const std::string& key : update.changed) log::info("configuration: {} is changed on request", key);
  for (const std::string& key : update.after_restart) log::info("configuration: {} is changed on request, in force at the next start", key);
  for (const std::string& key : update.unknown) log::warn("configuration: {} is asked to be changed and unknown", key);
  {
    const std::lock_guard lock(mutex_);
    version_.bump(clock_.now_ms());
  }
  if (std::find(update.changed.begin(), update.changed.end(), "brokerPermission") != update.changed.end()) on_permission_change_();
  return answer(request, ResponseCode::success);
}

}  // namespace skylark::broker
