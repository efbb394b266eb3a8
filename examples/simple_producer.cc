// SPDX-License-Identifier: Apache-2.0
// Sends ten messages: simple_producer 127.0.0.1:9876 TopicTest
#include <iostream>
#include <string>

#include "client/producer.h"

int main(int argc, char** argv) {
  using namespace skylark::client;
  if (argc != 3) {
    std::cerr << "usage: simple_producer NAMESRV TOPIC\n";
    return 2;
  }
  ProducerOptions options;
  options.client.name_servers = argv[1];
  options.group = "simple-producer";
  Producer producer(options);
  if (const auto started = producer.start(); !started) {
    std::cerr << started.error().describe() << "\n";
    return 1;
  }
  for (int number = 0; number < 10; ++number) {
    Message message(argv[2], "hello " + std::to_string(number));
    message.set_tag("greeting").set_keys({"key-" + std::to_string(number)});
    const auto sent = producer.send(std::move(message));
    if (!sent) {
      std::cerr << sent.error().describe() << "\n";
      return 1;
    }
    std::cout << to_string(sent->status) << " " << sent->message_id << " " << sent->queue.to_string() << " offset " << sent->queue_offset
              << "\n";
  }
  return 0;
}
