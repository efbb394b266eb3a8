// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "tools/store/store_files.h"

namespace skylark::tools {

enum class Format { text, json };
enum class BodyAs { text, hex, none };

inline constexpr int kSound = 0;
inline constexpr int kDamaged = 1;

/// The commands of `mqstore`. Each prints to `out` and returns the exit code: 0, or 1 when the store is damaged. The caller has locked the
/// store, or wants to read only. `disk` may be read only for `verify`, `dump` and `stat`. Errors: those of the disk.

/// Walks commit log, consume queues and key index, and says where they are damaged or contradict each other.
[[nodiscard]] Result<int> verify(const StoreOptions& options, FileSystem& disk, Format format, std::ostream& out);

struct DumpOptions {
  std::int64_t offset = -1;  ///< Physical offset of the first record; -1: the log's beginning.
  std::string topic = {};    ///< Empty: all.
  std::int32_t queue_id = -1;
  std::int64_t count_max = -1;
  BodyAs body = BodyAs::text;
};
/// Prints records in the order of the log, in JSON one object a line. Damage on the way is named and passed over.
[[nodiscard]] Result<int> dump(const StoreOptions& options, const DumpOptions& what, FileSystem& disk, Format format, std::ostream& out);

/// Files, ranges, queues, index, checkpoint.
[[nodiscard]] Result<int> stat(const StoreOptions& options, FileSystem& disk, Format format, std::ostream& out);

/// Makes consume queues and key index from the log, then puts them in the place of the old ones, which stay beside them as `….old-<ms>`.
/// Queues of which the log holds no record are kept as they are: they know the next offset.
[[nodiscard]] Result<int> rebuild(const StoreOptions& options, FileSystem& disk, Clock& clock, Format format, std::ostream& out);

struct TruncateOptions {
  std::int64_t at = -1;  ///< Where the log shall end: where a record begins, or the end of the log. -1, for `dry_run`: the first damage or end.
  bool dry_run = false;
};
/// Cuts the log, and what the indexes say about the part that goes. Errors: `invalid_argument` where no record begins; nothing has changed.
[[nodiscard]] Result<int> truncate(const StoreOptions& options, const TruncateOptions& what, FileSystem& disk, Clock& clock, Format format,
                                   std::ostream& out);

}  // namespace skylark::tools
