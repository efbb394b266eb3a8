// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "consumequeue/recovery.h"

namespace skylark::consumequeue {

struct RecoveryBegin {
  std::int64_t log = 0;     ///< Where reading begins.
  std::int64_t queues = 0;  ///< Records before this one need not be entered into queues.
};

/// Decides where recovery has to begin, and leaves in the key index what is right. `bases`: of the log's files, at least one;
/// `max_physical_offset`: the end of the last record that any queue lists. Errors: those of reading.
[[nodiscard]] Result<RecoveryBegin> find_recovery_begin(const StoreParts& parts, const StoreLeft& left,
                                                        const std::vector<std::int64_t>& bases, std::int64_t max_physical_offset);

}  // namespace skylark::consumequeue
