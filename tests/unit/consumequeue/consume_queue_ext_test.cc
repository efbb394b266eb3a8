// SPDX-License-Identifier: Apache-2.0
// Extensions of a queue: their bytes, where they end, and how they go with the units.
#include "consumequeue/consume_queue_ext.h"

#include <map>

#include "base/bytes.h"
#include "consumequeue/simple_consume_queue.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kFileSize = 256;  // Seven extensions of 34 bytes, and a rest.
const std::string kMap(14, '\x5A');

struct ExtendedQueue {
  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  std::unique_ptr<SimpleConsumeQueue> queue;

  ExtendedQueue() { open(); }
  [[nodiscard]] std::string path() const { return folder.path() + "/consumequeue_ext/T/0"; }
  void open(bool write = true) {
    queue = std::make_unique<SimpleConsumeQueue>(*files, folder.path() + "/consumequeue/T/0", 400);
    queue->extend(std::make_unique<ConsumeQueueExt>(*files, path(), kFileSize), write);
    REQUIRE(queue->load());
    REQUIRE(queue->recover(false));
  }
  void append(std::int64_t offset) {
    const QueueEntry entry{.physical_offset = offset * 100, .size = 100, .tags_code = offset, .store_timestamp = 1000 + offset};
    REQUIRE(queue->append(entry, offset, kMap));
  }
  std::optional<QueueExtension> at(std::int64_t offset) { return queue->extension(queue->at(offset)->tags_code); }
  void check(std::int64_t begin, std::int64_t end) {
    for (std::int64_t offset = begin; offset < end; ++offset) {
      const auto extension = at(offset);
      REQUIRE(extension);
      CHECK(extension->tags_code == offset);
      CHECK(extension->store_timestamp == 1000 + offset);
      CHECK(extension->bit_map == kMap);
    }
  }
};

}  // namespace

TEST_CASE("an extension has the bytes of Java's", "[consumequeue]") {
  ExtendedQueue extended;
  extended.append(0);
  extended.append(1);
  CHECK(extended.queue->at(0)->tags_code == INT64_MIN);
  CHECK(extended.queue->at(1)->tags_code == INT64_MIN + 34);
  const std::string bytes = *extended.files->read_all(extended.path() + "/00000000000000000000");
  CHECK(bytes.size() == kFileSize);
  CHECK(load_be<std::int16_t>(bytes.data() + 34) == 34);
  CHECK(load_be<std::int64_t>(bytes.data() + 36) == 1);
  CHECK(load_be<std::int64_t>(bytes.data() + 44) == 1001);
  CHECK(load_be<std::int16_t>(bytes.data() + 52) == 14);
  CHECK(bytes.substr(54, 14) == kMap);
  CHECK(bytes.substr(68) == std::string(kFileSize - 68, '\0'));
}

TEST_CASE("an extension that does not fit goes to the next file, and a mark says so", "[consumequeue]") {
  ExtendedQueue extended;
  for (std::int64_t offset = 0; offset < 20; ++offset) extended.append(offset);
  extended.check(0, 20);
  CHECK(extended.queue->at(7)->tags_code == INT64_MIN + kFileSize);  // 256 - 7 * 34 = 18 bytes are left.
  const std::string bytes = *extended.files->read_all(extended.path() + "/00000000000000000000");
  CHECK(load_be<std::int16_t>(bytes.data() + 7 * 34) == -1);
}

TEST_CASE("extensions go on behind the last unit's after a restart", "[consumequeue]") {
  ExtendedQueue extended;
  for (std::int64_t offset = 0; offset < 10; ++offset) extended.append(offset);
  SECTION("all of them") {
    extended.open();
    extended.check(0, 10);
    for (std::int64_t offset = 10; offset < 20; ++offset) extended.append(offset);
    extended.check(0, 20);
  }
  SECTION("up to where the queue was cut") {
    const std::int64_t address = extended.queue->at(5)->tags_code;
    REQUIRE(extended.queue->truncate(500));
    for (std::int64_t offset = 5; offset < 12; ++offset) extended.append(offset);
    CHECK(extended.queue->at(5)->tags_code == address);
    extended.check(0, 12);
  }
  SECTION("after a time without them") {
    extended.open(false);
    extended.append(10);
    CHECK(extended.queue->at(10)->tags_code == 10);
    extended.check(0, 10);
    extended.open();
    extended.append(11);
    extended.check(0, 10);
    extended.check(11, 12);
  }
}

TEST_CASE("a lost extension is none, and nothing is written over what may be there", "[consumequeue]") {
  ExtendedQueue extended;
  for (std::int64_t offset = 0; offset < 3; ++offset) extended.append(offset);
  const std::string path = extended.path() + "/00000000000000000000";
  extended.queue.reset();
  REQUIRE(extended.files->write_all(path, extended.files->read_all(path)->substr(0, 68) + std::string(kFileSize - 68, '\0'), false));
  extended.open();
  extended.check(0, 2);
  CHECK_FALSE(extended.at(2));
  extended.append(3);
  CHECK(extended.queue->at(3)->tags_code == INT64_MIN + kFileSize);
  extended.check(3, 4);
}

TEST_CASE("files of extensions go when their units do", "[consumequeue]") {
  ExtendedQueue extended;
  for (std::int64_t offset = 0; offset < 50; ++offset) extended.append(offset);
  extended.queue->expire(2500);
  CHECK_FALSE(extended.files->exists(extended.path() + "/00000000000000000000"));
  extended.check(25, 50);
  REQUIRE(extended.queue->destroy());
  CHECK_FALSE(extended.files->exists(extended.path()));
}

TEST_CASE("what is no address has no extension", "[consumequeue]") {
  ExtendedQueue extended;
  extended.append(0);
  for (const std::int64_t code : {INT64_C(0), INT64_C(-2147483648), INT64_MAX, INT64_MIN + 35, INT64_MIN + 34, INT64_C(-2147483649)})
    CHECK_FALSE(extended.queue->extension(code));
}

TEST_CASE("a mended unit has the address of its extension again", "[consumequeue]") {
  ExtendedQueue extended;
  for (std::int64_t offset = 0; offset < 20; ++offset) extended.append(offset);
  const auto mend = [&](std::int64_t offset) {
    const std::int64_t address = extended.queue->at(offset)->tags_code;
    const QueueEntry right{.physical_offset = offset * 100, .size = 100, .tags_code = offset, .store_timestamp = 1000 + offset};
    QueueEntry wrong = right;
    wrong.store_timestamp = 1;  // There is no such extension, so that the unit gets no address.
    CHECK(*extended.queue->mend(offset, wrong, extended.queue->cut_count()));
    CHECK(extended.queue->at(offset)->tags_code == offset);
    CHECK(*extended.queue->mend(offset, right, extended.queue->cut_count()));
    CHECK(extended.queue->at(offset)->tags_code == address);
    CHECK_FALSE(*extended.queue->mend(offset, right, extended.queue->cut_count()));
  };
  for (const std::int64_t offset : {0, 1, 6, 7, 8, 19}) mend(offset);  // The eighth one begins the second file.
  extended.check(0, 20);
}

}  // namespace skylark::consumequeue
