// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace skylark::broker {

/// A part of the broker with threads or timers of its own. Constructed by the wiring, started after the store has recovered and
/// before the server accepts, stopped in reverse order after the server has stopped and before the store does.
class Service {
 public:
  virtual ~Service() = default;
  virtual void start() = 0;
  virtual void stop() = 0;
};

}  // namespace skylark::broker
