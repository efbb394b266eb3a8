// SPDX-License-Identifier: Apache-2.0
// Prints messages until Enter is pressed: simple_consumer 127.0.0.1:9876 TopicTest
#include <iostream>
#include <string>

#include "client/push_consumer.h"

int main(int argc, char** argv) {
  using namespace skylark::client;
  if (argc != 3) {
    std::cerr << "usage: simple_consumer NAMESRV TOPIC\n";
    return 2;
  }
  PushConsumerOptions options;
  options.client.name_servers = argv[1];
  options.group = "simple-consumer";
  options.start_from = StartFrom::first_offset;
  PushConsumer consumer(options);
  if (const auto parsed = consumer.subscribe(argv[2], "*"); !parsed) {
    std::cerr << parsed.error().describe() << "\n";
    return 1;
  }
  consumer.set_listener([](const std::vector<ReceivedMessage>& messages, ConsumeContext&) {
    for (const ReceivedMessage& message : messages) {
      std::cout << message.message_id << " " << message.queue.to_string() << " offset " << message.queue_offset << ": " << message.body
                << std::endl;
    }
    return ConsumeResult::success;
  });
  if (const auto started = consumer.start(); !started) {
    std::cerr << started.error().describe() << "\n";
    return 1;
  }
  std::string line;
  std::getline(std::cin, line);
  return 0;
}
