// SPDX-License-Identifier: Apache-2.0
#include "client/detail/core.h"

#include "base/log.h"

namespace skylark::client {

Core::Core(remoting::ClientOptions options, remoting::Dispatcher* dispatcher)
    : pool_(1), context_(pool_.context(0)), client_(pool_, options, dispatcher) {}

Core::~Core() { stop(); }

Task<Outcome<RemotingCommand>> Core::call(std::string address, RemotingCommand request, milliseconds timeout) {
  auto initiate = [this](auto handler, const std::string& to, RemotingCommand command, milliseconds within) {
    const auto held = std::make_shared<decltype(handler)>(std::move(handler));
    client_.invoke(to, std::move(command), within, [held](Result<RemotingCommand> answer) {
      if (answer) answer->own();  // It is looked at after the receive buffer was used again.
      resume_with(held, std::move(answer));
    });
  };
  const std::string to = address;
  Result<RemotingCommand> answer = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<RemotingCommand>)>(
      std::move(initiate), asio::use_awaitable, to, std::move(request), timeout);
  if (!answer) {
    Failure failure(answer.error(), address + ": " + answer.error().message());
    co_return failure;
  }
  co_return std::move(*answer);
}

Task<bool> Core::sleep(milliseconds duration) {
  Alarm alarm(*this);
  co_await alarm.wait(duration);
  co_return !stopping();
}

void Core::spawn(Task<void> task) {
  if (!enter()) return;
  asio::co_spawn(context_, std::move(task), [this](std::exception_ptr error) {
    if (error) log::error("client: a task ended early: {}", failure_of(error).message);
    leave();
  });
}

bool Core::enter() {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  ++running_;
  return true;
}

void Core::leave() {
  const std::lock_guard lock(mutex_);
  if (--running_ == 0) idle_.notify_all();
}

Failure Core::failure_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    return Failure(Errc::invalid_argument, thrown.what());
  } catch (...) {
    return Failure(Errc::invalid_argument, "an exception of unknown type");
  }
}

void Core::begin_stop() {
  if (stopping_.exchange(true, std::memory_order_acq_rel)) return;
  post([this] {
    for (asio::steady_timer* timer : sleeping_) timer->cancel();
  });
}

void Core::stop() {
  begin_stop();
  {
    std::unique_lock lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  client_.stop();  // Every pending request ends with `closed`.
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
    closed_ = true;
  }
  pool_.stop();
}

Task<void> Alarm::wait(milliseconds duration) {
  if (std::exchange(rung_, false) || core_.stopping()) co_return;
  if (waiting_++ == 0) {
    timer_.expires_after(duration);
    core_.sleeping_.insert(&timer_);
  }
  ErrorCode ignored;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (--waiting_ == 0) core_.sleeping_.erase(&timer_);
}

void Alarm::ring() {
  if (waiting_ == 0) {
    rung_ = true;
  } else {
    timer_.cancel();
  }
}

}  // namespace skylark::client
