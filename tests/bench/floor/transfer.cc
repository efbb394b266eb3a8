// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/bench/floor/floor.h"

namespace skylark::bench {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr std::size_t kBatchSize = 32 * 400;
constexpr std::size_t kFileSize = 16u << 20;

}  // namespace

Floor measure_sendfile(const std::string&, double seconds) {
  const int file = ::memfd_create("skylark-floor", 0);  // In memory: the disk is not what is measured.
  if (file < 0) fail("memfd_create");
  if (const std::string content(kFileSize, 'x'); ::write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    fail("write");
  asio::io_context context;
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  tcp::socket sender(context);
  sender.connect(acceptor.local_endpoint());
  tcp::socket receiver = acceptor.accept();
  std::thread drain([descriptor = receiver.native_handle()] {
    std::vector<char> buffer(256 * 1024);
    while (::recv(descriptor, buffer.data(), buffer.size(), 0) > 0) {
    }
  });

  Floor floor{.name = "sendfile"};
  const double cpu = process_cpu_us();
  const auto begin = std::chrono::steady_clock::now();
  int error = 0;
  while (error == 0 && (floor.operations == 0 || seconds_since(begin) < seconds)) {
    off_t position = static_cast<off_t>(static_cast<std::size_t>(floor.operations) * kBatchSize % (kFileSize - kBatchSize));
    for (std::size_t left = kBatchSize; left > 0 && error == 0;) {
      const ssize_t sent = ::sendfile(sender.native_handle(), file, &position, left);
      if (sent <= 0)
        error = errno;
      else
        left -= static_cast<std::size_t>(sent);
    }
    ++floor.operations;
  }
  floor.seconds = seconds_since(begin);
  sender.close();
  drain.join();
  floor.cpu_us = (process_cpu_us() - cpu) / static_cast<double>(floor.operations);  // That of the thread that drops it as well.
  ::close(file);
  if (error != 0) errno = error, fail("sendfile");
  return floor;
}

}  // namespace skylark::bench
