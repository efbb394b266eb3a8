// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/remoting/harness.h"

#include "base/bytes.h"
#include "tests/support/catch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <thread>

namespace skylark::remoting::test {
namespace {

constexpr int kPatienceMs = static_cast<int>(std::chrono::milliseconds(kPatience).count());
constexpr int kBlockedMs = 300;  // Only ends a loop earlier or later; no check depends on it.

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t bind_any(int descriptor) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  REQUIRE(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

bool wait_for(int descriptor, short events, int timeout_ms) {
  pollfd entry{descriptor, events, 0};
  int ready = 0;
  do ready = ::poll(&entry, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

Reply Service::dispatch(RemotingCommand& request, const ConnectionPtr& connection) {
  ++requests;
  if (closed.load() > 0 && !connection->is_open()) ++dispatched_after_close;
  RemotingCommand response = make_response(request, 0);
  switch (request.code) {
    case kEcho: response.body = Body(request.body.to_string()); return response;
    case kDefer: {
      const std::lock_guard lock(mutex_);
      deferred_.emplace_back(Responder(connection, request), request.body.to_string());
      return Reply::deferred();
    }
    case kThrow: throw std::runtime_error("the handler fell over");
    case kLarge: response.body = Body(std::string(static_cast<std::size_t>(request.ext.integer("size").value_or(0)), 'x')); return response;
    case kStore: {
      ++pins;
      auto bytes = std::make_shared<std::string>(static_cast<std::size_t>(request.ext.integer("size").value_or(0)), 's');
      const std::shared_ptr<const void> pin(bytes.get(), [this, bytes](const void*) { --pins; });
      const std::string_view view = *bytes;
      const std::size_t half = view.size() / 2;
      response.body = Body(std::vector<PinnedSlice>{{view.substr(0, half), pin}, {"|", nullptr}, {view.substr(half), pin}});
      return response;
    }
    case kCallBack: {
      RemotingCommand question = test::request(kEcho, "who are you?");
      connection->invoke(std::move(question), kPatience, [this](const Result<RemotingCommand>& answer) {
        if (answer && answer->body.view() == "who are you?") ++called_back;
      });
      return response;
    }
    case kClose: connection->close(); return response;
    default: return make_response(request, 3, " request type " + std::to_string(request.code) + " not supported");
  }
}

void Service::on_open(const ConnectionPtr& connection) {
  const std::lock_guard lock(mutex_);
  last_opened_ = connection;
  ++opened;
}

void Service::on_close(const ConnectionPtr&) { ++closed; }

void Service::release() {
  std::vector<std::pair<Responder, std::string>> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(deferred_);
  }
  for (auto& [responder, body] : taken) {
    RemotingCommand response;
    response.body = Body(std::move(body));
    responder.respond(std::move(response));
  }
}

std::size_t Service::deferred() const {
  const std::lock_guard lock(mutex_);
  return deferred_.size();
}

ConnectionPtr Service::last_opened() const {
  const std::lock_guard lock(mutex_);
  return last_opened_;
}

RemotingCommand request(std::int32_t code, std::string body, std::int32_t opaque) {
  RemotingCommand command;
  command.code = code;
  command.opaque = opaque;
  if (!body.empty()) command.body = Body(std::move(body));
  return command;
}

RemotingCommand one_way(std::int32_t code, std::string body) {
  RemotingCommand command = request(code, std::move(body));
  command.flag = kFlagOneWay;
  return command;
}

std::string encoded(const RemotingCommand& command) {
  std::string bytes;
  encode_frame(command, bytes);
  return bytes;
}

std::string encoded(const std::vector<RemotingCommand>& commands) {
  std::string bytes;
  for (const RemotingCommand& command : commands) encode_frame(command, bytes);
  return bytes;
}

RawPeer::RawPeer(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = loopback(port);
  REQUIRE(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

RawPeer::~RawPeer() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RawPeer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) return;  // Closed by the peer: what the test reads next tells.
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::size_t RawPeer::write_until_blocked(std::string_view bytes_over_and_over) {
  std::size_t total = 0;
  while (wait_for(descriptor_, POLLOUT, kBlockedMs)) {
    const std::size_t at = total % bytes_over_and_over.size();
    const std::string_view rest = bytes_over_and_over.substr(at);
    const ssize_t written = ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (written < 0) break;
    total += static_cast<std::size_t>(written);
  }
  return total;
}

std::optional<RemotingCommand> RawPeer::read() {
  for (;;) {
    if (read_.size() >= 4) {
      const std::size_t size = 4u + load_be<std::uint32_t>(read_.data());
      if (read_.size() >= size) {
        Result<RemotingCommand> command = decode_frame(std::string_view(read_).substr(4, size - 4));
        if (!command) return std::nullopt;
        command->own();
        read_.erase(0, size);
        return std::move(*command);
      }
    }
    char buffer[64 * 1024];
    if (!wait_for(descriptor_, POLLIN, kPatienceMs)) return std::nullopt;
    const ssize_t received = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (received <= 0) return std::nullopt;
    read_.append(buffer, static_cast<std::size_t>(received));
  }
}

bool RawPeer::reads_end() {
  char buffer[64 * 1024];
  for (;;) {
    if (!wait_for(descriptor_, POLLIN, kPatienceMs)) return false;
    const ssize_t received = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (received == 0) return true;
    if (received < 0) return errno == ECONNRESET;
  }
}

void RawPeer::finish_writing() { ::shutdown(descriptor_, SHUT_WR); }

RawServer::RawServer() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  port_ = bind_any(descriptor_);
  REQUIRE(::listen(descriptor_, 16) == 0);
}

RawServer::~RawServer() { ::close(descriptor_); }

RawPeer RawServer::accept() {
  REQUIRE(wait_for(descriptor_, POLLIN, kPatienceMs));
  const int accepted = ::accept(descriptor_, nullptr, nullptr);
  REQUIRE(accepted >= 0);
  return RawPeer(accepted);
}

SilentPort::SilentPort() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(bind_any(descriptor_)) {}

SilentPort::~SilentPort() { ::close(descriptor_); }

}  // namespace skylark::remoting::test
