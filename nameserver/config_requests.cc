// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/config.h"
#include "base/log.h"
#include "nameserver/requests.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/tables.h"

namespace skylark::nameserver {
namespace {

constexpr const char* kNoKey = "namespace or key is null";

RemotingCommand after_save(const RemotingCommand& request, const Result<void>& saved) {
  if (saved) return respond(request, ResponseCode::success);
  log::error("the key-value configuration could not be saved: {}", saved.error().message());
  return respond(request, ResponseCode::system_error, fmt::format("the key-value configuration could not be saved: {}", saved.error().message()));
}

RemotingCommand put_kv(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<PutKvConfigRequestHeader>(request);
  if (!header) return respond(request, ResponseCode::system_error, kNoKey);
  return after_save(request, context.kv_config.put(header->name_space, header->key, header->value));
}

RemotingCommand get_kv(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<GetKvConfigRequestHeader>(request);
  auto value = header ? context.kv_config.get(header->name_space, header->key) : std::nullopt;
  if (!value) {
    const auto shown = [&](std::string_view name) { return request.ext.text(name).value_or("null"); };
    return respond(request, ResponseCode::query_not_found, fmt::format("No config item, Namespace: {} Key: {}", shown("namespace"), shown("key")));
  }
  auto response = respond(request, ResponseCode::success);
  const GetKvConfigResponseHeader answer{std::move(value)};
  encode_header(answer, response);
  return response;
}

RemotingCommand delete_kv(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<DeleteKvConfigRequestHeader>(request);
  if (!header) return respond(request, ResponseCode::system_error, kNoKey);
  return after_save(request, context.kv_config.remove(header->name_space, header->key));
}

RemotingCommand list_kv(RequestContext& context, RemotingCommand& request) {
  const auto name_space = request.ext.text("namespace");
  const auto table = name_space ? context.kv_config.list(*name_space) : std::nullopt;
  if (!table) return respond(request, ResponseCode::query_not_found, fmt::format("No config item, Namespace: {}", name_space.value_or("null")));
  auto response = respond(request, ResponseCode::success);
  response.body = Body(encode_body(KvTable{*table}));
  return response;
}

/// The keys that Java never lets anybody change, whatever the configured list says.
bool is_black_listed(const RequestContext& context, std::string_view key) {
  if (key == "configBlackList" || key == "configStorePath" || key == "kvConfigPath" || key == "rocketmqHome") return true;
  const auto list = context.settings.config_black_list.get();
  for (std::string_view rest = list; !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    if (rest.substr(0, end) == key) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

RemotingCommand update_config(RequestContext& context, RemotingCommand& request) {
  const auto properties = read_properties(request.body.view());
  if (std::any_of(properties.begin(), properties.end(), [&](const auto& property) { return is_black_listed(context, property.key); })) {
    return respond(request, ResponseCode::no_permission, "Can not update config in black list.");
  }
  const auto update = context.config.update(properties, context.settings.config_store_path.get());
  if (!update.problem.empty()) return respond(request, ResponseCode::system_error, update.problem);
  for (const auto& key : update.changed) log::info("{} was changed by an administrator", key);
  for (const auto& key : update.after_restart) log::info("{} was changed by an administrator, in force after a restart", key);
  return respond(request, ResponseCode::success);
}

RemotingCommand get_config(RequestContext& context, RemotingCommand& request) {
  auto response = respond(request, ResponseCode::success);
  response.body = Body(context.config.to_properties_text());
  return response;
}

}  // namespace

void add_config_requests(RequestTable& table, RequestContext& context) {
  using Answer = RemotingCommand (*)(RequestContext&, RemotingCommand&);
  const auto add = [&](RequestCode code, Answer answer) {
    table.add(code, [&context, answer](auto& request, auto) { return answer(context, request); });
  };
  add(RequestCode::put_kv_config, put_kv);
  add(RequestCode::get_kv_config, get_kv);
  add(RequestCode::delete_kv_config, delete_kv);
  add(RequestCode::get_kvlist_by_namespace, list_kv);
  add(RequestCode::update_namesrv_config, update_config);
  add(RequestCode::get_namesrv_config, get_config);
}

}  // namespace skylark::nameserver
