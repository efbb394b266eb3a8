// SPDX-License-Identifier: Apache-2.0
#include "nameserver/kv_config.h"

#include "base/file_system.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace skylark::nameserver {
namespace {

struct Fixture {
  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  const std::string path = folder.path() + "/namesrv/kvConfig.json";
};

TEST_CASE("key-value configuration outlives its process in Java's form", "[nameserver]") {
  const Fixture it;
  KvConfig written(*it.files, it.path);
  REQUIRE(written.load());
  REQUIRE(written.put("ORDER_TOPIC_CONFIG", "T", "broker-a:8;broker-b:8"));
  REQUIRE(written.put("other", "k", "a \"quoted\" text"));
  CHECK(*it.files->read_all(it.path) == R"({"configTable":{"ORDER_TOPIC_CONFIG":{"T":"broker-a:8;broker-b:8"},"other":{"k":"a \"quoted\" text"}}})");

  KvConfig read(*it.files, it.path);
  REQUIRE(read.load());
  CHECK(read.get("ORDER_TOPIC_CONFIG", "T") == "broker-a:8;broker-b:8");
  CHECK(read.list("other") == KvConfig::Table{{"k", "a \"quoted\" text"}});
  CHECK_FALSE(read.list("nowhere"));
  CHECK_FALSE(read.get("other", "nothing"));
}

TEST_CASE("a removed key is gone after a restart", "[nameserver]") {
  const Fixture it;
  KvConfig written(*it.files, it.path);
  REQUIRE(written.put("n", "a", "1"));
  REQUIRE(written.put("n", "b", "2"));
  REQUIRE(written.remove("n", "a"));
  REQUIRE(written.remove("n", "never"));
  KvConfig read(*it.files, it.path);
  REQUIRE(read.load());
  CHECK(read.list("n") == KvConfig::Table{{"b", "2"}});
}

TEST_CASE("a broken file is an error, not an empty configuration", "[nameserver]") {
  const Fixture it;
  REQUIRE(it.files->create_folders(it.folder.path() + "/namesrv"));
  REQUIRE(it.files->write_all(it.path, "{\"configTable\":", false));
  KvConfig config(*it.files, it.path);
  CHECK_FALSE(config.load());
}

}  // namespace
}  // namespace skylark::nameserver
