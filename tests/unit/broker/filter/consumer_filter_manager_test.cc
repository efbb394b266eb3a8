// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/consumer_filter_manager.h"

#include "broker/filter/message_filters.h"
#include "protocol/message.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;

std::vector<SubscriptionData> wants(std::string expression, std::int64_t version, std::string topic = "T") {
  SubscriptionData subscription;
  subscription.topic = std::move(topic);
  subscription.expression = std::move(expression);
  subscription.expression_type = "SQL92";
  subscription.version = version;
  return {subscription};
}

struct Filters {
  TemporaryFolder folder;
  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  ConsumerFilterOptions options{.path = folder.path() + "/consumerFilter.json"};
  ConsumerFilterManager manager{options, *files, clock};
};

std::string properties(std::string_view name, std::string_view value) {
  std::string text;
  append_property(text, name, value);
  return text;
}

}  // namespace

TEST_CASE("a group's filter follows the newest version of its subscription", "[broker][filter]") {
  Filters filters;
  filters.manager.register_group("G", wants("a > 1", 10));
  REQUIRE(filters.manager.find("T", "G"));
  const std::int64_t born_ms = filters.manager.find("T", "G")->born_ms;
  CHECK(born_ms == filters.clock.now_ms());
  filters.clock.advance(1s);
  filters.manager.register_group("G", wants("a > 2", 9));  // Of a member that does not know the change yet.
  CHECK(filters.manager.find("T", "G")->expression == "a > 1");
  filters.manager.register_group("G", wants("a > 1", 11));
  CHECK(filters.manager.find("T", "G")->client_version == 11);
  CHECK(filters.manager.find("T", "G")->born_ms == born_ms);
  filters.manager.register_group("G", wants("a > 2", 12));
  CHECK(filters.manager.find("T", "G")->expression == "a > 2");
  CHECK(filters.manager.find("T", "G")->born_ms == born_ms + 1000);
  filters.manager.register_group("G", wants("a >", 13));  // Pulls of that version are told.
  CHECK_FALSE(filters.manager.find("T", "G"));
}

TEST_CASE("a filter outlives its consumers for a day", "[broker][filter]") {
  Filters filters;
  filters.manager.register_group("G", wants("a > 1", 10));
  if (GENERATE(true, false)) {
    filters.manager.unregister_group("G");
  } else {
    filters.manager.register_group("G", wants("a > 1", 10, "Other"));  // It asks for another topic now.
  }
  CHECK(filters.manager.find("T", "G")->is_dead());
  filters.clock.advance(24h - 1s);
  filters.manager.persist();
  REQUIRE(filters.manager.find("T", "G"));
  SECTION("and is alive when it comes back") {
    filters.manager.register_group("G", wants("a > 1", 10));
    CHECK_FALSE(filters.manager.find("T", "G")->is_dead());
  }
  SECTION("and is dropped then") {
    filters.clock.advance(1s);
    filters.manager.persist();
    CHECK_FALSE(filters.manager.find("T", "G"));
  }
}

TEST_CASE("filters are there again after a restart, as dead ones", "[broker][filter]") {
  Filters filters;
  filters.manager.register_group("GID_sql", wants("a > 4 AND s = 'odd'", 10, "GoldenFilter"));
  filters.manager.persist();
  const std::string text = *filters.files->read_all(filters.options.path);
  CHECK(text.find("\"bitPos\":[63,70,51]") != std::string::npos);  // As the Java broker writes it: tests/golden/filter/bloom.txt.
  filters.clock.advance(10s);

  ConsumerFilterManager again(filters.options, *filters.files, filters.clock);
  REQUIRE(again.load());
  const auto filter = again.find("GoldenFilter", "GID_sql");
  REQUIRE(filter);
  CHECK(filter->is_dead());
  CHECK(filter->client_version == 10);
  CHECK(filter->compiled->matches(properties("a", "5") + properties("s", "odd")));

  ConsumerFilterOptions other = filters.options;
  other.consumer_count = 64;
  ConsumerFilterManager with_other_bits(other, *filters.files, filters.clock);
  REQUIRE(with_other_bits.load());
  CHECK_FALSE(with_other_bits.find("GoldenFilter", "GID_sql"));
}

TEST_CASE("a bit map names the filters that want a message", "[broker][filter]") {
  Filters filters;
  CHECK(filters.manager.bit_map("T", properties("a", "5")).empty());
  filters.manager.register_group("G1", wants("a > 4", 1));
  filters.manager.register_group("G2", wants("a < 4", 1));
  const std::string map = filters.manager.bit_map("T", properties("a", "5"));
  REQUIRE(map.size() == 14);
  const SqlMessageFilter first(filters.manager.find("T", "G1"));
  const SqlMessageFilter second(filters.manager.find("T", "G2"));
  const FilterUnit later{.tags_code = 0, .store_timestamp = filters.clock.now_ms() + 1, .bit_map = map};
  CHECK(first.wants_unit(later));
  CHECK_FALSE(second.wants_unit(later));
  const FilterUnit earlier{.tags_code = 0, .store_timestamp = filters.clock.now_ms(), .bit_map = map};
  CHECK(second.wants_unit(earlier));  // Stored before the filter was there.
  CHECK(second.wants_unit({.tags_code = 0, .store_timestamp = later.store_timestamp, .bit_map = "other size"}));
}

TEST_CASE("of a retry topic the filter of the message's own topic decides", "[broker][filter]") {
  Filters filters;
  filters.manager.register_group("G", wants("a > 4", 1));
  const RetrySqlMessageFilter filter(filters.manager, "G");
  CHECK(filter.wants_properties(properties("RETRY_TOPIC", "T") + properties("a", "5")));
  CHECK_FALSE(filter.wants_properties(properties("RETRY_TOPIC", "T") + properties("a", "4")));
  CHECK(filter.wants_properties(properties("RETRY_TOPIC", "Other") + properties("a", "4")));
}

}  // namespace skylark::broker
