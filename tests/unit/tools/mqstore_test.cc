// SPDX-License-Identifier: Apache-2.0
// The stores that Java left, sound and damaged on purpose, as `mqstore` sees them.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <sys/wait.h>

#include <fmt/core.h>

#include "protocol/json.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"
#include "tools/store/commands.h"
#include "tools/store/read_only_disk.h"

namespace skylark::tools {
namespace {

namespace fs = std::filesystem;

class Store {
 public:
  explicit Store(const std::string& name) {
    const std::string archive = std::string(SKYLARK_GOLDEN_DIR) + "/stores/" + name;
    const std::string unpack = "cd '" + folder_.path() + "' && '" SKYLARK_CMAKE "' -E tar xf '" + archive + ".tar.zst'";
    REQUIRE(std::system(unpack.c_str()) == 0);
    auto parsed = json::parse(read(archive + ".json"));
    REQUIRE(parsed.has_value());
    expected = std::move(*parsed);
    options.root = folder_.path() + "/store";
    options.batch_queue_file_size = expected["brokerConfig"]["mapperFileSizeBatchConsumeQueue"].as_integer();
    options.geometry = {expected["brokerConfig"]["maxHashSlotNum"].as_int32(), expected["brokerConfig"]["maxIndexNum"].as_int32()};
  }

  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// Relative paths of the files below a folder, with their content; lock excluded.
  [[nodiscard]] std::map<std::string, std::string> content(const std::string& below) const {
    std::map<std::string, std::string> files;
    const std::string root = options.root + below;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.is_regular_file()) files[entry.path().string().substr(root.size())] = read(entry.path().string());
    }
    return files;
  }
  void flip(const std::string& path, std::int64_t at) const {
    write(path, at, static_cast<char>(read(path)[static_cast<std::size_t>(at)] ^ 0x10));
  }
  static void write(const std::string& path, std::int64_t at, char byte) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(at);
    file.put(byte);
    REQUIRE(file.good());
  }
  void flip_log(std::int64_t at) const {
    const std::int64_t size = expected["commitLog"]["segmentSize"].as_integer();
    flip(options.log_folders().writable.front() + "/" + commitlog::mapped_file_name(at - at % size), at % size);
  }

  json::Value verify(int exit_code) {
    std::ostringstream out;
    const auto done = tools::verify(options, *reader_, Format::json, out);
    REQUIRE(done.has_value());
    INFO(out.str());
    CHECK(*done == exit_code);
    auto answer = json::parse(out.str());
    REQUIRE(answer.has_value());
    return *answer;
  }
  json::Value rebuild(int exit_code = kSound) {
    std::ostringstream out;
    const auto done = tools::rebuild(options, *disk_, clock_, Format::json, out);
    REQUIRE(done);
    CHECK(*done == exit_code);
    return *json::parse(out.str());
  }
  Result<int> truncate(const TruncateOptions& what, json::Value* answer = nullptr) {
    std::ostringstream out;
    const auto done = tools::truncate(options, what, what.dry_run ? *reader_ : *disk_, clock_, Format::json, out);
    if (done && answer != nullptr) *answer = *json::parse(out.str());
    return done;
  }
  std::vector<json::Value> dump(const DumpOptions& what) {
    std::ostringstream out;
    REQUIRE(tools::dump(options, what, *reader_, Format::json, out));
    std::vector<json::Value> records;
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) records.push_back(*json::parse(line));
    return records;
  }
  json::Value stat() {
    std::ostringstream out;
    REQUIRE(tools::stat(options, *reader_, Format::json, out));
    return *json::parse(out.str());
  }
  [[nodiscard]] const json::Value& message(std::size_t number) const {
    return expected["topics"]["GoldenNormal"]["queues"]["0"]["messages"].items().at(number);
  }
  /// Exit code of the program with these arguments.
  [[nodiscard]] int run(const std::string& arguments) const {
    const std::string command = "'" SKYLARK_MQSTORE "' " + arguments + " >'" + folder_.path() + "/out' 2>'" + folder_.path() + "/err'";
    const int status = std::system(command.c_str());
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
  }
  [[nodiscard]] std::string error_output() const { return read(folder_.path() + "/err"); }

  StoreOptions options;
  json::Value expected;

 private:
  TemporaryFolder folder_;
  SystemClock clock_;
  std::unique_ptr<FileSystem> disk_ = make_disk_file_system();
  std::unique_ptr<FileSystem> reader_ = make_read_only_disk(*disk_);
};

bool has(const json::Value& findings, std::string_view place, std::int64_t offset, std::string_view what) {
  for (const json::Value& item : findings.items()) {
    if (item["place"].as_string().starts_with(place) && (offset < 0 || item["logOffset"].as_integer(-1) == offset) &&
        item["what"].as_string().find(what) != std::string::npos)
      return true;
  }
  return false;
}

}  // namespace

TEST_CASE("verify finds no damage in a cleanly stopped store and changes nothing in it", "[mqstore]") {
  Store store("store-clean");
  const auto before = store.content("");
  const json::Value answer = store.verify(kSound);
  CHECK(answer["commitLog"]["end"].as_integer() == store.expected["commitLog"]["maxOffset"].as_integer());
  CHECK(answer["damage"].items().empty());
  CHECK(answer["cleanStop"].as_boolean());
  CHECK(store.content("") == before);
}

TEST_CASE("verify takes what a killed broker had not indexed yet for no damage", "[mqstore]") {
  Store store("store-killed");
  const json::Value answer = store.verify(kSound);
  CHECK_FALSE(answer["cleanStop"].as_boolean());
  CHECK(answer["commitLog"]["end"].as_integer() == store.expected["recovery"]["commitLogEnd"].as_integer());
}

TEST_CASE("verify says where the log of a torn store breaks", "[mqstore]") {
  Store store("store-torn");
  const std::int64_t end = store.expected["recovery"]["commitLogEnd"].as_integer();
  CHECK(has(store.verify(kDamaged)["damage"], "commitlog/", end, ""));
}

TEST_CASE("verify names a flipped bit in size, magic and body, and reads on behind it", "[mqstore]") {
  Store store("store-clean");
  const auto records = store.verify(kSound)["commitLog"]["records"].as_integer();
  const std::int64_t begin = store.message(5)["commitLogOffset"].as_integer();
  const std::int64_t size = store.message(5)["storeSize"].as_integer();
  SECTION("size") {
    store.flip_log(begin + 1);
    const json::Value answer = store.verify(kDamaged);
    CHECK(has(answer["damage"], "commitlog/", begin, "length"));
    CHECK(answer["commitLog"]["records"].as_integer() == records - 1);
  }
  SECTION("magic") {
    store.flip_log(begin + 5);
    const json::Value answer = store.verify(kDamaged);
    CHECK(has(answer["damage"], "commitlog/", begin, fmt::format("{} bytes up to {}: magic", size, begin + size)));
    CHECK(has(answer["damage"], "consumequeue/GoldenNormal/0", -1, "offset 6 follows 4"));
  }
  SECTION("body") {
    store.flip_log(begin + 88);  // 84 bytes of fixed fields with IPv4 hosts, 4 of the body's length.
    const json::Value answer = store.verify(kDamaged);
    CHECK(has(answer["damage"], "commitlog/", begin, "checksum"));
    CHECK(answer["damageCount"].as_integer() == 1);
    CHECK(answer["commitLog"]["records"].as_integer() == records);
  }
}

TEST_CASE("verify names a missing queue, a wrong unit, a hole and units that point at nothing", "[mqstore]") {
  Store store("store-clean");
  const std::string queue = store.options.queues_path() + "/GoldenNormal/0";
  const std::string first = queue + "/" + commitlog::mapped_file_name(0);
  SECTION("missing queue") {
    fs::remove_all(queue);
    CHECK(
        has(store.verify(kDamaged)["damage"], "consumequeue/GoldenNormal/0", store.message(0)["commitLogOffset"].as_integer(), "missing"));
  }
  SECTION("wrong unit") {
    store.flip(first, 3 * 20 + 7);
    CHECK(has(store.verify(kDamaged)["damage"], "consumequeue/GoldenNormal/0", store.message(3)["commitLogOffset"].as_integer(), "unit 3"));
  }
  SECTION("wrong tags code") {
    store.flip(first, 3 * 20 + 19);
    CHECK(has(store.verify(kDamaged)["damage"], "consumequeue/GoldenNormal/0", store.message(3)["commitLogOffset"].as_integer(), "tags"));
  }
  SECTION("missing batch queue") {
    fs::remove_all(store.options.batch_queues_path());
    CHECK(has(store.verify(kDamaged)["damage"], "consumequeue/GoldenInnerBatch/0", -1, "missing"));
  }
  SECTION("wrong batch units") {
    const std::string batches = store.options.batch_queues_path() + "/GoldenInnerBatch/0/" + commitlog::mapped_file_name(0);
    const auto [at, what] = GENERATE(std::pair(46 + 7, "points at"), std::pair(46 + 27, "store time"), std::pair(46 + 37, "messages from"));
    store.flip(batches, at);
    CHECK(has(store.verify(kDamaged)["damage"], "batchconsumequeue/GoldenInnerBatch/0", -1, what));
  }
  SECTION("hole") {
    for (std::int64_t at = 40; at < 60; ++at) Store::write(first, at, 0);
    CHECK(
        has(store.verify(kDamaged)["damage"], "consumequeue/GoldenNormal/0", store.message(2)["commitLogOffset"].as_integer(), "1 units"));
  }
  SECTION("units behind the end") {
    fs::create_directories(store.options.queues_path() + "/Ghost/0");
    fs::copy_file(first, store.options.queues_path() + "/Ghost/0/" + commitlog::mapped_file_name(0));
    CHECK(has(store.verify(kDamaged)["damage"], "consumequeue/Ghost/0", -1, "point at no record"));
  }
}

TEST_CASE("verify names damage of the key index", "[mqstore]") {
  Store store("store-clean");
  const auto files = store.content("/index");
  REQUIRE_FALSE(files.empty());
  const std::string path = store.options.index_path() + files.begin()->first;
  SECTION("zeroed") {
    std::ofstream(path, std::ios::binary) << std::string(files.begin()->second.size(), '\0');
    CHECK(has(store.verify(kDamaged)["damage"], "index", -1, "missing"));
  }
  SECTION("a flipped entry") {
    store.flip(path, 40 + 4 * store.options.geometry.slots + 20 * 2 + 10);
    CHECK(store.verify(kDamaged)["damageCount"].as_integer() > 0);
  }
  SECTION("another size") {
    fs::resize_file(path, 1000);
    CHECK(has(store.verify(kDamaged)["damage"], "index/", -1, "1000 bytes"));
  }
}

TEST_CASE("rebuild makes the queues that were there, byte by byte, and an index that holds every key", "[mqstore]") {
  Store store("store-clean");
  const auto before = store.content("/consumequeue");
  const auto batches_before = store.content("/batchconsumequeue");
  REQUIRE(batches_before.size() == 1);
  SECTION("from what is there") {}
  SECTION("after loss") {
    fs::remove_all(store.options.queues_path() + "/GoldenNormal");
    fs::remove_all(store.options.batch_queues_path());
    fs::remove_all(store.options.index_path());
  }
  const json::Value answer = store.rebuild();
  const auto after = store.content("/consumequeue");
  for (const auto& [path, bytes] : before) {
    INFO(path);
    if (bytes.find_first_not_of('\0') == std::string::npos) continue;  // Made ahead.
    REQUIRE(after.contains(path));
    CHECK(after.at(path) == bytes);
  }
  CHECK(store.content("/batchconsumequeue") == batches_before);
  store.verify(kSound);
  CHECK(fs::is_directory(store.options.queues_path() + answer["oldSuffix"].as_string()));
  CHECK_FALSE(fs::exists(store.options.abort_path()));
}

TEST_CASE("rebuild puts the queues of a topic where its type says", "[mqstore]") {
  Store store("store-clean");
  fs::remove_all(store.options.batch_queues_path());
  fs::create_directories(store.options.queues_path() + "/GoldenInnerBatch");
  fs::copy(store.options.queues_path() + "/GoldenNormal/0", store.options.queues_path() + "/GoldenInnerBatch/0");
  CHECK(store.verify(kDamaged)["damageCount"].as_integer() > 0);
  store.rebuild();
  store.verify(kSound);
  CHECK_FALSE(fs::exists(store.options.queues_path() + "/GoldenInnerBatch"));
}

TEST_CASE("truncate says what would go, cuts there alone where a record begins, and leaves a sound store", "[mqstore]") {
  Store store("store-clean");
  // The second place takes the newer index file, in which the keys of the last record of the older one go on.
  const json::Value& halves = store.expected["topics"]["RMQ_SYS_TRANS_HALF_TOPIC"]["queues"]["0"]["messages"];
  const std::int64_t at = (GENERATE(true, false) ? store.message(100) : halves.items().front())["commitLogOffset"].as_integer();
  const auto before = store.content("");
  json::Value plan;
  REQUIRE(store.truncate({.at = at, .dry_run = true}, &plan));
  CHECK(plan["at"].as_integer() == at);
  CHECK(plan["records"].as_integer() > 60);
  CHECK_FALSE(store.truncate({.at = at + 1}));
  CHECK_FALSE(store.truncate({}));
  CHECK(store.content("") == before);

  json::Value cut;
  REQUIRE(store.truncate({.at = at}, &cut));
  CHECK(cut["records"].as_integer() == plan["records"].as_integer());
  const json::Value answer = store.verify(kSound);
  CHECK(answer["commitLog"]["end"].as_integer() == at);
  CHECK_FALSE(fs::exists(store.options.abort_path()));
}

TEST_CASE("truncate without a place says what the next start would cut off", "[mqstore]") {
  Store store("store-torn");
  json::Value plan;
  REQUIRE(store.truncate({.dry_run = true}, &plan));
  CHECK(plan["at"].as_integer() == store.expected["recovery"]["commitLogEnd"].as_integer());
  CHECK(plan["bytes"].as_integer() > 0);
  CHECK(plan["records"].as_integer() == 0);
}

TEST_CASE("dump prints the records of a queue as they are", "[mqstore]") {
  Store store("store-clean");
  const auto records = store.dump({.topic = "GoldenNormal", .queue_id = 0});
  const auto& messages = store.expected["topics"]["GoldenNormal"]["queues"]["0"]["messages"].items();
  REQUIRE(records.size() == messages.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(records[i]["physicalOffset"].as_integer() == messages[i]["commitLogOffset"].as_integer());
    CHECK(records[i]["queueOffset"].as_integer() == messages[i]["queueOffset"].as_integer());
    for (const auto& [name, value] : messages[i]["properties"].members())
      CHECK(records[i]["properties"][name.as_string()].as_string() == value.as_string());
  }
  const auto one = store.dump({.offset = messages[7]["commitLogOffset"].as_integer(), .topic = "", .queue_id = -1, .count_max = 1});
  REQUIRE(one.size() == 1);
  CHECK(one[0]["queueOffset"].as_integer() == messages[7]["queueOffset"].as_integer());
}

TEST_CASE("stat tells the ranges of log and queues", "[mqstore]") {
  Store store("store-clean");
  const auto before = store.content("");
  const json::Value answer = store.stat();
  CHECK(answer["endOffset"].as_integer() == store.expected["commitLog"]["maxOffset"].as_integer());
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> ends;
  for (const json::Value& queue : answer["queues"].items())
    ends[{queue["topic"].as_string(), queue["queueId"].as_integer()}] = queue["maxOffset"].as_integer();
  for (const auto& [topic, described] : store.expected["topics"].members()) {
    for (const auto& [id, queue] : described["queues"].members())
      CHECK(ends[{topic.as_string(), id.as_integer()}] == queue["maxOffset"].as_integer());
  }
  CHECK(store.content("") == before);
}

TEST_CASE("the program answers with 0, 1 or 2, and leaves a store in use alone", "[mqstore]") {
  Store store("store-clean");
  const std::string sizes = "--index-slots " + std::to_string(store.options.geometry.slots) + " --index-entries " +
                            std::to_string(store.options.geometry.entries) + " '" + store.options.root + "'";
  CHECK(store.run("verify " + sizes) == 0);
  CHECK(store.run("stat -o json " + sizes) == 0);
  CHECK(store.run("dump --count 2 --body hex " + sizes) == 0);
  CHECK(store.run("verify --no-such-flag " + sizes) == 2);
  CHECK(store.run("truncate " + sizes) == 2);
  CHECK(store.run("truncate --at 1 " + sizes) == 2);
  CHECK(store.run("verify /nowhere") == 2);

  const auto disk = make_disk_file_system();
  const auto lock = disk->lock(store.options.root + "/lock", "lock");
  REQUIRE(lock);
  CHECK(store.run("verify " + sizes) == 2);
  CHECK(store.error_output().find("in use by a running broker") != std::string::npos);
  CHECK(store.run("rebuild " + sizes) == 2);
  CHECK(store.run("verify --read-only " + sizes) == 0);

  store.flip_log(store.message(5)["commitLogOffset"].as_integer() + 5);
  CHECK(store.run("verify --read-only " + sizes) == 1);
}

}  // namespace skylark::tools
