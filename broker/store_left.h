// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "commitlog/checkpoint.h"
#include "commitlog/mapped_file_queue.h"
#include "consumequeue/recovery.h"

namespace skylark::broker {

/// What the files beside the logs say about how a store was left.
struct LeftStore {
  consumequeue::StoreLeft left;                 ///< All but what loading the queues finds.
  std::optional<consumequeue::StoreEnds> ends;  ///< Empty: they cannot be believed.
  std::int64_t lock_modified_ms = 0;            ///< Last change of the file `lock`.
};

/// The file with the ends of all queues and the key index, in the root of the store.
[[nodiscard]] std::string store_ends_path(const std::string& root);

/// Looks at `abort`, `lock`, the checkpoint's mark and the ends. The lock is held, log files and checkpoint are loaded.
///
/// The mark and the ends are believed only when nothing shows that another program had the store since: the checkpoint still has the values
/// they were written with, nobody wrote the file `lock`, which every Java broker does at its start, and the log reaches as far.
/// Source: docs/adr/0007, DefaultMessageStore.isTempFileExist 5.3.
[[nodiscard]] LeftStore look_at_left_store(FileSystem& system, const std::string& root, const commitlog::MappedFileQueue& log,
                                           const commitlog::Checkpoint& checkpoint);

/// Writes `abort`: the process id, as Java, and behind it this machine's boot id, by which the next start tells a kill from a power cut.
/// The content is durable on return, the name is not. Errors: those of the disk.
[[nodiscard]] Result<void> mark_running(FileSystem& system, const std::string& root);

}  // namespace skylark::broker
