// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "protocol/message.h"
#include "tests/support/catch.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

/// Stored body of a golden record and its flags, by name.
std::pair<std::string, std::int32_t> golden_body(std::string_view name) {
  for (const json::Value& line : test::golden_lines("messages.jsonl")) {
    if (line["name"].as_string() != name) continue;
    const std::string bytes = test::from_hex(line["hex"].as_string());
    const auto record = decode_record(bytes).value();
    return {std::string(record.body), record.sys_flag};
  }
  return {};
}

TEST_CASE("zlib gives back what went in", "[protocol][compression]") {
  for (const std::size_t size : {0, 1, 4096, 1'000'000}) {
    std::string body(size, 'a');
    for (std::size_t i = 0; i < size; i += 3) body[i] = static_cast<char>(i * 7);
    for (const int level : {1, 5, 9}) CHECK(decompress_zlib(compress_zlib(body, level)).value() == body);
  }
}

TEST_CASE("a body without the flag is left alone", "[protocol][compression]") {
  CHECK(decompress_body("as it is", sys_flag::kCompressionZstd).value() == "as it is");
}

TEST_CASE("each compression of the official client is undone, up to the bound", "[protocol][compression]") {
  for (const char* name : {"v1-compressed-lz4", "v1-compressed-zstd", "v1-compressed-zlib", "v1-compressed-legacy-zlib-no-type-bits"}) {
    INFO(name);
    const auto [body, flags] = golden_body(name);
    REQUIRE_FALSE(body.empty());
    const auto plain = decompress_body(body, flags);
    REQUIRE(plain);
    CHECK(decompress_body(body, flags, plain->size()).value() == *plain);
    CHECK(decompress_body(body, flags, plain->size() - 1).error() == make_error_code(Errc::too_large));
    CHECK(decompress_body(body, flags, 0).error() == make_error_code(Errc::too_large));
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < body.size(); ++size) {
      const auto cut = decompress_body(std::string_view(body).substr(0, size), flags);
      // The frame of LZ4 and zstd may end in a checksum or an empty block: without it the text is there, and no more.
      if (cut && *cut != *plain) ++accepted;
    }
    CHECK(accepted == 0);
  }
}

TEST_CASE("a small body cannot blow up beyond the bound", "[protocol][compression]") {
  const std::string bomb = compress_zlib(std::string(64 << 20, '\0'), 9);
  CHECK(bomb.size() < 100'000);
  CHECK(decompress_zlib(bomb, 1 << 20).error() == make_error_code(Errc::too_large));
}

TEST_CASE("bytes of no compression are refused", "[protocol][compression]") {
  for (const std::int32_t type : {0, 0x100, 0x200, 0x300, 0x400, 0x700}) {
    INFO("type " << type);
    CHECK(decompress_body("no compression at all", sys_flag::kCompressed | type).error() == make_error_code(Errc::malformed));
    CHECK(decompress_body("", sys_flag::kCompressed | type).error() == make_error_code(Errc::malformed));
  }
}

}  // namespace
}  // namespace skylark
