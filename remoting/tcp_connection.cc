// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/tcp_connection.h"

#include "base/log.h"
#include "protocol/response_code.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/container/static_vector.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace skylark::remoting::detail {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPiecesMax = 64;              // Asio passes no more to one sendmsg.
constexpr std::size_t kUnsentSpareMin = 16u << 20;  // Above the mark reading stops; what was read already may still be answered.
constexpr std::string_view kCodecsField = "codecs";
constexpr std::int64_t kFlatBuffersOffer = 2;

bool offers_flatbuffers(const RemotingCommand& command) noexcept { return command.ext.integer(kCodecsField) == kFlatBuffersOffer; }

bool would_block(const ErrorCode& error) noexcept { return error == asio::error::would_block || error == asio::error::try_again; }

RemotingCommand make_error(ResponseCode code, std::string remark) {
  RemotingCommand response;
  response.code = static_cast<std::int32_t>(code);
  response.remark = std::move(remark);
  return response;
}

void count(std::atomic<std::uint64_t>& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

void TcpConnection::arm_read() {
  if (read_armed_ || state_ != State::open || output_.unsent_bytes() > group_->unsent_max_bytes) return;
  read_armed_ = true;
  // Waiting and then reading into the thread's buffer, instead of an asynchronous read, keeps idle connections without memory.
  socket_->async_wait(Socket::wait_read, [self = shared_from_this()](const ErrorCode& error) {
    self->read_armed_ = false;
    if (self->state_ != State::open) return;
    if (error) return self->close_now(Errc::closed);
    self->on_readable(self);
  });
}

void TcpConnection::on_readable(const ConnectionPtr& self) {
  ErrorCode error;
  char* const buffer = thread_.read_buffer.get();
  const std::size_t size = socket_->read_some(asio::buffer(buffer, IoThread::kReadSize), error);
  if (would_block(error)) return arm_read();
  if (error) {  // The peer has gone, or will send no more: what it asked before is answered as far as it can be.
    flush();
    return close_now(Errc::closed);
  }
  last_activity_ = std::chrono::steady_clock::now();
  quiet_ = false;

  const bool had_partial = reader_.has_partial();
  read_ = {};
  read_.self = self;
  dispatching_ = true;
  Result<void> fed;
  try {
    fed = reader_.feed({buffer, size}, *this);
  } catch (const std::exception& failure) {
    log::error("closing {}: {}", remote_address_, failure.what());
    fed = Errc::malformed;
  }
  notify([this] { group_->dispatcher->on_dispatched(read_.self); });
  dispatching_ = false;
  if (reader_.has_partial() && (!had_partial || read_.frame_count > 0)) partial_since_ = last_activity_;

  count_read();
  flush();  // Before the dispatcher hears that the read is over, and wakes others: who sent waits for the answer.
  notify([this] { group_->dispatcher->on_read_end(); });
  read_.self.reset();
  if (!fed) return reject(fed.error());
  arm_read();
}

void TcpConnection::count_read() {
  for (std::size_t codec = 0; codec < read_.received.size(); ++codec) {
    if (read_.received[codec] > 0) group_->counters.frames_received[codec].fetch_add(read_.received[codec], std::memory_order_relaxed);
    if (read_.sent[codec] > 0) group_->counters.frames_sent[codec].fetch_add(read_.sent[codec], std::memory_order_relaxed);
  }
}

/// Tells the dispatcher about a read with requests.
template <class Call>
void TcpConnection::notify(Call call) {
  if (read_.frame_count == 0 || group_->dispatcher == nullptr) return;
  try {
    call();
  } catch (const std::exception& failure) {
    log::error("after a read of {}: {}", remote_address_, failure.what());
  }
}

Result<void> TcpConnection::on_frame(std::string_view frame) {
  ++read_.frame_count;
  thread_.scratch.clear();
  Result<RemotingCommand> command = decode_frame(frame, &thread_.scratch);
  if (!command) return command.error();
  if (command->codec == Codec::flatbuffers && !accepts_flatbuffers()) return Errc::malformed;
  if (command->codec == Codec::rocketmq && preferred_codec() == Codec::json) preferred_codec_.store(Codec::rocketmq);
  const auto codec = static_cast<std::size_t>(command->codec);
  if (command->is_response()) {
    count(group_->counters.frames_received[codec]);  // At once: who asked hears of it before the read is over.
    on_response(*command);
  } else {
    ++read_.received[codec];
    dispatch(*command);
  }
  return {};
}

bool TcpConnection::accepts_flatbuffers() const noexcept {
  const Offer offer = offer_.load();
  return peer_offered_ || offer == Offer::asked || offer == Offer::agreed;
}

void TcpConnection::dispatch(RemotingCommand& request) {
  if (group_->role == ConnectionGroup::Role::server && !peer_offered_ && !request.is_one_way() && offers_flatbuffers(request)) {
    peer_offered_ = true;
    echo_opaque_.store(request.opaque);
    speaks_flatbuffers_.store(true);
    preferred_codec_.store(Codec::flatbuffers);
  }
  // The dispatcher may take the request apart.
  const std::int32_t code = request.code;
  const std::int32_t opaque = request.opaque;
  const Codec codec = request.codec;
  const bool one_way = request.is_one_way();
  const auto answer = [&](RemotingCommand&& response) {
    if (one_way) return;
    response.opaque = opaque;
    response.flag |= kFlagResponse;
    response.codec = codec;
    append(output_, std::move(response));
  };
  if (group_->dispatcher == nullptr) {
    return answer(make_error(ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", code)));
  }
  std::string failure;
  try {
    Reply reply = group_->dispatcher->dispatch(request, read_.self);
    if (reply.has_response()) answer(std::move(reply.response()));
    return;
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  } catch (...) {
    failure = "unknown exception";
  }
  log::error("request {} of {} failed: {}", code, remote_address_, failure);
  answer(make_error(ResponseCode::system_error, std::move(failure)));
}

void TcpConnection::on_response(RemotingCommand& response) {
  if (offer_.load() == Offer::asked && offer_opaque_.load() == response.opaque) {
    const bool agreed = offers_flatbuffers(response);
    offer_.store(agreed ? Offer::agreed : Offer::none);
    if (agreed) {
      speaks_flatbuffers_.store(true);
      preferred_codec_.store(Codec::flatbuffers);
    }
  }
  ResponseCallback callback = pending_.take(response.opaque);
  if (!callback) return;  // Too late, or never asked for.
  response.own();
  complete(callback, std::move(response));
}

void TcpConnection::complete(const ResponseCallback& callback, Result<RemotingCommand> result) const {
  try {
    callback(std::move(result));
  } catch (const std::exception& failure) {
    log::error("callback of a request to {} failed: {}", remote_address_, failure.what());
  }
}

void TcpConnection::reject(ErrorCode why) {
  if (state_ != State::open) return;
  count(group_->counters.frames_rejected);
  log::warn("closing {}: frame is {}", remote_address_, why.message());
  close_now(Errc::closed);
}

void TcpConnection::append(OutputQueue& output, RemotingCommand&& command) {
  const Result<void> encoded = encode(output, std::move(command));
  if (!encoded) log::error("response to {} not sent: {}", remote_address_, encoded.error().message());
}

Result<void> TcpConnection::encode(OutputQueue& output, RemotingCommand&& command) {
  if (command.codec == Codec::flatbuffers && !speaks_flatbuffers_.load()) command.codec = Codec::json;
  std::int64_t echo = command.opaque;
  if (command.is_response() && echo_opaque_.load(std::memory_order_relaxed) == echo && echo_opaque_.compare_exchange_strong(echo, -1)) {
    command.ext.add_integer(kCodecsField, kFlatBuffersOffer);
  }
  const std::int32_t opaque = command.opaque;
  const Codec codec = command.codec;
  const bool is_response = command.is_response();
  const auto count_sent = [this, codec, in_read = &output == &output_ && dispatching_] {
    const auto index = static_cast<std::size_t>(codec);
    if (in_read)
      ++read_.sent[index];
    else
      count(group_->counters.frames_sent[index]);
  };

  ErrorCode error;
  std::string failure;
  try {
    const Result<void> added = output.append(std::move(command), kFrameSizeMax);
    if (added) {
      count_sent();
      return {};
    }
    error = added.error();
    failure = "response is " + error.message();
  } catch (const std::exception& thrown) {
    error = Errc::malformed;
    failure = thrown.what();
  }
  if (!is_response) return error;
  count_sent();
  RemotingCommand response = make_error(ResponseCode::system_error, std::move(failure));
  response.opaque = opaque;
  response.flag = kFlagResponse;
  response.codec = codec;
  return output.append(std::move(response), kFrameSizeMax);
}

void TcpConnection::send(RemotingCommand&& command) {
  if (!is_open()) return;
  const bool is_response = command.is_response();
  const Result<void> queued = enqueue(std::move(command));
  if (!queued) log::error("{} to {} not sent: {}", is_response ? "response" : "request", remote_address_, queued.error().message());
}

Result<void> TcpConnection::enqueue(RemotingCommand&& command) {
  if (thread_.is_current()) {
    const Result<void> added = encode(output_, std::move(command));
    wake_here();
    return added;
  }
  const std::lock_guard lock(shared_mutex_);
  const Result<void> added = encode(shared_, std::move(command));
  if (shared_posted_) return added;  // One post for a burst.
  shared_posted_ = true;
  asio::post(thread_.context, [self = shared_from_this()] { self->drain_shared(); });
  return added;
}

void TcpConnection::wake_here() {
  if (dispatching_ || flush_posted_) return;  // The end of this read, or the post under way, writes it.
  flush_posted_ = true;
  asio::post(thread_.context, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void TcpConnection::take_shared() {
  const std::lock_guard lock(shared_mutex_);
  shared_posted_ = false;
  if (state_ == State::closed)
    shared_.clear();
  else
    output_.splice(shared_);
}

void TcpConnection::drain_shared() {
  take_shared();
  if (state_ == State::closed) return;
  arm_deadline();
  flush();
}

void TcpConnection::flush() {
  if (state_ != State::open) return;
  if (write_armed_) {
    const std::size_t mark = group_->unsent_max_bytes;
    if (output_.unsent_bytes() > mark + std::max(3 * mark, kUnsentSpareMin)) overrun();
    return;
  }
  ErrorCode error;
  while (!output_.empty() && !error) write_some(error);
  if (error && !would_block(error)) return close_now(Errc::closed);
  if (output_.empty()) return arm_read();

  write_armed_ = true;
  socket_->async_wait(Socket::wait_write, [self = shared_from_this()](const ErrorCode& waited) {
    self->write_armed_ = false;
    if (self->state_ != State::open) return;
    if (waited) return self->close_now(Errc::closed);
    self->flush();
    self->arm_read();
  });
}

void TcpConnection::write_some(ErrorCode& error) {
  std::array<std::string_view, kPiecesMax> pieces;
  const std::size_t count_of_pieces = output_.gather(pieces);
  std::size_t written = 0;
  if (count_of_pieces == 1) {
    written = socket_->write_some(asio::buffer(pieces[0].data(), pieces[0].size()), error);
  } else {
    boost::container::static_vector<asio::const_buffer, kPiecesMax> buffers;
    for (std::size_t i = 0; i < count_of_pieces; ++i) buffers.emplace_back(pieces[i].data(), pieces[i].size());
    written = socket_->write_some(buffers, error);
  }
  if (written == 0) return;
  output_.consume(written);
  last_activity_ = unsent_since_ = std::chrono::steady_clock::now();
  quiet_ = false;
}

void TcpConnection::overrun() {
  count(group_->counters.connections_overrun);
  log::warn("closing {}: it does not read its answers, {} bytes are unsent", remote_address_, output_.unsent_bytes());
  close_now(Errc::closed);
}

void TcpConnection::on_tick(TimePoint now) {
  if (state_ != State::open) return;
  const auto limit = group_->idle_timeout;
  if (!output_.empty() && now - unsent_since_ > limit) return overrun();
  const bool stuck_frame = reader_.has_partial() && read_armed_ && now - partial_since_ > limit;
  const bool silent = now - last_activity_ > limit && pending_.empty();
  if (stuck_frame || silent) {
    count(group_->counters.connections_idle);
    if (stuck_frame) log::warn("closing {}: a frame did not get whole in time", remote_address_);
    return close_now(Errc::closed);
  }
  if (quiet_) {
    output_.shrink();
    const std::lock_guard lock(shared_mutex_);
    shared_.shrink();
  }
  quiet_ = true;
}

void TcpConnection::close() noexcept {
  if (!open_.exchange(false)) return;
  asio::post(thread_.context, [self = shared_from_this()] { self->close_now(Errc::closed); });
}

void TcpConnection::close_now(ErrorCode reason) {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();
  const bool was_open = state_ == State::open;
  open_.store(false);
  if (was_open) {  // What was sent before the close gets its chance, but no time.
    take_shared();
    ErrorCode ignored;
    while (!output_.empty() && !ignored) write_some(ignored);
  }
  state_ = State::closed;
  ErrorCode ignored;
  socket_->close(ignored);
  socket_.reset();
  deadline_timer_.reset();
  output_.clear();
  output_.shrink();
  take_shared();

  for (const ResponseCallback& callback : pending_.close()) complete(callback, reason);
  if (was_open) {
    count(group_->counters.connections_closed);
    try {
      if (group_->dispatcher != nullptr) group_->dispatcher->on_close(self);
    } catch (const std::exception& failure) {
      log::error("closing {}: {}", remote_address_, failure.what());
    }
  }
  thread_.connection_count.fetch_sub(1);
  if (listed_) thread_.remove(*this);
  group_->leave();
}

}  // namespace skylark::remoting::detail
