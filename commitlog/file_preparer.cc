// SPDX-License-Identifier: Apache-2.0
#include "commitlog/file_preparer.h"

#include <chrono>

#include <pthread.h>

#include "base/error.h"
#include "base/log.h"

namespace skylark::commitlog {

namespace {
constexpr std::chrono::seconds kTakeDeadline{30};  // A disk that has not made a file by then is taken for dead.
}  // namespace

FilePreparer::FilePreparer(FileSystem& system, MappedFileQueue& queue) : system_(system), queue_(queue), thread_([this] { run(); }) {}

FilePreparer::~FilePreparer() { stop(); }

void FilePreparer::prepare(std::int64_t base) {
  const std::scoped_lock lock(mutex_);
  if (stopping_ || (base_ == base && state_ != State::failed && state_ != State::idle)) return;
  if (state_ == State::making) return;  // Of another file; `take` asks again.
  base_ = base;
  state_ = State::wanted;
  work_.notify_one();
}

Result<std::shared_ptr<MappedFile>> FilePreparer::take(std::int64_t base) {
  const auto deadline = std::chrono::steady_clock::now() + kTakeDeadline;
  std::unique_lock lock(mutex_);
  bool waited = false;
  while (state_ == State::making) {
    if (stopping_) return Errc::closed;
    waited = true;
    if (done_.wait_until(lock, deadline) == std::cv_status::timeout && state_ == State::making) return Errc::timed_out;
  }
  if (stopping_) return Errc::closed;
  if (state_ == State::ready && base_ == base) {
    state_ = State::idle;
    return std::move(file_);
  }
  if (state_ == State::failed && base_ == base && waited) return error_;
  // Nothing was prepared, or an earlier attempt failed, which says nothing about now. Made here: a thread might be late to begin.
  if (state_ == State::ready) remove_unused();
  state_ = State::idle;
  return make(base);
}

void FilePreparer::populate(std::shared_ptr<MappedFile> file, std::int64_t position, std::int64_t size_bytes) {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return;
  range_ = Range{std::move(file), position, size_bytes};
  work_.notify_one();
}

void FilePreparer::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    work_.notify_one();
    done_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (state_ == State::ready) remove_unused();
  state_ = State::idle;
}

void FilePreparer::remove_unused() {
  const std::string path = file_->path();
  file_.reset();
  const auto removed = system_.remove(path);
  if (!removed) log::warn("{} was prepared and not used, and cannot be removed: {}", path, removed.error().message());
}

void FilePreparer::run() {
  ::pthread_setname_np(::pthread_self(), "log-preparer");
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stopping_ || state_ == State::wanted || range_; });
    if (stopping_) return;
    if (state_ == State::wanted) {
      state_ = State::making;
      const std::int64_t base = base_;
      lock.unlock();
      auto made = make(base);
      lock.lock();
      state_ = made ? State::ready : State::failed;
      if (made)
        file_ = std::move(*made);
      else
        error_ = made.error();
      done_.notify_all();
    }
    if (range_) {
      const Range range = std::move(*range_);
      range_.reset();
      lock.unlock();
      range.file->populate(range.position, range.size_bytes);
      lock.lock();
    }
  }
}

/// In the first folder that can take it. What was begun in another one is gone before: a name in two folders would stop the next start.
Result<std::shared_ptr<MappedFile>> FilePreparer::make(std::int64_t base) {
  ErrorCode refused;
  for (const std::uint32_t folder : queue_.places_for(base)) {
    auto file = make_in(folder, base);
    if (file) return file;
    if (queue_.writable_folders() > 1) log::warn("no file for {} in {}: {}", base, queue_.folders()[folder], file.error().message());
    // Lack of space outweighs all else: it is what the store can wait for.
    if (!refused || file.error() == Errc::no_space) refused = file.error();
    if (system_.exists(queue_.folders()[folder] + "/" + mapped_file_name(base))) break;
  }
  return refused;
}

Result<std::shared_ptr<MappedFile>> FilePreparer::make_in(std::uint32_t folder, std::int64_t base) {
  auto file = queue_.create(base, folder);
  if (!file) return file.error();
  auto allocated = (*file)->allocate(0, (*file)->size_bytes());
  if (allocated) allocated = system_.sync_folder(queue_.folders()[folder]);
  if (allocated) return file;

  // A sparse file left behind would look like one of the log's files at the next start: harmless, but it holds space that others need.
  const std::string path = (*file)->path();
  file->reset();
  const auto removed = system_.remove(path);
  if (!removed) log::warn("cannot remove {}: {}", path, removed.error().message());
  return allocated.error();
}

}  // namespace skylark::commitlog
