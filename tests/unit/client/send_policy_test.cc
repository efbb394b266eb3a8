// SPDX-License-Identifier: Apache-2.0
#include "client/detail/send_policy.h"

#include "tests/support/catch.h"

using skylark::Errc;
using skylark::client::check_group;
using skylark::client::check_message;
using skylark::client::Failure;
using skylark::client::Message;
using skylark::client::MessageQueue;
using skylark::client::select_queue;
using skylark::client::should_retry;
using skylark::client::split_name_servers;

TEST_CASE("a send is retried after these response codes and no other", "[client][send]") {
  for (const int code : {1, 2, 14, 16, 17, 204, 205, 1500}) CHECK(should_retry(Failure::refused(code, "")));
  for (const int code : {3, 13, 15, 26, 29, 604, -1}) CHECK_FALSE(should_retry(Failure::refused(code, "")));
}

TEST_CASE("a send is retried after failures of the network but not after those of its caller", "[client][send]") {
  CHECK(should_retry(Failure(Errc::timed_out, "")));
  CHECK(should_retry(Failure(Errc::closed, "")));
  CHECK(should_retry(Failure(Errc::cannot_connect, "")));
  CHECK_FALSE(should_retry(Failure(Errc::invalid_argument, "")));
  CHECK_FALSE(should_retry(Failure(Errc::too_large, "")));
}

TEST_CASE("a failure knows the response code of a refusal alone", "[client][send]") {
  CHECK(Failure::refused(17, "no topic").response_code() == 17);
  CHECK_FALSE(Failure(Errc::timed_out, "late").response_code().has_value());
  CHECK(Failure::refused(17, "no topic").describe() == "no topic (response code 17)");
}

TEST_CASE("queues take turns", "[client][send]") {
  const std::vector<MessageQueue> queues = {{"T", "a", 0}, {"T", "a", 1}, {"T", "b", 0}};
  CHECK(select_queue(queues, 0, "") == queues[0]);
  CHECK(select_queue(queues, 1, "") == queues[1]);
  CHECK(select_queue(queues, 5, "") == queues[2]);
}

TEST_CASE("a retry goes to another broker as long as there is one", "[client][send]") {
  const std::vector<MessageQueue> queues = {{"T", "a", 0}, {"T", "a", 1}, {"T", "b", 0}};
  CHECK(select_queue(queues, 0, "a") == queues[2]);
  CHECK(select_queue(queues, 1, "a") == queues[2]);
  const std::vector<MessageQueue> alone = {{"T", "a", 0}, {"T", "a", 1}};
  CHECK(select_queue(alone, 1, "a") == alone[1]);
}

TEST_CASE("messages that no broker would take are refused before they travel", "[client][send]") {
  CHECK(check_message(Message("Topic_1-%|", "x"), 4));
  CHECK_FALSE(check_message(Message("", "x"), 4));
  CHECK_FALSE(check_message(Message("a b", "x"), 4));
  CHECK_FALSE(check_message(Message("T$", "x"), 4));
  CHECK_FALSE(check_message(Message(std::string(128, 't'), "x"), 4));
  CHECK_FALSE(check_message(Message("SCHEDULE_TOPIC_XXXX", "x"), 4));
  CHECK_FALSE(check_message(Message("T", ""), 4));
  CHECK(check_message(Message("T", "12345"), 4).error().code == make_error_code(Errc::too_large));
}

TEST_CASE("names of groups are checked", "[client][send]") {
  CHECK(check_group("Group-1"));
  CHECK_FALSE(check_group(""));
  CHECK_FALSE(check_group("a b"));
  CHECK_FALSE(check_group(std::string(256, 'g')));
}

TEST_CASE("name servers come as a list", "[client][send]") {
  CHECK(split_name_servers("a:1;b:2") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(split_name_servers(" a:1 ;; http://b:2;") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(split_name_servers("").empty());
}
