// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "protocol/request_code.h"
#include "tools/bench/options.h"

namespace skylark::bench {

namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kCallsOnTheWay = 128;
constexpr int kCallTimeoutSeconds = 60;

[[noreturn]] void fail(std::string_view what) { throw BenchError(fmt::format("{}: {}", what, std::strerror(errno))); }

}  // namespace

Connection::Connection(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    throw BenchError(fmt::format("{}: {}", host, gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    socket_ = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ >= 0 && ::connect(socket_, address->ai_addr, address->ai_addrlen) == 0) break;
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  if (socket_ < 0) fail(fmt::format("cannot connect to {}:{}", host, port));
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval patience{.tv_sec = kCallTimeoutSeconds, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

Connection::~Connection() {
  if (socket_ >= 0) ::close(socket_);
}

RemotingCommand Connection::call(RemotingCommand request) {
  RemotingCommand answer;
  call_each(
      1, [&](std::size_t) { return std::move(request); },
      [&](std::size_t, const RemotingCommand& received) {
        answer.code = received.code;
        answer.remark = received.remark;
        for (const auto& field : received.ext) {
          answer.ext.add(field.name, *received.ext.text(field.name));
        }
        answer.body = Body(received.body.to_string());
      });
  return answer;
}

void Connection::call_each(std::size_t count, const std::function<RemotingCommand(std::size_t)>& make,
                           const std::function<void(std::size_t, const RemotingCommand&)>& on_answer) {
  std::size_t sent = 0;
  for (std::size_t answered = 0; answered < count;) {
    for (; sent < count && sent - answered < kCallsOnTheWay; ++sent) {
      RemotingCommand request = make(sent);
      request.opaque = static_cast<std::int32_t>(sent);
      encode_frame(request, out_);
    }
    while (!flush()) {
    }
    drain([&](std::string_view frame) {
      const auto answer = decode_frame(frame);
      if (!answer) throw BenchError("the peer answered with bytes that are no frame");
      if (!answer->is_response()) return;
      on_answer(static_cast<std::size_t>(answer->opaque), *answer);
      ++answered;
    });
  }
}

void Connection::agree_on_flatbuffers() {
  RemotingCommand request;
  request.code = to_int(RequestCode::get_broker_runtime_info);
  request.ext.add_integer("codecs", 2);
  if (call(std::move(request)).ext.integer("codecs") != 2) throw BenchError("the broker does not know FlatBuffers headers");
}

void Connection::start() {
  if (::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK) != 0) fail("fcntl");
}

char* Connection::append(std::string_view frame) {
  const std::size_t at = out_.size();
  out_.append(frame);
  return out_.data() + at;
}

bool Connection::flush() {
  while (written_ < out_.size()) {
    const ssize_t sent = ::send(socket_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (sent < 0) fail("send");
    written_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  written_ = 0;
  return true;
}

/// What there is to take apart: bytes of the shared buffer, or of `partial_` when a frame had begun before.
std::string_view Connection::receive() {
  static std::vector<char> shared(kReadSize);
  const ssize_t received = ::recv(socket_, shared.data(), shared.size(), 0);
  if (received == 0) throw BenchError("the peer closed a connection");
  if (received < 0) {
    if (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && (::fcntl(socket_, F_GETFL) & O_NONBLOCK) != 0)) return partial_;
    if (errno == EAGAIN || errno == EWOULDBLOCK) throw BenchError(fmt::format("no answer within {} s", kCallTimeoutSeconds));
    fail("recv");
  }
  const std::string_view bytes(shared.data(), static_cast<std::size_t>(received));
  if (partial_.empty()) return bytes;
  partial_.append(bytes);
  return partial_;
}

bool Connection::next_frame(std::string_view& bytes, std::string_view& frame) {
  if (bytes.size() < 4) return false;
  const std::size_t size = load_be<std::uint32_t>(bytes.data());
  if (size > kFrameSizeMax) throw BenchError("the peer sent a frame over the limit");
  if (bytes.size() - 4 < size) return false;
  frame = bytes.substr(4, size);
  bytes.remove_prefix(4 + size);
  return true;
}

void Connection::keep(std::string_view rest) {
  if (rest.empty()) return std::string().swap(partial_);
  if (rest.size() == partial_.size()) return;
  std::string kept(rest);  // `rest` may view into `partial_`.
  partial_.swap(kept);
}

}  // namespace skylark::bench
