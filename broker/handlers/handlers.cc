// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/handlers.h"

#include <fmt/core.h>

#include "base/assert.h"

namespace skylark::broker {
namespace {

bool is_send(std::int32_t code) {
  return code == to_int(RequestCode::send_message) || code == to_int(RequestCode::send_message_v2) ||
         code == to_int(RequestCode::send_batch_message);
}

}  // namespace

void HandlerTable::add(RequestCode code, HandlerFunction function) {
  const bool added = functions_.emplace(to_int(code), std::move(function)).second;
  SKYLARK_ASSERT(added, "two handlers for one request code");
}

const HandlerFunction* HandlerTable::find(std::int32_t code) const {
  const auto found = functions_.find(code);
  return found == functions_.end() ? nullptr : &found->second;
}

RemotingCommand answer(const RemotingCommand& request, ResponseCode code, std::string remark) {
  return make_response(request, to_int(code), std::move(remark));
}

RemotingCommand answer_not_supported(const RemotingCommand& request) {
  return answer(request, ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", request.code));
}

RemotingCommand answer_missing(const RemotingCommand& request, std::string_view field) {
  return answer(request, ResponseCode::system_error, fmt::format("the custom field <{}> is missing or broken", field));
}

BrokerDispatcher::BrokerDispatcher(const HandlerTable& table, bool fast_port, CloseListener on_close)
    : table_(table), fast_port_(fast_port), on_close_(std::move(on_close)) {}

remoting::Reply BrokerDispatcher::dispatch(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const bool pull = request.code == to_int(RequestCode::pull_message) || request.code == to_int(RequestCode::lite_pull_message);
  const HandlerFunction* function = fast_port_ && pull ? nullptr : table_.find(request.code);
  if (function == nullptr) return answer_not_supported(request);
  if (refuse_sends_ && is_send(request.code)) return answer(request, ResponseCode::service_not_available, "the broker is stopping");
  return (*function)(request, connection);
}

void BrokerDispatcher::on_close(const remoting::ConnectionPtr& connection) {
  if (on_close_) on_close_(connection);
}

}  // namespace skylark::broker
