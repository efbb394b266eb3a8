// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerManager;
class ProducerManager;

/// Who is online: codes 203 (consumers of a group), 204 (producers of a group), 328 (all producers), 345 (a group's subscription).
/// Threads: any. Source: AdminBrokerProcessor.java.
class ClientAdmin {
 public:
  ClientAdmin(const ConsumerManager& consumers, const ProducerManager& producers) : consumers_(consumers), producers_(producers) {}

  remoting::Reply consumer_connections(RemotingCommand& request);
  remoting::Reply producer_connections(RemotingCommand& request);
  remoting::Reply all_producers(RemotingCommand& request);
  remoting::Reply subscription(RemotingCommand& request);

 private:
  const ConsumerManager& consumers_;
  const ProducerManager& producers_;
};

}  // namespace skylark::broker
