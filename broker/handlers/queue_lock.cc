// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/queue_lock.h"

#include <set>

#include "broker/handlers/handlers.h"
#include "protocol/bodies/locks.h"
#include "protocol/json.h"

namespace skylark::broker {
namespace {

std::vector<QueueId> queues_of(const LockBatchRequestBody& body) {
  std::vector<QueueId> queues;
  for (const MessageQueue& queue : body.queues) queues.push_back({queue.topic, queue.queue_id});
  return queues;
}

}  // namespace

remoting::Reply QueueLockHandler::lock(RemotingCommand& request) {
  const auto value = json::parse(request.body.view());
  if (!value) return answer(request, ResponseCode::system_error, "the queues to lock cannot be read");
  const LockBatchRequestBody body = LockBatchRequestBody::from_json(*value);
  const auto held = locks_.lock(body.consumer_group, queues_of(body), body.client_id);
  const std::set<QueueId> names(held.begin(), held.end());
  LockBatchResponseBody locked;
  for (const MessageQueue& queue : body.queues) {
    if (names.contains({queue.topic, queue.queue_id})) locked.locked.push_back(queue);
  }
  RemotingCommand response = answer(request, ResponseCode::success);
  response.body = Body(json::write(locked.to_json()));
  return response;
}

remoting::Reply QueueLockHandler::unlock(RemotingCommand& request) {
  const auto value = json::parse(request.body.view());
  if (!value) return answer(request, ResponseCode::system_error, "the queues to unlock cannot be read");
  const LockBatchRequestBody body = LockBatchRequestBody::from_json(*value);
  locks_.unlock(body.consumer_group, queues_of(body), body.client_id);
  return answer(request, ResponseCode::success);
}

}  // namespace skylark::broker
