// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "commitlog/mapped_file_queue.h"

namespace skylark::commitlog {

/// Makes the next file of the commit log, and faults in the pages ahead of the append position, on a thread of its own, so that an
/// append waits for neither. Source: AllocateMappedFileService.java 5.3.
///
/// Life:    usable from the constructor on; `stop()` joins the thread and removes a file that was prepared and never taken.
/// Threads: `take` by one caller at a time; the rest from any thread.
class FilePreparer {
 public:
  FilePreparer(FileSystem& system, MappedFileQueue& queue);
  ~FilePreparer();
  FilePreparer(const FilePreparer&) = delete;
  FilePreparer& operator=(const FilePreparer&) = delete;

  /// Starts making the file that begins there, unless it is under way or ready.
  void prepare(std::int64_t base);
  /// The file that begins there, fully allocated, its name durable; made now when it was not prepared. A failure is tried anew by the next
  /// call. Errors: `no_space`, `io_error`, `timed_out` after half a minute, `closed`.
  [[nodiscard]] Result<std::shared_ptr<MappedFile>> take(std::int64_t base);
  /// Faults that range in, soon.
  void populate(std::shared_ptr<MappedFile> file, std::int64_t position, std::int64_t size_bytes);
  void stop();

 private:
  enum class State { idle, wanted, making, ready, failed };
  struct Range {
    std::shared_ptr<MappedFile> file;
    std::int64_t position = 0;
    std::int64_t size_bytes = 0;
  };

  void run();
  void remove_unused();
  [[nodiscard]] Result<std::shared_ptr<MappedFile>> make(std::int64_t base);
  [[nodiscard]] Result<std::shared_ptr<MappedFile>> make_in(std::uint32_t folder, std::int64_t base);

  FileSystem& system_;
  MappedFileQueue& queue_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  State state_ = State::idle;
  std::int64_t base_ = -1;
  std::shared_ptr<MappedFile> file_;
  ErrorCode error_;
  std::optional<Range> range_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skylark::commitlog
