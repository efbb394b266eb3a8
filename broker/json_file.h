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
/// A disk that cannot be read is an error and no reason to go back to the older backup, as Java does.
/// Errors: `malformed` when the backup is what is left and is broken too. Source: ConfigManager.java load.
[[nodiscard]] Result<json::Value> read_json_file(FileSystem& files, const std::string& path);

/// Keeps what was there as `.bak` and replaces the file in one step: a killed process leaves the old or the new text, never a part.
/// On return the new text is durable. Java does not wait for the disk, and a power cut can take a table and its backup; here the old
/// file gives way only to one that is on disk, which costs each write two fsyncs.
[[nodiscard]] Result<void> write_json_file(FileSystem& files, const std::string& path, std::string_view text);

}  // namespace skylark::broker
