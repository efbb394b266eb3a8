// SPDX-License-Identifier: Apache-2.0
#include "protocol/json.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

#include "protocol/detail/text_scan.h"
#include "tests/support/catch.h"

namespace skylark {
namespace {

struct Case {
  const char* text;
  const char* canonical;
};

TEST_CASE("the dialect of fastjson is read leniently and written strictly", "[protocol][json]") {
  const Case cases[] = {
      {"{}", "{}"},
      {" [ ] ", "[]"},
      {R"({"a":1,"b":[true,false,null]})", R"({"a":1,"b":[true,false,null]})"},
      {R"({0:"a",1:"b"})", R"({0:"a",1:"b"})"},  // Integer keys.
      {R"({-7:1})", R"({-7:1})"},
      {R"({{"q":0,"t":"T"}:{"min":0}})", R"({{"q":0,"t":"T"}:{"min":0}})"},  // Object keys.
      {R"({[1,2]:3})", R"({[1,2]:3})"},
      {R"({name:1, $ref:'x', _a1 : "y"})", R"({"name":1,"$ref":"x","_a1":"y"})"},  // Bare names, single quotes.
      {R"({true:1,null:2})", R"({"true":1,"null":2})"},
      {R"({"a":1,})", R"({"a":1})"},  // Trailing commas.
      {R"([1,2,])", R"([1,2])"},
      {R"('it\'s')", R"("it's")"},
      {"+5", "5"},
      {"-0", "0"},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9.223372036854776E18"},
      {"1e3", "1000.0"},
      {".5", "0.5"},
      {"NaN", "null"},
      {"undefined", "null"},
      {R"("\u4e2d\u6587")", "\"\xE4\xB8\xAD\xE6\x96\x87\""},
      {R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
      {R"("\ud83d")", R"("?")"},  // A lone surrogate, as Java writes it out.
      {R"("\ude00\ud83d")", R"("??")"},
      {R"("\/\x41\v\0")", R"("/A\u000B\u0000")"},
      {"\"raw\ttab\"", R"("raw\ttab")"},
      {"\"\xE2\x80\xA8\x7F\"", R"("\u2028\u007F")"},
      {"\t\r\n\f {\"a\" : \n1} \n", R"({"a":1})"},
  };
  for (const Case& row : cases) {
    INFO(row.text);
    const auto value = json::parse(row.text);
    REQUIRE(value);
    CHECK(json::write(*value) == row.canonical);
    const auto again = json::parse(json::write(*value));
    REQUIRE(again);
    CHECK(*again == *value);
  }
}

TEST_CASE("what is no JSON is refused", "[protocol][json]") {
  const char* const cases[] = {
      "",          " ",           "{",        "}",         "[",      "]",          "[1",
      "{\"a\"",    "{\"a\":",     "{\"a\":1", "{\"a\" 1}", "{,}",    "[,]",        "[1 2]",
      "{\"a\":}",  "tru",         "truee",    "nul",       "\"open", "'open",      "\"a\\\"",
      "\"\\u12\"", "\"\\u12G4\"", "\"\\q\"",  "\"\\x4\"",  "1 2",    "{} x",       "1e",
      "--1",       "1-2",         "+",        "-",         ".",      "{\"a\":1}}", "[]]",
      "{[}:1}",    "{{}:",        "\"\\",     "{'a\":1}",  "abc",    "[1,,2]",     "{\"a\":1,,\"b\":2}",
  };
  for (const char* text : cases) {
    INFO(text);
    CHECK_FALSE(json::parse(text));
  }
}

TEST_CASE("nesting is bounded, also within keys", "[protocol][json]") {
  const auto nested = [](std::size_t depth, const char* open, const char* close) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += open;
    for (std::size_t i = 0; i < depth; ++i) text += close;
    return text;
  };
  CHECK(json::parse(nested(60, "[", "]")));
  CHECK_FALSE(json::parse(nested(70, "[", "]")));
  CHECK_FALSE(json::parse(nested(1'000'000, "[", "")));
  CHECK_FALSE(json::parse(nested(1'000'000, "{", "")));
  CHECK_FALSE(json::parse(nested(1'000'000, "{\"a\":", "")));
}

TEST_CASE("doubles are laid out as Java does", "[protocol][json]") {
  const std::pair<double, const char*> cases[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.5, "1.5"},
      {1e10, "1.0E10"},
      {1e7, "1.0E7"},
      {9999999.0, "9999999.0"},
      {0.001, "0.001"},
      {0.00099, "9.9E-4"},
      {1e-5, "1.0E-5"},
      {123456.789, "123456.789"},
      {-2.5e-10, "-2.5E-10"},
      {std::numeric_limits<double>::max(), "1.7976931348623157E308"},
      {std::numeric_limits<double>::infinity(), "null"},
      {std::numeric_limits<double>::quiet_NaN(), "null"},
  };
  for (const auto& [value, text] : cases) CHECK(json::write(value) == text);
}

TEST_CASE("values are read as what is wanted of them", "[protocol][json]") {
  const auto value =
      json::parse(R"({"n":"42","t":7,"b":"true","one":1,"d":3.9,"s":"x","z":null,"big":1e300,"long":5000000000,"a":1,"a":2})").value();
  CHECK(value["n"].as_integer() == 42);
  CHECK(value["t"].as_string() == "7");
  CHECK(value["b"].as_boolean());
  CHECK(value["one"].as_boolean());
  CHECK(value["d"].as_integer() == 3);
  CHECK(value["n"].as_double() == 42.0);
  CHECK(value["s"].as_integer(-1) == -1);
  CHECK(value["s"].as_boolean(true));
  CHECK(value["z"].as_string("none") == "none");
  CHECK(value["big"].as_integer(-1) == -1);
  CHECK(value["long"].as_int32(-1) == -1);
  CHECK(value["long"].as_integer() == 5'000'000'000);
  CHECK(value["a"].as_integer() == 2);  // Of duplicates the last.
  CHECK(value["absent"].is_null());
  CHECK_FALSE(value.contains("absent"));
  CHECK(value.contains("z"));
  CHECK(value["t"].items().empty());
  CHECK(value["t"].members().empty());
  CHECK(json::Value(true).as_integer() == 1);
}

TEST_CASE("every quote and backslash of a text is found from wherever it is asked for", "[protocol][json]") {
  for (const std::size_t size : {0, 1, 15, 63, 64, 65, 127, 128, 129, 300}) {
    for (const std::size_t step : {1, 7, 62, 63, 64, 130}) {
      std::string text(size, 'x');
      for (std::size_t at = step - 1; at < size; at += step) text[at] = at % 2 == 0 ? '"' : '\\';
      const std::unique_ptr<char[]> exact(new char[size]);  // A sanitizer sees what is read beside it.
      std::copy(text.begin(), text.end(), exact.get());
      const char* const end = exact.get() + size;
      skylark::detail::MarkFinder marks(exact.get(), end);
      const auto finds = [&](std::size_t at) {
        const auto found = static_cast<std::size_t>(marks.find(exact.get() + at) - exact.get());
        return found == std::min(text.find_first_of("\"\\", at), size);
      };
      INFO("size " << size << ", a mark each " << step);
      bool all = true;
      for (std::size_t at = 0; at <= size; ++at) all &= finds(at);
      for (std::size_t at = size + 1; at-- > 0;) all &= finds(at);
      CHECK(all);
    }
  }
}

TEST_CASE("integer keys are quoted on demand", "[protocol][json]") {
  const auto value = json::parse(R"({0:"a","b":{1:"c"}})").value();
  CHECK(json::write(value, json::IntegerKeys::quoted) == R"({"0":"a","b":{"1":"c"}})");
}

TEST_CASE("config files of the Java broker are written back byte for byte", "[protocol][json][golden]") {
  for (const char* file : {"topics.json", "subscriptionGroup.json", "consumerOffset.json", "delayOffset.json"}) {
    INFO(file);
    std::ifstream in(std::string(SKYLARK_GOLDEN_DIR) + "/config/" + file);
    std::ostringstream text;
    text << in.rdbuf();
    const auto value = json::parse(text.str());
    REQUIRE(value);
    CHECK(json::write_pretty(*value) == text.str());
  }
}

}  // namespace
}  // namespace skylark
