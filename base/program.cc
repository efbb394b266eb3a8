// SPDX-License-Identifier: Apache-2.0
#include "base/program.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace skylark {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);  // A closed terminal does not stop a server, as with nohup around Java's scripts.
}

int StopSignals::wait() const {
  int number = 0;
  while (sigwait(&signals_, &number) != 0) {
  }
  return number;
}

int refuse_to_start(std::string_view program, std::string_view reason) {
  std::string line(reason);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(program.size()), program.data(), line.c_str());
  return kExitRefused;
}

void announce(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

}  // namespace skylark
