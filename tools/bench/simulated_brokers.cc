// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/simulated_brokers.h"

#include <string>

#include <fmt/format.h>

#include "protocol/bodies/register_broker_body.h"
#include "protocol/header_codec.h"
#include "protocol/json.h"
#include "protocol/nameserver_headers.h"
#include "protocol/request_code.h"
#include "tools/bench/requests.h"

namespace skylark::bench {

std::vector<std::int32_t> topics_of_broker(const Options& options, std::int32_t broker) {
  // Topic t is on the brokers t * spread to t * spread + spread - 1, counted around.
  std::vector<std::int32_t> held;
  const std::int64_t places = std::int64_t{options.topics} * options.spread;
  std::int64_t last = -1;
  for (std::int64_t place = broker; place < places; place += options.brokers) {
    if (place / options.spread != last) held.push_back(static_cast<std::int32_t>(place / options.spread));
    last = place / options.spread;
  }
  return held;
}

RemotingCommand make_registration(const Options& options, std::int32_t broker) {
  RegisterBrokerBody body;
  body.topics.version = {.timestamp = 1'700'000'000'000, .counter = 1, .state_version = 0};
  for (const std::int32_t topic : topics_of_broker(options, broker)) {
    TopicConfig config;
    config.name = topic_name(options, topic);
    config.read_queues = config.write_queues = options.queues;
    body.topics.topics.emplace(config.name, config);
  }
  RegisterBrokerRequestHeader header;
  header.broker_name = fmt::format("simulated-{}", broker);
  // Addresses that nobody connects to: the name server hands them on, and this program looks at none.
  header.broker_addr = fmt::format("127.1.{}.{}:10911", broker / 250, broker % 250 + 1);
  header.ha_server_addr = fmt::format("127.1.{}.{}:10912", broker / 250, broker % 250 + 1);
  header.cluster_name = "simulated";
  RemotingCommand request = make_request(RequestCode::register_broker, header, Body(json::write(body.to_json())));
  request.language = Language::java;
  return request;
}

}  // namespace skylark::bench
