// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/file_system.h"

namespace skylark::tools {

/// The disk of this machine with nothing ever changed on it: files are opened for reading alone, and what would write, cut or remove
/// succeeds without doing so. The store's own types can then load a store, and tidy up what they believe to be theirs, while a broker runs
/// on it or where only reading is allowed. `lock` and creating files fail with `read_only`. Threads: any.
[[nodiscard]] std::unique_ptr<FileSystem> make_read_only_disk(FileSystem& disk);

}  // namespace skylark::tools
