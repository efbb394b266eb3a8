// SPDX-License-Identifier: Apache-2.0
#include "commitlog/file_folders.h"

#include <algorithm>

namespace skylark::commitlog {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> folders;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    std::string_view folder = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!folder.empty() && folder.front() == ' ') folder.remove_prefix(1);
    while (!folder.empty() && (folder.back() == ' ' || (folder.back() == '/' && folder.size() > 1))) folder.remove_suffix(1);
    if (!folder.empty()) folders.emplace_back(folder);
  }
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  return folders;
}

}  // namespace

FileFolders FileFolders::parse(std::string_view folders, std::string_view read_only) {
  FileFolders parsed{.writable = split(folders), .read_only = split(read_only)};
  std::erase_if(parsed.writable,
                [&](const std::string& folder) { return std::binary_search(parsed.read_only.begin(), parsed.read_only.end(), folder); });
  return parsed;
}

}  // namespace skylark::commitlog
