// SPDX-License-Identifier: Apache-2.0
#include "client/detail/offset_store.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

#include "tests/support/catch.h"

using skylark::client::MessageQueue;
using skylark::client::OffsetFile;
using skylark::client::OffsetStore;
using skylark::client::OffsetTable;

namespace {

const MessageQueue kQueue{"T", "broker-a", 3};

/// A folder of its own for one test, removed at the end.
struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skylark-offsets-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("an offset raised stays at its highest, one set is taken as it is", "[client][offsets]") {
  OffsetStore store;
  CHECK_FALSE(store.find(kQueue).has_value());
  store.update(kQueue, 10, true);
  store.update(kQueue, 7, true);
  CHECK(store.find(kQueue) == 10);
  store.update(kQueue, 7, false);
  CHECK(store.find(kQueue) == 7);
  store.remove(kQueue);
  CHECK_FALSE(store.find(kQueue).has_value());
}

TEST_CASE("offsets of a broadcasting group survive in their file", "[client][offsets]") {
  const Folder folder;
  const OffsetFile file(folder.path, "10.0.0.1@DEFAULT", "G");
  CHECK(file.path() == folder.path + "/10.0.0.1@DEFAULT/G/offsets.json");
  CHECK(file.load()->empty());
  const OffsetTable offsets = {{kQueue, 41}, {MessageQueue{"T", "broker-b", 0}, 0}};
  REQUIRE(file.save(offsets));
  CHECK(*file.load() == offsets);
  CHECK(content_of(file.path()) ==
        R"({"offsetTable":{{"brokerName":"broker-a","queueId":3,"topic":"T"}:41,{"brokerName":"broker-b","queueId":0,"topic":"T"}:0}})");
}

TEST_CASE("the Java client's offset file is read, with its tabs and with keys as text", "[client][offsets]") {
  const Folder folder;
  const OffsetFile file(folder.path, "c", "G");
  std::filesystem::create_directories(folder.path + "/c/G");
  std::ofstream(file.path()) << "{\n\t\"offsetTable\":{{\n\t\t\t\"brokerName\":\"broker-a\",\n\t\t\t\"queueId\":3,\n\t\t\t\"topic\":\"T\"\n"
                                "\t\t}:12,\"{\\\"brokerName\\\":\\\"b\\\",\\\"queueId\\\":1,\\\"topic\\\":\\\"T\\\"}\":5\n\t}\n}";
  CHECK(*file.load() == OffsetTable{{kQueue, 12}, {MessageQueue{"T", "b", 1}, 5}});
}

TEST_CASE("a torn offset file gives way to the one before it", "[client][offsets]") {
  const Folder folder;
  const OffsetFile file(folder.path, "c", "G");
  REQUIRE(file.save({{kQueue, 1}}));
  REQUIRE(file.save({{kQueue, 2}}));
  std::ofstream(file.path(), std::ios::trunc) << "{\"offsetTab";
  CHECK(*file.load() == OffsetTable{{kQueue, 1}});
  std::ofstream(file.path() + ".bak", std::ios::trunc) << "[";
  CHECK_FALSE(file.load());
}
