// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/json.h"

namespace skylark {
class FileSystem;
}

namespace skylark::broker {

/// Reads a configuration table: the file, or its `.bak` when the file is missing, empty or broken, or null when there is neither.
/// Errors: `malformed` when the backup is what is left and is broken too. Source: ConfigManager.java load.
[[nodiscard]] Result<json::Value> read_json_file(FileSystem& files, const std::string& path);

/// Keeps what was there as `.bak` and replaces the file in one step: a killed process leaves the old or the new text, never a part.
/// As in Java it does not wait for the disk, since io threads call it; after a power cut the file or its `.bak` is what there is.
[[nodiscard]] Result<void> write_json_file(FileSystem& files, const std::string& path, std::string_view text);

}  // namespace skylark::broker
