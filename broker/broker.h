// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/parts.h"

namespace skylark::remoting {
class IoPool;
struct Counters;
}  // namespace skylark::remoting

namespace skylark::broker {

/// Why a broker could not start, in one line for the operator.
class StartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One broker: owns every part and wires them.
///
/// Life:    construct with a settled config, `start()`, `stop()`; the destructor stops too. The pool, files and clock outlive it.
/// Threads: `start` and `stop` from one thread, no io thread; the rest from any.
/// Source:  BrokerController.java 5.3.3; order of stopping: docs/architecture.md.
class Broker {
 public:
  Broker(BrokerConfig& config, FileSystem& files, Clock& clock, remoting::IoPool& pool);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Loads tables, recovers the store, starts services, listens, registers. Throws `StartError`; what had been started is stopped.
  void start();
  /// Takes the broker out of the name servers, answers what waits, stops services and store, writes the tables.
  void stop();

  [[nodiscard]] const BrokerIdentity& identity() const noexcept;
  /// For tests and for what a program prints.
  [[nodiscard]] BrokerParts& parts() noexcept;
  [[nodiscard]] const remoting::Counters& counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skylark::broker
