// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/output_queue.h"

#include "base/error.h"
#include "tests/support/catch.h"

#include <array>
#include <cstdlib>
#include <random>

namespace skylark::remoting::detail {
namespace {

RemotingCommand with_body(Body body) {
  RemotingCommand command;
  command.code = 11;
  command.flag = kFlagResponse;
  command.body = std::move(body);
  return command;
}

RemotingCommand with_text(std::size_t size_bytes, char fill = 'x') { return with_body(Body(std::string(size_bytes, fill))); }

RemotingCommand with_slices(const std::vector<std::size_t>& sizes, const std::shared_ptr<const std::string>& store) {
  std::vector<PinnedSlice> slices;
  for (const std::size_t size : sizes) slices.push_back({std::string_view(*store).substr(0, size), store});
  return with_body(Body(std::move(slices)));
}

std::string encoded(const RemotingCommand& command) {
  std::string bytes;
  encode_frame(command, bytes);
  return bytes;
}

void add(OutputQueue& queue, RemotingCommand command) { REQUIRE(queue.append(std::move(command), kFrameSizeMax)); }

/// Takes all that is queued, at most `step` bytes and four pieces at a time.
std::string drained(OutputQueue& queue, std::size_t step) {
  std::string all;
  while (!queue.empty()) {
    std::array<std::string_view, 4> pieces;
    const std::size_t count = queue.gather(pieces);
    REQUIRE(count > 0);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count && taken < step; ++i) {
      const std::string_view part = pieces[i].substr(0, step - taken);
      all.append(part);
      taken += part.size();
    }
    queue.consume(taken);
  }
  return all;
}

}  // namespace

TEST_CASE("small frames lie in one piece", "[remoting]") {
  OutputQueue queue;
  for (int i = 0; i < 100; ++i) add(queue, with_text(100));
  std::array<std::string_view, 4> pieces;
  CHECK(queue.gather(pieces) == 1);
  CHECK(pieces[0].size() == queue.unsent_bytes());
}

TEST_CASE("large slices go from where they lie and are pinned until they are sent", "[remoting]") {
  const auto store = std::make_shared<const std::string>(10'000, 's');
  OutputQueue queue;
  add(queue, with_slices({5'000, 100, 3'000}, store));
  CHECK(store.use_count() == 3);  // The small one was copied.
  std::array<std::string_view, 8> pieces;
  REQUIRE(queue.gather(pieces) == 4);
  CHECK(pieces[1].data() == store->data());
  CHECK(pieces[1].size() == 5'000);
  CHECK(pieces[2].size() == 100);

  queue.consume(pieces[0].size() + 4'999);
  CHECK(store.use_count() == 3);
  queue.consume(1);
  CHECK(store.use_count() == 2);
  queue.consume(queue.unsent_bytes());
  CHECK(store.use_count() == 1);
  CHECK(queue.empty());
}

TEST_CASE("a slice without a pin is kept by the last pin before it", "[remoting]") {
  const auto first = std::make_shared<const std::string>(10'000, 'f');
  const auto second = std::make_shared<const std::string>(10'000, 's');
  const std::string_view of_first = *first, of_second = *second;
  OutputQueue queue;
  add(queue,
      with_body(Body(std::vector<PinnedSlice>{{of_first.substr(0, 100), first},  // Copied: its pin counts for the next one all the same.
                                              {of_first.substr(0, 3'000), nullptr},
                                              {of_second.substr(0, 3'000), second},
                                              {of_second.substr(0, 4'000), nullptr}})));
  CHECK(first.use_count() == 2);
  CHECK(second.use_count() == 3);
  queue.consume(queue.unsent_bytes() - 1);
  CHECK(first.use_count() == 1);
  CHECK(second.use_count() == 2);
}

TEST_CASE("a large body is not copied", "[remoting]") {
  RemotingCommand command = with_text(100'000);
  const char* const bytes = command.body.view().data();
  OutputQueue queue;
  add(queue, std::move(command));
  std::array<std::string_view, 4> pieces;
  REQUIRE(queue.gather(pieces) == 2);
  CHECK(pieces[1].data() == bytes);
}

TEST_CASE("a frame above the bound is an error and leaves nothing behind", "[remoting]") {
  OutputQueue queue;
  const std::size_t size_bytes = GENERATE(1'000, 5'000);
  add(queue, with_text(10));
  const std::size_t unsent_before = queue.unsent_bytes();
  const Result<void> added = queue.append(with_text(size_bytes), 1'000);
  REQUIRE_FALSE(added);
  CHECK(added.error() == Errc::too_large);
  CHECK(queue.unsent_bytes() == unsent_before);
  CHECK(drained(queue, 7) == encoded(with_text(10)));
}

TEST_CASE("clearing lets go of pins", "[remoting]") {
  const auto store = std::make_shared<const std::string>(10'000, 's');
  OutputQueue queue;
  add(queue, with_slices({5'000}, store));
  queue.clear();
  CHECK(store.use_count() == 1);
  CHECK(queue.empty());
}

TEST_CASE("any mix of frames, spliced and taken in any steps, comes out as one stream", "[remoting]") {
  const char* given = std::getenv("SKYLARK_SEED");
  const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  INFO("SKYLARK_SEED=" << seed);
  std::mt19937 random(seed);
  const auto below = [&random](std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random); };
  const auto store = std::make_shared<const std::string>([] {
    std::string text(20'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
  }());
  const auto any_command = [&] {
    if (below(3) == 0) return with_text(below(6'000), static_cast<char>('A' + below(26)));
    std::vector<std::size_t> sizes(below(5));
    for (std::size_t& size : sizes) size = below(5'000);
    return with_slices(sizes, store);
  };
  OutputQueue queue;
  std::string expected;
  std::string sent;
  const auto send_some = [&](std::size_t step) {
    std::array<std::string_view, 3> pieces;
    std::size_t taken = 0;
    const std::size_t count = queue.gather(pieces);
    for (std::size_t i = 0; i < count && taken < step; ++i) {
      const std::string_view part = pieces[i].substr(0, step - taken);
      sent.append(part);
      taken += part.size();
    }
    queue.consume(taken);
  };
  for (int round = 0; round < 1'000; ++round) {
    OutputQueue burst;
    OutputQueue& target = below(2) == 0 ? queue : burst;
    for (std::size_t i = below(4); i > 0; --i) {
      RemotingCommand command = any_command();
      expected += encoded(command);
      add(target, std::move(command));
    }
    queue.splice(burst);
    CHECK(burst.empty());
    send_some(below(8'000));
    if (queue.unsent_bytes() != expected.size() - sent.size()) FAIL("unsent bytes are off");
  }
  sent += drained(queue, 4'000);
  CHECK(sent == expected);
  CHECK(store.use_count() == 1);
}

}  // namespace skylark::remoting::detail
