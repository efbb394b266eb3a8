// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/outcome.h"
#include "client/task.h"
#include "protocol/remoting_command.h"
#include "remoting/client.h"

namespace skylark::client {

namespace asio = boost::asio;
using std::chrono::milliseconds;

/// Hands a value to a suspended coroutine on its own executor, never from within the call that suspended it.
template <class Handler, class T>
void resume_with(const std::shared_ptr<Handler>& handler, T value) {
  const auto executor = asio::get_associated_executor(*handler);
  asio::post(executor, [handler, value = std::move(value)]() mutable { std::move(*handler)(std::move(value)); });
}

/// The one io thread of a client object, its channels, and everything that runs on them.
///
/// State of a client lives on that thread: coroutines started here need no locks against each other.
/// Life:    `stop()` ends all waits, joins all coroutines and the thread; the destructor does it too.
/// Threads: `start`, `spawn`, `wait`, `run`, `begin_stop`, `stop` from any thread; the rest on the io thread.
class Core {
 public:
  Core(remoting::ClientOptions options, remoting::Dispatcher* dispatcher);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  /// True once the end was asked for: loops return, sleeps are over at once.
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }

  /// One request and its response, whatever its code. Failures: those of the network.
  Task<Outcome<RemotingCommand>> call(std::string address, RemotingCommand request, milliseconds timeout);
  void call_one_way(const std::string& address, RemotingCommand request) { client_.invoke_one_way(address, std::move(request)); }
  void disconnect(const std::string& address) { client_.disconnect(address); }
  [[nodiscard]] const remoting::Counters& counters() const noexcept { return client_.counters(); }

  /// False when it was cut short by the end of the client.
  Task<bool> sleep(milliseconds duration);

  /// Runs a task on the io thread and gives its outcome to `on_end` there. Once stopped, `on_end` gets `closed` at once.
  template <class T, class OnEnd>
  void start(Task<T> task, OnEnd on_end);
  /// Runs a task that has no outcome.
  void spawn(Task<void> task);
  /// Blocks the calling thread, which must not be the io thread (`invalid_argument`).
  template <class T>
  T wait(Task<T> task);
  /// Runs the task on the io thread and resumes the caller on its own executor.
  template <class T>
  Task<T> run(Task<T> task);
  /// Runs a plain function on the io thread, some time, unless stopped.
  template <class F>
  void post(F function);

  void begin_stop();
  void stop();

 private:
  friend class Alarm;
  bool enter();
  void leave();
  static Failure failure_of(const std::exception_ptr& error);

  remoting::IoPool pool_;
  asio::io_context& context_;
  remoting::Client client_;
  std::atomic<bool> stopping_{false};
  std::set<asio::steady_timer*> sleeping_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
  bool closed_ = false;
  bool stopped_ = false;
};

/// A sleep that can be cut short; any number of coroutines may wait. Threads: the io thread alone.
class Alarm {
 public:
  explicit Alarm(Core& core) : core_(core), timer_(core.context()) {}
  /// Returns when time is over, the alarm rings, or the client ends. A ring with nobody waiting ends the next wait at once.
  Task<void> wait(milliseconds duration);
  void ring();

 private:
  Core& core_;
  asio::steady_timer timer_;
  std::size_t waiting_ = 0;
  bool rung_ = false;
};

template <class T, class OnEnd>
void Core::start(Task<T> task, OnEnd on_end) {
  if (!enter()) {
    on_end(T(Failure(Errc::closed, "the client is not running")));
    return;
  }
  asio::co_spawn(context_, std::move(task), [this, on_end = std::move(on_end)](std::exception_ptr error, T value) mutable {
    if (error) {
      on_end(T(failure_of(error)));
    } else {
      on_end(std::move(value));
    }
    leave();
  });
}

template <class T>
T Core::wait(Task<T> task) {
  if (context_.get_executor().running_in_this_thread()) {
    return T(Failure(Errc::invalid_argument, "a blocking call from a callback of the same client"));
  }
  const auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  start(std::move(task), [promise](T value) { promise->set_value(std::move(value)); });
  return future.get();
}

template <class T>
Task<T> Core::run(Task<T> task) {
  auto initiate = [this](auto handler, Task<T> inner) {
    const auto held = std::make_shared<decltype(handler)>(std::move(handler));
    start(std::move(inner), [held](T value) { resume_with(held, std::move(value)); });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(std::move(initiate), asio::use_awaitable, std::move(task));
}

template <class F>
void Core::post(F function) {
  if (!enter()) return;
  asio::post(context_, [this, function = std::move(function)]() mutable {
    function();
    leave();
  });
}

}  // namespace skylark::client
