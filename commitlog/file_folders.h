// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skylark::commitlog {

/// Where the files of a commit log lie. Source: MultiPathMappedFileQueue.java 5.3, keys `storePathCommitLog` and
/// `readOnlyCommitLogStorePaths`.
struct FileFolders {
  std::vector<std::string> writable;        ///< In the order of their names; new files go there in turn.
  std::vector<std::string> read_only = {};  ///< What is there is served, and removed when it has expired; nothing new goes there.

  /// Takes the values of the two keys apart, at commas. A folder named twice counts once, one that both name is read only.
  [[nodiscard]] static FileFolders parse(std::string_view folders, std::string_view read_only);
};

}  // namespace skylark::commitlog
