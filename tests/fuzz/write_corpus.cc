// SPDX-License-Identifier: Apache-2.0
// fuzz_corpus <folder>: writes one folder of first inputs for each fuzz target, made of the golden files.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "protocol/bodies/body.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

namespace fs = std::filesystem;

class Corpus {
 public:
  explicit Corpus(fs::path root) : root_(std::move(root)) {}

  void add(const char* target, std::string_view bytes) {
    const fs::path folder = root_ / target;
    fs::create_directories(folder);
    std::ofstream(folder / std::to_string(count_++), std::ios::binary) << bytes;
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  fs::path root_;
  int count_ = 0;
};

std::string header_of(std::string_view frame) {
  const auto word = static_cast<std::size_t>(static_cast<unsigned char>(frame[5])) << 16 |
                    static_cast<std::size_t>(static_cast<unsigned char>(frame[6])) << 8 | static_cast<unsigned char>(frame[7]);
  return std::string(frame.substr(8, word));
}

void add_commands(Corpus& corpus) {
  for (const json::Value& line : test::golden_lines("commands.jsonl")) {
    const std::string golden = test::from_hex(line["hex"].as_string());
    const auto command = test::decode_whole_frame(golden).value();
    corpus.add("frame", std::string_view(golden).substr(4));
    for (const Codec codec : test::kAllCodecs) {
      const std::string frame = test::reencoded(command, codec);
      corpus.add("frame", std::string_view(frame).substr(4));
      constexpr const char* kTargets[] = {"json_header", "rocketmq_header", "flatbuffers_header"};
      corpus.add(kTargets[static_cast<std::size_t>(codec)], header_of(frame));
    }
    if (!command.body.empty()) corpus.add("json_body", command.body.view());
  }
}

void add_records(Corpus& corpus) {
  for (const json::Value& line : test::golden_lines("messages.jsonl")) corpus.add("record", test::from_hex(line["hex"].as_string()));
}

void add_config_files(Corpus& corpus) {
  for (const auto& file : fs::directory_iterator(fs::path(SKYLARK_GOLDEN_DIR) / "config")) {
    std::ifstream in(file.path(), std::ios::binary);
    corpus.add("json_body", std::string(std::istreambuf_iterator<char>(in), {}));
  }
}

}  // namespace
}  // namespace skylark

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_corpus <folder>\n", stderr);
    return 2;
  }
  skylark::Corpus corpus(argv[1]);
  skylark::add_commands(corpus);
  skylark::add_records(corpus);
  skylark::add_config_files(corpus);
  std::printf("%d inputs\n", corpus.count());
  return 0;
}
