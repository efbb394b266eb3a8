// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/frame_reader.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/catch.h"

#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

namespace skylark::remoting::detail {
namespace {

struct Frames final : FrameSink {
  Result<void> on_frame(std::string_view frame) override {
    all.emplace_back(frame);
    if (all.size() == fail_at) return Errc::malformed;
    return {};
  }
  bool wants_frames() const noexcept override { return all.size() < wanted; }

  std::vector<std::string> all;
  std::size_t fail_at = 0;
  std::size_t wanted = std::numeric_limits<std::size_t>::max();
};

std::string framed(std::string_view payload) {
  std::string bytes;
  append_be<std::int32_t>(bytes, static_cast<std::int32_t>(payload.size()));
  return bytes.append(payload);
}

std::string claiming(std::int32_t length) {
  std::string bytes;
  append_be<std::int32_t>(bytes, length);
  return bytes;
}

}  // namespace

TEST_CASE("whole frames are cut out of one read and nothing is kept", "[remoting]") {
  FrameReader reader(1'000);
  Frames frames;
  REQUIRE(reader.feed(framed("first") + framed("second"), frames));
  CHECK(frames.all == std::vector<std::string>{"first", "second"});
  CHECK_FALSE(reader.has_partial());
}

TEST_CASE("a frame cut anywhere is put together again", "[remoting]") {
  const std::string bytes = framed("first") + framed("second") + framed("third");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    INFO("cut at " << cut);
    FrameReader reader(1'000);
    Frames frames;
    REQUIRE(reader.feed(std::string_view(bytes).substr(0, cut), frames));
    REQUIRE(reader.feed(std::string_view(bytes).substr(cut), frames));
    CHECK(frames.all == std::vector<std::string>{"first", "second", "third"});
    CHECK_FALSE(reader.has_partial());
  }
}

TEST_CASE("random frames in random pieces come out as they went in", "[remoting]") {
  const char* given = std::getenv("SKYLARK_SEED");
  const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  INFO("SKYLARK_SEED=" << seed);
  std::mt19937 random(seed);
  const auto below = [&random](std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random); };
  std::vector<std::string> sent;
  std::string bytes;
  for (int i = 0; i < 500; ++i) {
    sent.emplace_back(4 + below(i % 10 == 0 ? 5'000 : 50), static_cast<char>('a' + i % 26));
    bytes += framed(sent.back());
  }
  FrameReader reader(10'000);
  Frames frames;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::string piece = bytes.substr(at, 1 + below(below(5) == 0 ? 4'000 : 7));
    at += piece.size();
    REQUIRE(reader.feed(piece, frames));
  }
  CHECK(frames.all == sent);
  CHECK_FALSE(reader.has_partial());
}

TEST_CASE("lengths out of bounds are refused as soon as they are known", "[remoting]") {
  struct Row {
    std::int32_t length;
    Errc error;
  };
  const auto row =
      GENERATE(Row{-1, Errc::malformed}, Row{std::numeric_limits<std::int32_t>::min(), Errc::malformed}, Row{0, Errc::malformed},
               Row{3, Errc::malformed}, Row{16'777'213, Errc::too_large}, Row{std::numeric_limits<std::int32_t>::max(), Errc::too_large});
  const auto at_once = GENERATE(true, false);
  FrameReader reader(16'777'216);
  Frames frames;
  const std::string bytes = claiming(row.length);
  Result<void> fed;
  if (at_once) {
    fed = reader.feed(bytes, frames);
  } else {
    for (std::size_t i = 0; i < bytes.size() && fed; ++i) fed = reader.feed(std::string_view(bytes).substr(i, 1), frames);
  }
  REQUIRE_FALSE(fed);
  CHECK(fed.error() == row.error);
}

TEST_CASE("memory grows with what arrived and not with what is claimed", "[remoting]") {
  FrameReader reader(16'777'216);
  Frames frames;
  REQUIRE(reader.feed(claiming(16'777'212) + "some", frames));
  CHECK(reader.has_partial());
  CHECK(reader.partial_capacity_bytes() < 1'000);
  REQUIRE(reader.feed(std::string(100'000, 'x'), frames));
  CHECK(reader.partial_capacity_bytes() < 300'000);
}

TEST_CASE("the memory of a partial frame is given back with it", "[remoting]") {
  FrameReader reader(1'000'000);
  Frames frames;
  const std::string bytes = framed(std::string(500'000, 'x'));
  REQUIRE(reader.feed(std::string_view(bytes).substr(0, 400'000), frames));
  REQUIRE(reader.feed(std::string_view(bytes).substr(400'000), frames));
  REQUIRE(frames.all.size() == 1);
  CHECK(reader.partial_capacity_bytes() < 100);
}

TEST_CASE("the sink's error ends the feeding, and so does its wish", "[remoting]") {
  FrameReader reader(1'000);
  Frames failing;
  failing.fail_at = 2;
  const Result<void> fed = reader.feed(framed("good") + framed("evil") + framed("more"), failing);
  REQUIRE_FALSE(fed);
  CHECK(fed.error() == Errc::malformed);
  CHECK(failing.all.size() == 2);

  Frames modest;
  modest.wanted = 1;
  REQUIRE(reader.feed(framed("good") + framed("more"), modest));
  CHECK(modest.all.size() == 1);
}

}  // namespace skylark::remoting::detail
