// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.h"
#include "remoting/connection.h"
#include "remoting/detail/connection_group.h"
#include "remoting/detail/frame_reader.h"
#include "remoting/detail/io_thread.h"
#include "remoting/detail/output_queue.h"
#include "remoting/detail/pending_requests.h"

namespace skylark::remoting::detail {

/// One TCP connection on one io thread, accepted (`accepted`) or opened by us (`connect`).
///
/// The socket does not block: it is waited for, read into the thread's buffer and written at once, so that no operation holds on
/// to memory. Everything below `close` belongs to the io thread; other threads reach it through `shared_` and a post.
/// Life: `connecting` (ours alone), `open`, `closed`. Closing ends the socket and the timer for good, so that a connection which
/// somebody still holds after its pool has gone is an empty shell.
class TcpConnection final : public Connection, public std::enable_shared_from_this<TcpConnection>, private FrameSink {
 public:
  using TimePoint = PendingRequests::TimePoint;
  using Socket = boost::asio::ip::tcp::socket;

  TcpConnection(std::shared_ptr<ConnectionGroup> group, IoThread& thread, Socket socket, std::string remote_address);
  ~TcpConnection() override;

  /// Starts to serve an accepted socket; any thread.
  static void accepted(std::shared_ptr<ConnectionGroup> group, IoThread& thread, Socket socket);
  /// Gives a connection that takes requests at once and sends them when it is open; any thread. It closes with
  /// `cannot_connect` when it cannot.
  static std::shared_ptr<TcpConnection> connect(std::shared_ptr<ConnectionGroup> group, IoThread& thread, std::string address);

  [[nodiscard]] std::uint64_t id() const noexcept override { return id_; }
  [[nodiscard]] const std::string& remote_address() const noexcept override { return remote_address_; }
  [[nodiscard]] const std::string& local_address() const noexcept override { return local_address_; }
  [[nodiscard]] bool is_open() const noexcept override { return open_.load(std::memory_order_acquire); }
  void send(RemotingCommand&& command) override;
  [[nodiscard]] bool dispatching() const noexcept override { return thread_.is_current() && dispatching_; }
  void invoke(RemotingCommand request, std::chrono::milliseconds timeout, ResponseCallback callback) override;
  void invoke_one_way(RemotingCommand request) override;
  void close() noexcept override;
  [[nodiscard]] Codec preferred_codec() const noexcept override { return preferred_codec_.load(std::memory_order_relaxed); }

  /// As `invoke`, but leaves both arguments alone and gives false when the connection has closed already.
  [[nodiscard]] bool try_invoke(RemotingCommand& request, std::chrono::milliseconds timeout, ResponseCallback& callback);

  [[nodiscard]] bool is_of(const ConnectionGroup& group) const noexcept { return group_.get() == &group; }
  /// Ends everything: pending requests get `reason`, then `on_close`. Not inside of a dispatch of this connection.
  void close_now(ErrorCode reason);
  void on_tick(TimePoint now);
  std::size_t list_index = 0;  ///< Kept by the thread's list.

 private:
  enum class State { connecting, open, closed };
  enum class Offer { none, wanted, asked, agreed };

  // tcp_connection.cc: reading, dispatching, writing.
  void arm_read();
  void on_readable(const ConnectionPtr& self);
  void count_read();
  template <class Call>
  void notify(Call call);
  Result<void> on_frame(std::string_view frame) override;
  [[nodiscard]] bool wants_frames() const noexcept override { return is_open(); }
  [[nodiscard]] bool accepts_flatbuffers() const noexcept;
  void dispatch(RemotingCommand& request);
  void on_response(RemotingCommand& response);
  void complete(const ResponseCallback& callback, Result<RemotingCommand> result) const;
  void reject(ErrorCode why);
  void append(OutputQueue& output, RemotingCommand&& command);
  /// A response that cannot be encoded becomes one with code 1; a request gives the error.
  [[nodiscard]] Result<void> encode(OutputQueue& output, RemotingCommand&& command);
  [[nodiscard]] Result<void> enqueue(RemotingCommand&& command);
  void wake_here();
  void take_shared();
  void drain_shared();
  void flush();
  void write_some(ErrorCode& error);
  void overrun();

  // tcp_connect.cc: opening, requests of ours, deadlines.
  void enlist();
  void open();
  void set_options(ErrorCode& error);
  void start_connect();
  void try_endpoint(std::size_t index);
  [[nodiscard]] Codec codec_for_request(const RemotingCommand& request) const noexcept;
  void arm_deadline();
  void on_deadline();

  const std::shared_ptr<ConnectionGroup> group_;
  IoThread& thread_;
  const std::uint64_t id_;
  std::string remote_address_;
  std::string local_address_;
  std::atomic<bool> open_{true};  ///< False from `close` on; true while connecting.
  std::atomic<Codec> preferred_codec_{Codec::json};
  std::atomic<bool> speaks_flatbuffers_{false};  ///< Type 2 may be sent.
  std::atomic<std::int64_t> echo_opaque_{-1};    ///< The response that shall carry our word on type 2; -1 for none.
  std::atomic<Offer> offer_{Offer::none};
  std::atomic<std::int32_t> offer_opaque_{-1};
  PendingRequests pending_;

  std::mutex shared_mutex_;
  OutputQueue shared_;          ///< Encoded by other threads, under the mutex.
  bool shared_posted_ = false;  ///< A post is under way that will see all of `shared_`.

  State state_ = State::connecting;
  bool listed_ = false;
  std::optional<Socket> socket_;
  std::optional<boost::asio::steady_timer> deadline_timer_;
  TimePoint armed_deadline_ = TimePoint::max();
  TimePoint connect_deadline_ = TimePoint::max();
  std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
  FrameReader reader_;
  OutputQueue output_;
  bool dispatching_ = false;
  bool flush_posted_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool peer_offered_ = false;  ///< The peer has announced type 2.
  bool quiet_ = false;         ///< No bytes since the last tick.
  /// Of the read that is being handled. Shared counters are touched once for all of its frames: other cores write them too.
  struct Read {
    ConnectionPtr self;
    std::size_t frame_count = 0;
    std::array<std::uint64_t, 3> received{}, sent{};  ///< Frames by codec.
  };
  Read read_;
  TimePoint last_activity_{};
  TimePoint partial_since_{};
  TimePoint unsent_since_{};  ///< Last progress of a write that is not done.
};

}  // namespace skylark::remoting::detail
