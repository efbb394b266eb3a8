// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

namespace skylark {

/// Neighbouring TCP ports of one test process until it ends or the claim is destroyed: the twin of ports.py, with the same lock files, so
/// that tests in parallel never meet. Ports lie below the range of outgoing connections. For servers that must know their port before
/// they start; others bind port 0.
class PortClaim {
 public:
  explicit PortClaim(int count) {
    std::filesystem::create_directories(kFolder);
    std::random_device random;
    const int starts = kLast - kFirst - count + 2;
    const int shift = static_cast<int>(random() % static_cast<unsigned>(starts));
    for (int step = 0; step < starts; ++step) {
      first_ = kFirst + (shift + step) % starts;
      if (lock_all(count)) return;
    }
    throw std::runtime_error("no neighbouring ports are free");
  }
  ~PortClaim() { release(); }
  PortClaim(const PortClaim&) = delete;
  PortClaim& operator=(const PortClaim&) = delete;

  [[nodiscard]] int first() const noexcept { return first_; }

 private:
  static constexpr const char* kFolder = "/tmp/skylark-ports";
  static constexpr int kFirst = 20000, kLast = 29999;

  bool lock_all(int count) {
    for (int port = first_; port < first_ + count; ++port) {
      if (lock_one(port)) continue;
      release();
      return false;
    }
    return true;
  }
  bool lock_one(int port) {
    const std::string path = std::string(kFolder) + "/" + std::to_string(port);
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) return false;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && can_bind(port)) {
      descriptors_.push_back(descriptor);
      return true;
    }
    ::close(descriptor);
    return false;
  }
  static bool can_bind(int port) {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool bound = probe >= 0 && ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (probe >= 0) ::close(probe);
    return bound;
  }
  void release() {
    for (const int descriptor : descriptors_) ::close(descriptor);
    descriptors_.clear();
  }

  int first_ = 0;
  std::vector<int> descriptors_;
};

/// The ports of one broker: the fast one, the main one two above it, and that of replication behind it.
struct BrokerPorts {
  PortClaim claim{4};
  [[nodiscard]] int listen() const noexcept { return claim.first() + 2; }
};

}  // namespace skylark
