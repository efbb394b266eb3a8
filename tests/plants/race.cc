// SPDX-License-Identifier: Apache-2.0
// Two threads write one integer without a lock, on purpose.
#include <cstdio>
#include <thread>

int main() {
  int shared = 0;
  std::thread other([&shared] {
    for (int i = 0; i < 1000; ++i) ++shared;
  });
  for (int i = 0; i < 1000; ++i) ++shared;
  other.join();
  std::printf("%d\n", shared);
}
