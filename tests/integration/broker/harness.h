// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/broker.h"
#include "broker/broker_config.h"
#include "broker/message_store.h"
#include "nameserver/embedded_name_server.h"
#include "protocol/message.h"
#include "protocol/pull_headers.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "protocol/send_headers.h"
#include "remoting/client.h"
#include "remoting/io_pool.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/ports.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {

inline constexpr std::chrono::seconds kPatience{60};  ///< No healthy machine needs a tenth of it.

/// A name server on a port of its own.
struct TestNameServer {
  explicit TestNameServer(remoting::IoPool& pool) : server(0, folder.path(), *files, clock, pool) {
    REQUIRE(server.start());
    address = "127.0.0.1:" + std::to_string(server.port());
  }
  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  SystemClock clock;
  nameserver::EmbeddedNameServer server;
  std::string address;
};

/// A broker on ports of its own, in a folder that outlives it, so that it can be started again on what it left.
class TestBroker {
 public:
  explicit TestBroker(remoting::IoPool& pool) : pool_(pool) {}
  ~TestBroker() { stop(); }

  /// `settings`: more lines of broker.conf.
  void start(const std::string& name_servers = {}, const std::string& settings = {}) {
    const std::string port = std::to_string(ports_.listen());
    config_ = std::make_unique<BrokerConfig>();
    const auto warnings =
        config_->all().load_text("brokerName=broker-a\nbrokerIP1=127.0.0.1\nbindAddress=127.0.0.1\nlistenPort=" + port +
                                     "\nnamesrvAddr=" + name_servers + "\nstorePathRootDir=" + folder_.path() +
                                     "/store\nmappedFileSizeCommitLog=1048576\nmaxHashSlotNum=1000\nmaxIndexNum=4000\n" + settings,
                                 "broker.conf");
    REQUIRE(warnings.empty());
    config_->settle();
    broker_ = std::make_unique<Broker>(*config_, *files_, clock_, pool_);
    broker_->start();
  }
  void stop() { broker_.reset(); }

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(ports_.listen()); }
  [[nodiscard]] std::string fast_address() const { return "127.0.0.1:" + std::to_string(ports_.listen() - 2); }
  [[nodiscard]] int port() const { return ports_.listen(); }
  [[nodiscard]] std::string root() const { return folder_.path() + "/store"; }
  [[nodiscard]] BrokerParts& parts() { return broker_->parts(); }
  /// A message is acknowledged when it is in the log; a moment later it is in its queue.
  [[nodiscard]] bool readable_until(const std::string& topic, std::int64_t end) {
    return eventually([&] { return parts().store.max_offset(topic, 0) >= end; });
  }

 private:
  remoting::IoPool& pool_;
  TemporaryFolder folder_;
  BrokerPorts ports_;
  std::unique_ptr<FileSystem> files_ = make_disk_file_system();
  SystemClock clock_;
  std::unique_ptr<BrokerConfig> config_;
  std::unique_ptr<Broker> broker_;
};

/// What a broker asks of a client, noted.
class Inbox final : public remoting::Dispatcher {
 public:
  remoting::Reply dispatch(RemotingCommand& request, const remoting::ConnectionPtr&) override {
    const std::lock_guard lock(mutex_);
    codes_.push_back(request.code);
    return remoting::Reply::none();
  }
  [[nodiscard]] std::size_t count(RequestCode code) const {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const auto item : codes_) found += item == to_int(code) ? 1u : 0u;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::int32_t> codes_;
};

/// A bare client that knows requests, not what they mean.
class Peer {
 public:
  explicit Peer(remoting::IoPool& pool) : client_(pool, {}, &inbox_) {}

  RemotingCommand ask(const std::string& address, RemotingCommand request) {
    auto response = client_.invoke_sync(address, std::move(request), kPatience);
    REQUIRE(response);
    return std::move(*response);
  }
  [[nodiscard]] static RemotingCommand send_request(std::string_view topic, std::string body, std::int32_t queue_id = 0,
                                                    std::string_view properties = {}) {
    SendMessageRequestHeader header;
    header.producer_group = "P";
    header.topic = topic;
    header.default_topic = "TBW102";
    header.queue_id = queue_id;
    header.born_timestamp = 1;
    header.properties = properties;
    RemotingCommand request = make_request(to_int(RequestCode::send_message_v2), header, Body(std::move(body)), FieldNames::short_form);
    request.own();
    return request;
  }
  [[nodiscard]] static RemotingCommand pull_request(std::string_view topic, std::int64_t offset, std::int64_t hold_ms = 0,
                                                    std::int32_t queue_id = 0) {
    PullMessageRequestHeader header;
    header.consumer_group = "G";
    header.topic = topic;
    header.queue_id = queue_id;
    header.queue_offset = offset;
    header.sys_flag = pull_flag::kSubscription | (hold_ms > 0 ? pull_flag::kSuspend : 0);
    header.suspend_timeout_ms = hold_ms;
    header.subscription = "*";
    RemotingCommand request = make_request(to_int(RequestCode::pull_message), header);
    request.own();
    return request;
  }
  /// Offset in the queue.
  std::int64_t send(const std::string& address, std::string_view topic, std::string body, std::int32_t queue_id = 0) {
    const auto response = ask(address, send_request(topic, std::move(body), queue_id));
    REQUIRE(response.code == to_int(ResponseCode::success));
    return response.ext.integer("queueOffset").value_or(-1);
  }
  /// Bodies from the offset on, as soon as the first is readable.
  std::vector<std::string> pull(const std::string& address, std::string_view topic, std::int64_t offset) {
    return bodies(ask(address, pull_request(topic, offset, 30'000)));
  }
  [[nodiscard]] static std::vector<std::string> bodies(const RemotingCommand& response) {
    REQUIRE(response.code == to_int(ResponseCode::success));
    const std::string bytes = response.body.to_string();
    const auto records = decode_records(bytes);
    REQUIRE(records);
    std::vector<std::string> all;
    for (const MessageView& record : *records) all.emplace_back(record.body);
    return all;
  }

  [[nodiscard]] remoting::Client& client() noexcept { return client_; }
  [[nodiscard]] Inbox& inbox() noexcept { return inbox_; }

 private:
  Inbox inbox_;
  remoting::Client client_;
};

}  // namespace skylark::broker
