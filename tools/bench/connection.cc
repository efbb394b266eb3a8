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

#include <fmt/format.h>

#include "base/bytes.h"
#include "protocol/request_code.h"
#include "tools/bench/options.h"

namespace skylark::bench {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kCallTimeoutSeconds = 60;

[[noreturn]] void fail(std::string_view what) { throw BenchError(fmt::format("{}: {}", what, std::strerror(errno))); }

}  // namespace

Connection::Connection(const std::string& host, std::uint16_t port) : in_(kReadSize) {
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
  request.opaque = 1;
  encode_frame(request, out_);
  while (!flush()) {
  }
  auto answer = decode_frame(read_frame());
  if (!answer) throw BenchError("the broker answered with bytes that are no frame");
  return std::move(*answer);
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

void Connection::receive() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (in_.size() - end_ < kReadSize / 2) {  // Room for more: whole frames have been taken, at most a partial one moves.
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (in_.size() - end_ < kReadSize / 2) in_.resize(in_.size() * 2);
  }
  const ssize_t received = ::recv(socket_, in_.data() + end_, in_.size() - end_, 0);
  if (received == 0) throw BenchError("the broker closed a connection");
  if (received < 0) {
    if (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && (::fcntl(socket_, F_GETFL) & O_NONBLOCK) != 0)) return;
    fail("recv");
  }
  end_ += static_cast<std::size_t>(received);
}

bool Connection::next_frame(std::string_view& frame) {
  if (end_ - begin_ < 4) return false;
  const std::size_t size = load_be<std::uint32_t>(in_.data() + begin_);
  if (size > kFrameSizeMax) throw BenchError("the broker sent a frame over the limit");
  if (end_ - begin_ - 4 < size) return false;
  frame = {in_.data() + begin_ + 4, size};
  begin_ += 4 + size;
  return true;
}

std::string_view Connection::read_frame() {
  std::string_view frame;
  while (!next_frame(frame)) receive();
  return frame;
}

}  // namespace skylark::bench
