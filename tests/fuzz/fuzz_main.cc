// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  skylark::fuzz::one_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
