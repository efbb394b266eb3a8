// SPDX-License-Identifier: Apache-2.0
// decode(encode(x)) == x for random x. A run prints its seed on failure; SKYLARK_SEED=<seed> repeats it.
#include <algorithm>

#include "protocol/field_names.h"
#include "protocol/message.h"
#include "protocol/property_walk.h"
#include "tests/support/catch.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_(seed) {}

  std::int64_t below(std::int64_t bound) { return std::uniform_int_distribution<std::int64_t>(0, bound - 1)(engine_); }
  bool coin() { return below(2) == 0; }

  /// Numbers of every size, the ends of their ranges among them.
  std::int64_t integer() {
    const auto raw = static_cast<std::int64_t>(engine_());
    switch (below(4)) {
      case 0: return raw;
      case 1: return raw % 1000;
      case 2: return std::numeric_limits<std::int64_t>::min() + below(2);
      default: return std::numeric_limits<std::int64_t>::max() - below(2);
    }
  }
  std::int32_t int32() { return static_cast<std::int32_t>(integer()); }

  /// Text with quotes, controls, multi-byte characters and zeros.
  std::string text(std::int64_t size_max = 12) {
    static constexpr std::string_view kPieces[] = {"a",
                                                   "Z",
                                                   "0",
                                                   "_",
                                                   " ",
                                                   "\"",
                                                   "\\",
                                                   "/",
                                                   "'",
                                                   "{",
                                                   "}",
                                                   ",",
                                                   ":",
                                                   "\n",
                                                   "\t",
                                                   "\x01",
                                                   "\x02",
                                                   "\x7F",
                                                   "\xC3\xA9",
                                                   "\xE4\xB8\xAD",
                                                   "\xE2\x80\xA8",
                                                   "\xF0\x9F\x98\x80",
                                                   std::string_view("\0", 1)};
    std::string out;
    for (auto i = below(size_max + 1); i > 0; --i) out += kPieces[static_cast<std::size_t>(below(std::size(kPieces)))];
    return out;
  }
  std::string bytes(std::int64_t size_max) {
    std::string out(static_cast<std::size_t>(below(size_max + 1)), '\0');
    for (char& c : out) c = static_cast<char>(engine_());
    return out;
  }
  std::string name() {
    if (coin()) return std::string(field_names::kNames[static_cast<std::size_t>(below(field_names::kCount))]);
    return "n" + text();
  }

 private:
  std::mt19937_64 engine_;
};

RemotingCommand random_command(Generator& random) {
  RemotingCommand command;
  command.code = static_cast<std::int16_t>(random.integer());  // The binary codec has no more room.
  while (command.code >= 3442 && command.code <= 3543) command.code = static_cast<std::int16_t>(random.integer());
  command.language = static_cast<Language>(random.below(14));
  command.version = static_cast<std::int16_t>(random.integer());
  command.opaque = random.int32();
  command.flag = random.int32();
  command.remark = random.text();
  for (auto i = random.below(25); i > 0; --i) {
    const std::string_view name = command.ext.keep(random.name());
    switch (random.below(3)) {
      case 0: command.ext.add_integer(name, random.integer()); break;
      case 1: command.ext.add_boolean(name, random.coin()); break;
      default: command.ext.add(name, random.text(40));
    }
  }
  command.body = Body(random.bytes(200));
  return command;
}

TEST_CASE("random commands survive every codec", "[protocol][random]") {
  const std::uint64_t seed = test::random_seed();
  INFO("SKYLARK_SEED=" << seed);
  Generator random(seed);
  std::size_t failures = 0;
  for (int i = 0; i < 2000 && failures == 0; ++i) {
    const RemotingCommand command = random_command(random);
    for (const Codec codec : test::kAllCodecs) {
      const std::string frame = test::reencoded(command, codec);
      const auto decoded = test::decode_whole_frame(frame);
      if (!decoded || test::describe(*decoded) != test::describe(command)) {
        ++failures;
        UNSCOPED_INFO("round " << i << " codec " << static_cast<int>(codec) << ": " << test::describe(command));
      }
    }
  }
  CHECK(failures == 0);
}

TEST_CASE("random records survive", "[protocol][random]") {
  const std::uint64_t seed = test::random_seed();
  INFO("SKYLARK_SEED=" << seed);
  Generator random(seed);
  const auto host = [&random] {
    Host made;
    made.size = random.coin() ? 4 : 16;
    for (std::size_t i = 0; i < made.size; ++i) made.address[i] = static_cast<std::uint8_t>(random.below(256));
    made.port = random.int32();
    return made;
  };
  std::size_t failures = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string body = random.bytes(300), topic = random.bytes(random.coin() ? 127 : 400), properties = random.bytes(300);
    RecordFields fields;
    fields.queue_id = random.int32();
    fields.flag = random.int32();
    fields.queue_offset = random.integer();
    fields.physical_offset = random.integer();
    fields.sys_flag = random.int32();
    fields.born_timestamp = random.integer();
    fields.born_host = host();
    fields.store_timestamp = random.integer();
    fields.store_host = host();
    fields.reconsume_times = random.int32();
    fields.prepared_transaction_offset = random.integer();
    fields.body = body;
    fields.topic = topic;
    fields.properties = properties;
    std::string bytes;
    encode_record(fields, bytes);
    const auto view = decode_record(bytes);
    const std::int32_t other_bits = ~(sys_flag::kBornHostV6 | sys_flag::kStoreHostV6);
    const bool same = view && bytes.size() == record_size(fields) && view->queue_id == fields.queue_id && view->flag == fields.flag &&
                      view->queue_offset == fields.queue_offset && view->physical_offset == fields.physical_offset &&
                      (view->sys_flag & other_bits) == (fields.sys_flag & other_bits) && view->born_timestamp == fields.born_timestamp &&
                      view->born_host == fields.born_host && view->store_timestamp == fields.store_timestamp &&
                      view->store_host == fields.store_host && view->reconsume_times == fields.reconsume_times &&
                      view->prepared_transaction_offset == fields.prepared_transaction_offset && view->body == body &&
                      view->topic == topic && view->properties == properties;
    if (!same) ++failures;
  }
  CHECK(failures == 0);
}

json::Value random_value(Generator& random, int depth) {
  switch (random.below(depth > 0 ? 7 : 5)) {
    case 0: return nullptr;
    case 1: return random.coin();
    case 2: return random.integer();
    case 3: return static_cast<double>(random.integer()) / static_cast<double>(1 + random.below(1'000'000));
    case 4: return random.text();
    case 5: {
      json::Value array(json::Array{});
      for (auto i = random.below(5); i > 0; --i) array.push(random_value(random, depth - 1));
      return array;
    }
    default: {
      json::Value object(json::Object{});
      for (auto i = random.below(5); i > 0; --i) {
        json::Value key = random.text();
        if (random.below(4) == 0) key = random.integer();
        if (random.below(8) == 0) key = random_value(random, 0).is_null() ? json::Value(json::Object{}) : json::Value("k");
        object.set(std::move(key), random_value(random, depth - 1));
      }
      return object;
    }
  }
}

TEST_CASE("random JSON survives, compact and pretty", "[protocol][random]") {
  const std::uint64_t seed = test::random_seed();
  INFO("SKYLARK_SEED=" << seed);
  Generator random(seed);
  std::size_t failures = 0;
  for (int i = 0; i < 2000; ++i) {
    const json::Value value = random_value(random, 5);
    const auto compact = json::parse(json::write(value));
    const auto pretty = json::parse(json::write_pretty(value));
    if (!compact || !pretty || !(*compact == value) || !(*pretty == value)) ++failures;
  }
  CHECK(failures == 0);
}

// The naive model: a list of pairs.
TEST_CASE("random changes of properties match a plain list", "[protocol][random]") {
  const std::uint64_t seed = test::random_seed();
  INFO("SKYLARK_SEED=" << seed);
  Generator random(seed);
  std::string properties;
  std::vector<std::pair<std::string, std::string>> model;
  std::size_t failures = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "N" + std::to_string(random.below(8));
    const std::string value = "v" + std::to_string(random.below(100));
    const auto same_name = [&name](const auto& pair) { return pair.first == name; };
    switch (random.below(4)) {
      case 0: append_property(properties, name, value), model.emplace_back(name, value); break;
      case 1: set_property(properties, name, value), std::erase_if(model, same_name), model.emplace_back(name, value); break;
      case 2: properties = remove_property(properties, name), std::erase_if(model, same_name); break;
      default:
        if (!properties.empty() && properties.back() == '\x02') properties.pop_back();  // As some clients leave it.
    }
    const auto expected = std::find_if(model.rbegin(), model.rend(), same_name);
    const auto found = find_property(properties, name);
    if (found.has_value() != (expected != model.rend()) || (found && *found != expected->second)) ++failures;
    if (parse_properties(properties).size() != model.size()) ++failures;
    if (model.size() > 50) properties.clear(), model.clear();
  }
  CHECK(failures == 0);
}

TEST_CASE("a walk over properties meets what taking them apart gives, whatever the string", "[protocol][random]") {
  const std::uint64_t seed = test::random_seed();
  INFO("SKYLARK_SEED=" << seed);
  Generator random(seed);
  constexpr std::string_view kCharacters = "ab\x01\x02";
  for (int i = 0; i < 3000; ++i) {
    std::string properties;
    for (auto size = random.below(80); size > 0; --size) properties += kCharacters[random.below(random.below(4) + 1)];
    std::vector<std::pair<std::string_view, std::string_view>> met;
    for_each_property(properties, [&met](std::string_view name, std::string_view value) { met.emplace_back(name, value); });
    REQUIRE(met == parse_properties(properties));
    const auto last_of = [&met](std::string_view name) {
      const auto found = std::find_if(met.rbegin(), met.rend(), [name](const auto& one) { return one.first == name; });
      return found == met.rend() ? std::nullopt : std::optional(found->second);
    };
    REQUIRE(find_properties<2>(properties, {"a", "ab"}) == std::array{last_of("a"), last_of("ab")});
  }
}

TEST_CASE("golden frames with bytes changed at random are read or refused", "[protocol][random]") {
  const std::uint64_t seed = test::random_seed();
  INFO("SKYLARK_SEED=" << seed);
  Generator random(seed);
  std::vector<std::string> frames;
  for (const json::Value& line : test::golden_lines("commands.jsonl")) {
    const std::string frame = test::from_hex(line["hex"].as_string());
    frames.push_back(frame.substr(4));
    const auto command = test::decode_whole_frame(frame).value();
    frames.push_back(test::reencoded(command, Codec::flatbuffers).substr(4));
  }
  std::size_t read = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string frame = frames[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(frames.size())))];
    for (auto changes = 1 + random.below(4); changes > 0; --changes) {
      frame[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(frame.size())))] = static_cast<char>(random.below(256));
    }
    if (random.below(4) == 0) frame.resize(static_cast<std::size_t>(random.below(static_cast<std::int64_t>(frame.size()))));
    const auto command = decode_frame(frame);
    ++(command ? read : refused);
    if (command) read += test::describe(*command).empty() ? 1 : 0;
  }
  CHECK(read > 0);
  CHECK(refused > 0);
}

}  // namespace
}  // namespace skylark
