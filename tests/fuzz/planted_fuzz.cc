// SPDX-License-Identifier: Apache-2.0
// A reader with a fault: of a record that does not decode it takes the body by its length alone. No golden record makes it read past the
// end, a changed one soon does. If the fuzzer misses this, the other targets prove nothing.
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "protocol/message.h"
#include "tests/fuzz/fuzz.h"

void skylark::fuzz::one_input(std::string_view bytes) {
  constexpr std::size_t kBodySizeAt = 84;  // With two IPv4 hosts.
  if (bytes.size() < kBodySizeAt + 4 || decode_record(bytes)) return;
  const std::vector<char> record(bytes.begin(), bytes.end());
  const auto body_size = load_be<std::uint32_t>(record.data() + kBodySizeAt) & 0xFFFF;
  unsigned sum = 0;
  for (std::size_t i = 0; i < body_size; ++i) sum += static_cast<unsigned char>(record.data()[kBodySizeAt + 4 + i]);
  expect(sum != 1, "never");
}
