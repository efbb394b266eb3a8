// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <string_view>

namespace skylark {

/// What all servers do around their work. For `main` alone.
///
/// Holds SIGINT and SIGTERM back from this thread and all started after, and ignores SIGPIPE and SIGHUP. Construct it first.
class StopSignals {
 public:
  StopSignals();
  /// Returns the number of the signal once one has arrived, at once when it came before.
  int wait() const;

 private:
  sigset_t signals_{};
};

inline constexpr int kExitRefused = 2;  ///< Bad input at start: configuration, flags, a port in use, a locked store.

/// Prints `<program>: <reason>` as one line on stderr and returns `kExitRefused`.
[[nodiscard]] int refuse_to_start(std::string_view program, std::string_view reason);

/// Prints one line on stdout at once, also into a pipe: what scripts wait for.
void announce(std::string_view line);

}  // namespace skylark
