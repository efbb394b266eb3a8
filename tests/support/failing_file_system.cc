// SPDX-License-Identifier: Apache-2.0
#include "tests/support/failing_file_system.h"

#include "base/error.h"

namespace skylark {

class FailingFileSystem::File final : public MappedFile {
 public:
  File(FailingFileSystem& system, std::unique_ptr<MappedFile> below) : system_(system), below_(std::move(below)) {}

  const std::string& path() const noexcept override { return below_->path(); }
  std::int64_t size_bytes() const noexcept override { return below_->size_bytes(); }
  void write(std::int64_t position, std::string_view bytes) override { below_->write(position, bytes); }
  std::string_view view(std::int64_t position, std::int64_t size_bytes) const override { return below_->view(position, size_bytes); }
  Result<std::size_t> read_at(std::int64_t position, char* into, std::size_t size_bytes) const override {
    if (system_.failure_ == Failure::short_read)
      return below_->read_at(position, into, system_.hits(kReadsContent) ? size_bytes / 2 : size_bytes);
    if (const auto passed = system_.pass(kTouchesDisk); !passed) return passed.error();
    return below_->read_at(position, into, size_bytes);
  }
  Result<void> allocate(std::int64_t position, std::int64_t size_bytes) override {
    if (const auto passed = system_.pass(kTouchesDisk | kTakesSpace); !passed) return passed;
    return below_->allocate(position, size_bytes);
  }
  Result<void> clear_from(std::int64_t position) override {
    if (const auto passed = system_.pass(kTouchesDisk); !passed) return passed;
    return below_->clear_from(position);
  }
  Result<void> flush() override {
    if (const auto passed = system_.pass(kTouchesDisk | kMakesDurable); !passed) return passed;
    return below_->flush();
  }
  void populate(std::int64_t position, std::int64_t size_bytes) override { below_->populate(position, size_bytes); }
  void advise_random() override { below_->advise_random(); }

 private:
  FailingFileSystem& system_;
  const std::unique_ptr<MappedFile> below_;
};

void FailingFileSystem::fail(Failure failure, std::int64_t first, std::int64_t count) {
  const std::scoped_lock lock(mutex_);
  failure_ = failure;
  first_ = first;
  count_ = count;
  calls_ = failed_calls_ = 0;
}

std::int64_t FailingFileSystem::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

std::int64_t FailingFileSystem::failed_calls() const {
  const std::scoped_lock lock(mutex_);
  return failed_calls_;
}

bool FailingFileSystem::hits(unsigned does) {
  const std::scoped_lock lock(mutex_);
  unsigned wanted = 0;
  switch (failure_) {
    case Failure::no_space: wanted = kTakesSpace; break;
    case Failure::io_error: wanted = kTouchesDisk; break;
    case Failure::flush: wanted = kMakesDurable; break;
    case Failure::short_write: wanted = kWritesContent; break;
    case Failure::short_read: wanted = kReadsContent; break;
  }
  if ((does & wanted) == 0) return false;
  const std::int64_t number = calls_++;
  if (number < first_ || number - first_ >= count_) return false;
  ++failed_calls_;
  return true;
}

Result<void> FailingFileSystem::pass(unsigned does) {
  if (!hits(does)) return {};
  return failure_ == Failure::no_space ? Errc::no_space : Errc::io_error;
}

Result<void> FailingFileSystem::create_folders(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk | kTakesSpace); !passed) return passed;
  return below_.create_folders(path);
}

Result<std::vector<std::string>> FailingFileSystem::list(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk); !passed) return passed.error();
  return below_.list(path);
}

Result<std::int64_t> FailingFileSystem::file_size(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk); !passed) return passed.error();
  return below_.file_size(path);
}

Result<std::int64_t> FailingFileSystem::modified_ms(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk); !passed) return passed.error();
  return below_.modified_ms(path);
}

Result<void> FailingFileSystem::remove(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk); !passed) return passed;
  return below_.remove(path);
}

Result<void> FailingFileSystem::remove_folder(const std::string& path, bool recursive) {
  if (const auto passed = pass(kTouchesDisk); !passed) return passed;
  return below_.remove_folder(path, recursive);
}

Result<void> FailingFileSystem::rename(const std::string& from, const std::string& to) {
  if (const auto passed = pass(kTouchesDisk | kTakesSpace); !passed) return passed;
  return below_.rename(from, to);
}

Result<std::string> FailingFileSystem::read_all(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk); !passed) return passed.error();
  return below_.read_all(path);
}

Result<void> FailingFileSystem::write_all(const std::string& path, std::string_view content, bool durable) {
  const unsigned does = kTouchesDisk | kTakesSpace | kWritesContent | (durable ? unsigned{kMakesDurable} : 0U);
  if (!hits(does)) return below_.write_all(path, content, durable);
  // As a real one fails: the old content is gone before the new one meets the error.
  (void)below_.write_all(path, content.substr(0, content.size() / 2), false);
  return failure_ == Failure::no_space || failure_ == Failure::short_write ? Errc::no_space : Errc::io_error;
}

Result<std::unique_ptr<MappedFile>> FailingFileSystem::map(const std::string& path, std::int64_t size_bytes, bool create) {
  if (const auto passed = pass(kTouchesDisk | (create ? unsigned{kTakesSpace} : 0U)); !passed) return passed.error();
  auto mapped = below_.map(path, size_bytes, create);
  if (!mapped) return mapped.error();
  return std::unique_ptr<MappedFile>(std::make_unique<File>(*this, std::move(*mapped)));
}

Result<void> FailingFileSystem::truncate(const std::string& path, std::int64_t size_bytes) {
  if (const auto passed = pass(kTouchesDisk | kTakesSpace); !passed) return passed;
  return below_.truncate(path, size_bytes);
}

Result<void> FailingFileSystem::sync_folder(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk | kMakesDurable); !passed) return passed;
  return below_.sync_folder(path);
}

Result<void> FailingFileSystem::sync_all(const std::string& path) {
  if (const auto passed = pass(kTouchesDisk | kMakesDurable); !passed) return passed;
  return below_.sync_all(path);
}

Result<std::shared_ptr<void>> FailingFileSystem::lock(const std::string& path, std::string_view content) {
  if (const auto passed = pass(kTouchesDisk | kTakesSpace); !passed) return passed.error();
  return below_.lock(path, content);
}

}  // namespace skylark
