// SPDX-License-Identifier: Apache-2.0
// Writes one byte behind a heap block, on purpose.
#include <cstdio>
#include <cstdlib>

int main(int argc, char**) {
  const auto size = static_cast<std::size_t>(argc) * 16;
  auto* block = static_cast<volatile char*>(std::malloc(size));
  block[size] = 1;
  std::printf("%d\n", block[size]);
  std::free(const_cast<char*>(block));
}
