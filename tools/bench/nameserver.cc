// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "protocol/header_codec.h"
#include "protocol/json.h"
#include "protocol/nameserver_headers.h"
#include "protocol/request_code.h"
#include "tools/bench/commands.h"
#include "tools/bench/event_loop.h"
#include "tools/bench/limits.h"
#include "tools/bench/records.h"
#include "tools/bench/schedule.h"
#include "tools/bench/simulated_brokers.h"

namespace skylark::bench {

namespace {

/// Keeps brokers registered, each on a connection of its own: the name server drops a broker whose connection ends.
class Registrar : public Load {
 public:
  Registrar(EventLoop& loop, const Options& options) : loop_(loop), options_(options) {}

  /// The first registration of every broker, one after the other. Errors: a refusal.
  void register_all();

  void begin(std::int64_t now_ns) override { due_.emplace(now_ns, static_cast<double>(options_.brokers) / options_.register_interval_s); }
  void on_answer(Channel&, std::int32_t, const Answer& answer, std::string_view, std::int64_t) override {
    --open_;
    if (answer.code == 0)
      ++repeated_;
    else
      loop_.count(answer, false, 0);
  }
  [[nodiscard]] std::int64_t next_due_ns() const override { return due_ ? due_->next_ns() : kNeverDue; }
  void on_due(std::int64_t now_ns) override;
  [[nodiscard]] bool drained() const override { return open_ == 0; }

  void report() const;

 private:
  EventLoop& loop_;
  Options options_;
  std::vector<std::string> frames_;
  std::vector<Channel*> channels_;
  std::optional<Schedule> due_;
  std::size_t next_ = 0;
  std::int64_t open_ = 0;
  std::int64_t repeated_ = 0;
  Histogram first_;
};

void Registrar::register_all() {
  require_descriptors(std::int64_t{options_.brokers} + options_.connections);
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::int32_t broker = 0; broker < options_.brokers; ++broker) {
    RemotingCommand request = make_registration(options_, broker);
    request.opaque = kOpaqueBase + broker;
    encode_frame(request, frames_.emplace_back());
    connections.push_back(std::make_unique<Connection>(options_.host, options_.port));
    const std::int64_t begin = now_ns();
    const RemotingCommand answer = connections.back()->call(std::move(request));
    first_.record(now_ns() - begin);
    if (answer.code != 0) throw BenchError(fmt::format("registration of a broker: code {}: {}", answer.code, answer.remark));
  }
  channels_ = loop_.adopt(*this, std::move(connections));
}

void Registrar::on_due(std::int64_t now_ns) {
  while (due_->is_due(now_ns)) {
    due_->take();
    loop_.send(*channels_[next_], frames_[next_]);
    if (++next_ == frames_.size()) next_ = 0;
    ++open_;
  }
}

void Registrar::report() const {
  std::size_t bytes = 0;
  for (const std::string& frame : frames_) bytes += frame.size();
  loop_.measured().add("registrationsRepeated", repeated_);
  loop_.measured().add("registrationBytes", static_cast<double>(bytes) / static_cast<double>(frames_.size()));
  loop_.measured().times.emplace_back("registration", first_);
}

/// Asks for the routes of all topics in random order.
class RouteQueries : public Load {
 public:
  RouteQueries(EventLoop& loop, const Options& options) : loop_(loop), options_(options) {
    for (std::int32_t topic = 0; topic < options.topics; ++topic)
      requests_.push_back(make_route_query(options, topic_name(options, topic)));
    channels_ = loop.connect(*this, options.connections);
    since_ns_.resize(channels_.size() * static_cast<std::size_t>(options.in_flight));
  }

  void begin(std::int64_t now_ns) override {
    for (std::size_t i = 0; i < since_ns_.size(); ++i) ask(i, now_ns);
  }
  void on_answer(Channel&, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) override;
  [[nodiscard]] bool drained() const override { return open_ == 0; }
  void report() const { loop_.measured().add("routeBytes", bytes_ / static_cast<double>(std::max<std::int64_t>(answered_, 1))); }

 private:
  void ask(std::size_t number, std::int64_t now_ns) {
    const RequestTemplate& request = requests_[random_() % requests_.size()];
    since_ns_[number] = now_ns;
    loop_.send(*channels_[number % channels_.size()], request, static_cast<std::int32_t>(number));
    ++open_;
  }

  EventLoop& loop_;
  Options options_;
  std::vector<RequestTemplate> requests_;
  std::vector<Channel*> channels_;
  std::vector<std::int64_t> since_ns_;
  std::minstd_rand random_{1};  // The same order in every run.
  std::int64_t open_ = 0;
  std::int64_t answered_ = 0;
  double bytes_ = 0;
};

void RouteQueries::on_answer(Channel&, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) {
  const auto index = static_cast<std::size_t>(number);
  if (index >= since_ns_.size()) throw BenchError("an answer to no request");
  --open_;
  ++answered_;
  bytes_ += static_cast<double>(body_of(frame).size());
  loop_.count(answer, answer.code == 0, 1);
  if (loop_.measuring()) loop_.measured().latency.record(now_ns - since_ns_[index]);
  if (loop_.stopping())
    loop_.progressed(now_ns);
  else
    ask(index, now_ns);
}

/// Brokers that the route of a topic names.
std::int64_t brokers_of_route(const Options& options, std::int32_t topic) {
  Connection connection(options.host, options.port);
  GetRouteInfoRequestHeader header;
  header.topic = topic_name(options, topic);
  const RemotingCommand answer = connection.call(make_request(RequestCode::get_routeinfo_by_topic, header));
  const auto body = json::parse(answer.body.view());
  if (answer.code != 0 || !body) throw BenchError(fmt::format("route of {}: code {}: {}", header.topic, answer.code, answer.remark));
  return static_cast<std::int64_t>((*body)["brokerDatas"].items().size());
}

}  // namespace

Measurement run_nameserver(const Options& options) {
  const ProcessFigures before = options.broker_pid > 0 ? read_process(options.broker_pid) : ProcessFigures{};
  EventLoop loop(options);
  Registrar registrar(loop, options);
  const std::int64_t begin = now_ns();
  registrar.register_all();
  const double seconds = static_cast<double>(now_ns() - begin) / 1e9;
  loop.measured().add("brokers", options.brokers);
  loop.measured().add("brokersPerRoute", brokers_of_route(options, options.topics - 1));
  loop.measured().add("registrationSeconds", seconds);
  if (options.broker_pid > 0) {
    const ProcessFigures after = read_process(options.broker_pid);
    loop.measured().add("registrationCpuUs", (after.cpu_seconds - before.cpu_seconds) * 1e6 / options.brokers);
    loop.measured().add("anonymousBytesBefore", before.rss_anonymous_bytes);
    loop.measured().add("anonymousBytesRegistered", after.rss_anonymous_bytes);
  }
  RouteQueries queries(loop, options);
  loop.run();
  registrar.report();
  queries.report();
  return std::move(loop.measured());
}

}  // namespace skylark::bench
