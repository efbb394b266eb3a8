// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include "base/crc32.h"
#include "tests/support/catch.h"

namespace skylark {

TEST_CASE("integers are stored big-endian and read back", "[base]") {
  std::string bytes;
  append_be<std::int32_t>(bytes, 0x01020304);
  append_be<std::int64_t>(bytes, -2);
  REQUIRE(bytes.size() == 12);
  CHECK(bytes.substr(0, 4) == std::string("\x01\x02\x03\x04"));
  CHECK(load_be<std::int64_t>(bytes.data() + 4) == -2);
}

TEST_CASE("a reader stops at the end and stays failed", "[base]") {
  ByteReader reader(std::string_view("\x00\x02hi!", 5));
  CHECK(reader.take(reader.read<std::int16_t>()) == "hi");
  CHECK(reader.ok());
  CHECK(reader.read<std::int32_t>() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.take(0).empty());
}

TEST_CASE("a negative length is past the end", "[base]") {
  ByteReader reader("abc");
  CHECK(reader.take(-1).empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("the checksum is the one of zlib without its top bit", "[base]") {
  CHECK(crc32_31("123456789") == (0xCBF43926u & 0x7FFFFFFFu));
  CHECK(crc32_31("") == 0);
}

}  // namespace skylark
