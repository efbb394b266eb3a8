// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace skylark {

/// What the process writes to stderr while this lives, where its log goes from `warn` upwards. One at a time.
class CapturedLog {
 public:
  CapturedLog() {
    std::fflush(stderr);
    const int file = ::open(path().c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    saved_ = ::dup(STDERR_FILENO);
    if (file < 0 || saved_ < 0 || ::dup2(file, STDERR_FILENO) < 0) throw std::runtime_error("stderr cannot be captured");
    ::close(file);
  }
  ~CapturedLog() {
    std::fflush(stderr);
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  [[nodiscard]] std::string text() const {
    std::fflush(stderr);
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] bool says(const std::string& words) const { return text().find(words) != std::string::npos; }

 private:
  [[nodiscard]] std::string path() const { return folder_.path() + "/stderr"; }

  TemporaryFolder folder_;
  int saved_ = -1;
};

}  // namespace skylark
