// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch.h"

namespace skylark {
namespace {

struct SampleConfig : ConfigSection {
  SampleConfig() : ConfigSection("Sample") {
    ignore("There is no garbage collector.", {{"useTLS", "false"}, {"cleanPolicy", "x"}});
  }
  Setting<std::int32_t> listen_port{*this, {.key = "listenPort", .doc = "Port to listen on."}, 10911, in_range(0, 65535)};
  Setting<std::int64_t> file_size{*this,
                                  {.key = "mappedFileSize", .also = {"mapedFileSize"}, .unit = Unit::bytes, .reload = Reload::format, .doc = "Size of a file."},
                                  1_GiB, in_range(4_KiB, 2_GiB - 1)};
  Setting<bool> auto_create{*this, {.key = "autoCreate", .reload = Reload::live, .doc = "Create topics on demand."}, true};
  Setting<double> ratio{*this, {.key = "ratio", .reload = Reload::live, .doc = "A ratio."}, 0.5, in_range(0, 1)};
  Setting<std::string> role{*this, {.key = "role", .reload = Reload::live, .doc = "Role."}, "SLAVE", one_of({"MASTER", "SLAVE"})};
  Setting<std::string> password{*this, {.key = "password", .doc = "Password.", .secret = true}, ""};
  Setting<std::string> folder{*this, {.key = "folder", .doc = "Folder.", .path = true}, "${user.home}/store"};
};

struct ConfigFixture {
  SampleConfig sample;
  Config config{{&sample}};

  /// The message of the error that loading this text ends with; empty when it loads.
  std::string error_of(std::string_view text) {
    try {
      (void)config.load_text(text, "broker.conf");
      return {};
    } catch (const ConfigError& error) {
      return error.what();
    }
  }
};

/// A file of its own that goes away with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) {
    std::string name = (std::filesystem::temp_directory_path() / "skylark-config-XXXXXX").string();
    const int file = ::mkstemp(name.data());
    REQUIRE(file >= 0);
    ::close(file);
    path_ = name;
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string content() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  std::string path_;
};

TEST_CASE("a config file sets the declared settings", "[config]") {
  ConfigFixture it;
  const auto warnings = it.config.load_text("listenPort = 10921\nmapedFileSize=1048576 \nautoCreate=FALSE\nratio=0.75\nrole=MASTER\nuseTLS=maybe\n", "broker.conf");
  CHECK(warnings.empty());
  CHECK(it.sample.listen_port.get() == 10921);
  CHECK(it.sample.file_size.get() == 1048576);
  CHECK_FALSE(it.sample.auto_create.get());
  CHECK(it.sample.ratio.get() == 0.75);
  CHECK(it.sample.role.get() == "MASTER");
  CHECK(it.sample.listen_port.origin() == Origin::file);
  CHECK(it.sample.password.origin() == Origin::built_in);
}

TEST_CASE("a remark behind a number or a boolean is left out", "[config]") {
  ConfigFixture it;
  (void)it.config.load_text("listenPort=10921 # moved\nautoCreate=false\t# strict\npassword=a #b\n", "broker.conf");
  CHECK(it.sample.listen_port.get() == 10921);
  CHECK_FALSE(it.sample.auto_create.get());
  CHECK(it.sample.password.get() == "a #b");
}

TEST_CASE("a bad value names file, line, key and what is allowed", "[config]") {
  ConfigFixture it;
  CHECK(it.error_of("# a comment\n\nlistenPort=abc\n") == "broker.conf:3: listenPort: 'abc' is not a whole number, allowed 0..65535");
  CHECK(it.error_of("listenPort=65536") == "broker.conf:1: listenPort: '65536' is not allowed, allowed 0..65535");
  CHECK(it.error_of("mapedFileSize=1") == "broker.conf:1: mapedFileSize: '1' is not allowed, allowed 4096..2147483647");
  CHECK(it.error_of("autoCreate=yes") == "broker.conf:1: autoCreate: 'yes' is not true or false, allowed true or false");
  CHECK(it.error_of("ratio=1.5") == "broker.conf:1: ratio: '1.5' is not allowed, allowed 0..1");
  CHECK(it.error_of("role=BOSS") == "broker.conf:1: role: 'BOSS' is not allowed, allowed MASTER, SLAVE");
  CHECK(it.error_of("listenPort=99999999999999999999") == "broker.conf:1: listenPort: '99999999999999999999' is not a whole number, allowed 0..65535");
}

TEST_CASE("unknown and repeated keys are warnings", "[config]") {
  ConfigFixture it;
  const auto warnings = it.config.load_text("listenprt=1\nratio=0\nratio=1\n", "broker.conf");
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0] == "broker.conf:1: listenprt: unknown key, the nearest known one is listenPort");
  CHECK(warnings[1] == "broker.conf:3: ratio: given before on line 2, the last one counts");
  CHECK(it.sample.ratio.get() == 1.0);
}

TEST_CASE("a file that cannot be read is a config error", "[config]") {
  ConfigFixture it;
  CHECK_THROWS_AS(it.config.load_file("/no/such/file.conf"), ConfigError);
  CHECK_THROWS_AS(it.config.load_file("/"), ConfigError);
}

TEST_CASE("a flag wins over the file and is named as the origin", "[config]") {
  ConfigFixture it;
  (void)it.config.load_text("listenPort=1\nratio=0.25\n", "broker.conf");
  it.config.set("listenPort", "2", Origin::flag);
  const auto printed = it.config.print();
  CHECK(printed.find("listenPort=2  # 0..65535; default 10911; from flag\n") != std::string::npos);
  CHECK(printed.find("ratio=0.25  # 0..1; default 0.5; from file broker.conf:2\n") != std::string::npos);
  CHECK(printed.find("mappedFileSize=1073741824  # 4096..2147483647 bytes; default 1073741824; from default\n") != std::string::npos);
  CHECK_THROWS_AS(it.config.set("listenPort", "-1", Origin::flag), ConfigError);
  CHECK_THROWS_AS(it.config.set("port", "1", Origin::flag), ConfigError);
}

TEST_CASE("secrets are never shown", "[config]") {
  ConfigFixture it;
  (void)it.config.load_text("password=tiger\n", "broker.conf");
  CHECK(it.sample.password.get() == "tiger");
  CHECK(it.config.print().find("tiger") == std::string::npos);
  CHECK(it.config.to_properties_text().find("password=***\n") != std::string::npos);
}

TEST_CASE("the home folder is filled into paths but not into their documented default", "[config]") {
  const ConfigFixture it;
  CHECK(it.sample.folder.get().find("${user.home}") == std::string::npos);
  CHECK(it.sample.folder.default_text() == "${user.home}/store");
}

TEST_CASE("the admin text is sorted and complete", "[config]") {
  ConfigFixture it;
  (void)it.config.load_text("folder=/data\n", "broker.conf");
  CHECK(it.config.to_properties_text() ==
        "autoCreate=true\ncleanPolicy=x\nfolder=/data\nlistenPort=10911\nmappedFileSize=1073741824\npassword=\nratio=0.5\nrole=SLAVE\nuseTLS=false\n");
}

TEST_CASE("a change at run time takes effect when live and is saved in place", "[config]") {
  ConfigFixture it;
  const TemporaryFile file("# ports\nlistenPort=1\n\n# tuning\nratio = 0.25\n");
  (void)it.config.load_file(file.path());
  const auto update = it.config.update({{"ratio", "0.75", 0}, {"listenPort", "2", 0}, {"role", "MASTER", 0}, {"nonsense", "1", 0}});
  CHECK(update.problem.empty());
  CHECK(update.changed == std::vector<std::string>{"ratio", "role"});
  CHECK(update.after_restart == std::vector<std::string>{"listenPort"});
  CHECK(update.unknown == std::vector<std::string>{"nonsense"});
  CHECK(it.sample.ratio.get() == 0.75);
  CHECK(it.sample.listen_port.get() == 1);
  CHECK(it.config.to_properties_text().find("listenPort=2\n") != std::string::npos);
  CHECK(file.content() == "# ports\nlistenPort=2\n\n# tuning\nratio=0.75\nrole=MASTER\n");
}

TEST_CASE("a change with one bad value changes nothing", "[config]") {
  ConfigFixture it;
  const auto update = it.config.update({{"ratio", "0.75", 0}, {"role", "BOSS", 0}});
  CHECK(update.problem == "role: 'BOSS' is not allowed, allowed MASTER, SLAVE");
  CHECK(it.sample.ratio.get() == 0.5);
}

TEST_CASE("the documentation is made from declarations alone", "[config]") {
  ConfigFixture it;
  const auto before = it.config.print_markdown();
  it.config.set("listenPort", "7", Origin::flag);
  CHECK(it.config.print_markdown() == before);
  CHECK(before.find("| `mappedFileSize` | `1073741824` | 4096..2147483647 | bytes | fixed | Size of a file. Also `mapedFileSize`. |\n") != std::string::npos);
  CHECK(before.find("There is no garbage collector. Accepted and ignored: `useTLS`, `cleanPolicy`.\n") != std::string::npos);
}

}  // namespace
}  // namespace skylark
