// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "base/bytes.h"
#include "protocol/send_headers.h"
#include "tests/bench/floor/floor.h"

namespace skylark::bench {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kCopySize = 64u << 20;
// Length word, codec word, then code (2), language (1) and version (2): the same in request and answer.
constexpr std::size_t kOpaqueAt = 13;
constexpr std::size_t kFrameSizeMin = 29;

/// What a send is answered with, but for its opaque.
std::string answer_frame() {
  RemotingCommand answer;
  answer.flag = kFlagResponse;
  answer.codec = Codec::rocketmq;
  encode_header(SendMessageResponseHeader{.message_id = std::string(32, '0'),
                                          .queue_offset = 4711,
                                          .transaction_id = std::string(32, '0'),
                                          .batch_unique_id = {},
                                          .region = "DefaultRegion",
                                          .trace_on = "true"},
                answer);
  std::string frame;
  encode_frame(answer, frame);
  return frame;
}

/// One thread's part: memory that its connections share.
struct Loop {
  asio::io_context context{1};
  std::vector<char> read = std::vector<char>(kReadSize);
  std::vector<char> copies = std::vector<char>(kCopySize);
  std::size_t copied = 0;
  const std::string answer = answer_frame();
};

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  Peer(Loop& loop, tcp::socket socket) : loop_(loop), socket_(std::move(socket)) {
    socket_.set_option(tcp::no_delay(true));
    socket_.non_blocking(true);
  }

  void wait() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && self->serve()) self->wait();
    });
  }

 private:
  /// False when the connection is over.
  bool serve() {
    boost::system::error_code error;
    const std::size_t size = socket_.read_some(asio::buffer(loop_.read), error);
    if (error == asio::error::would_block) return true;
    if (error) return false;
    partial_.append(loop_.read.data(), size);
    std::string_view rest = partial_;
    out_.clear();
    while (rest.size() >= kFrameSizeMin) {
      const std::size_t frame_size = 4 + load_be<std::uint32_t>(rest.data());
      if (frame_size < kFrameSizeMin || frame_size > kCopySize || rest[4] != static_cast<char>(Codec::rocketmq)) return false;
      if (rest.size() < frame_size) break;
      answer(rest.substr(0, frame_size));
      rest.remove_prefix(frame_size);
    }
    partial_.erase(0, partial_.size() - rest.size());
    socket_.non_blocking(false);
    asio::write(socket_, asio::buffer(out_), error);
    socket_.non_blocking(true);
    return !error;
  }

  void answer(std::string_view frame) {
    if (loop_.copied + frame.size() > kCopySize) loop_.copied = 0;
    std::memcpy(loop_.copies.data() + loop_.copied, frame.data(), frame.size());
    loop_.copied += frame.size();
    out_ += loop_.answer;
    std::memcpy(out_.data() + out_.size() - loop_.answer.size() + kOpaqueAt, frame.data() + kOpaqueAt, sizeof(std::int32_t));
  }

  Loop& loop_;
  tcp::socket socket_;
  std::string partial_;
  std::string out_;
};

}  // namespace

void serve_echo(std::uint16_t port, std::size_t thread_count) {
  std::vector<std::unique_ptr<Loop>> loops;
  std::vector<std::jthread> threads;
  asio::io_context accepting;
  tcp::acceptor acceptor(accepting, {asio::ip::address_v4::loopback(), port});
  for (std::size_t i = 0; i < thread_count; ++i) {
    Loop& loop = *loops.emplace_back(std::make_unique<Loop>());
    threads.emplace_back([&loop] {
      const auto guard = asio::make_work_guard(loop.context);
      loop.context.run();
    });
  }
  for (std::size_t i = 0;; ++i) {
    Loop& loop = *loops[i % thread_count];
    tcp::socket socket = acceptor.accept(loop.context);
    asio::post(loop.context, [peer = std::make_shared<Peer>(loop, std::move(socket))] { peer->wait(); });
  }
}

}  // namespace skylark::bench
