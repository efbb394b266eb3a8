// SPDX-License-Identifier: Apache-2.0
#include "commitlog/mapped_file_queue.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"

namespace skylark::commitlog {
namespace {

std::optional<std::int64_t> parse_base(const std::string& name) {
  std::int64_t base = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), base);
  if (error != std::errc() || end != name.data() + name.size() || base < 0) return std::nullopt;
  return base;
}

}  // namespace

std::string mapped_file_name(std::int64_t base) { return fmt::format("{:020}", base); }

MappedFileQueue::MappedFileQueue(FileSystem& files, std::string folder, std::int64_t file_size)
    : system_(files), folder_(std::move(folder)), file_size_(file_size) {}

void MappedFileQueue::share(std::shared_ptr<std::atomic<std::int64_t>> mapped_files) { mapped_files_ = std::move(mapped_files); }

std::shared_ptr<MappedFile> MappedFileQueue::adopt(std::unique_ptr<MappedFile> file) const {
  if (!mapped_files_) return file;
  file->advise_random();
  mapped_files_->fetch_add(1, std::memory_order_relaxed);
  return {file.release(), [counter = mapped_files_](MappedFile* mapped) {
            delete mapped;
            counter->fetch_sub(1, std::memory_order_relaxed);
          }};
}

Result<void> MappedFileQueue::load() {
  const auto names = system_.list(folder_);
  if (!names) {
    if (names.error() == Errc::not_found) return {};
    return names.error();
  }
  struct Found {
    std::int64_t base, size;
  };
  std::vector<Found> found;
  for (const std::string& name : *names) {
    const std::string path = folder_ + "/" + name;
    if (system_.is_folder(path)) continue;
    const auto base = parse_base(name);
    if (!base) {
      log::warn("{} is not named like a store file and is left alone", path);
      continue;
    }
    const auto size = system_.file_size(path);
    if (!size) return size.error();
    found.push_back({*base, *size});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.base < b.base; });
  if (!found.empty() && found.back().size == 0) {
    const auto removed = system_.remove(path_of(found.back().base));
    if (!removed) return removed.error();
    found.pop_back();
  }
  if (found.empty()) return {};

  const std::int64_t common = found.front().size;
  for (const Found& file : found) {
    if (file.size == common && common > 0 && file.base % common == 0) continue;
    log::error("{} has {} bytes where its neighbours have {}: the store is damaged", path_of(file.base), file.size, common);
    return Errc::malformed;
  }

  const std::scoped_lock lock(mutex_);
  file_size_ = common;
  files_.clear();
  for (const Found& file : found) {
    if (!files_.empty() && files_.back().base + common != file.base)
      log::error("{}: no file between {} and {}", folder_, files_.back().base, file.base);
    files_.push_back({file.base, nullptr});
  }
  return {};
}

bool MappedFileQueue::empty() const {
  const std::scoped_lock lock(mutex_);
  return files_.empty();
}

std::int64_t MappedFileQueue::begin() const {
  const std::scoped_lock lock(mutex_);
  return files_.empty() ? -1 : files_.front().base;
}

std::int64_t MappedFileQueue::end() const {
  const std::scoped_lock lock(mutex_);
  return files_.empty() ? 0 : files_.back().base + file_size_;
}

std::vector<std::int64_t> MappedFileQueue::bases() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::int64_t> bases;
  bases.reserve(files_.size());
  for (const File& file : files_) bases.push_back(file.base);
  return bases;
}

Result<MappedFileQueue::File> MappedFileQueue::find(std::int64_t offset) const {
  const std::scoped_lock lock(mutex_);
  if (files_.empty() || offset < files_.front().base) return Errc::out_of_range;
  auto file = files_.end() - 1;  // Most reads are near the end.
  if (offset < file->base) {
    file = std::upper_bound(files_.begin(), files_.end(), offset, [](std::int64_t at, const File& f) { return at < f.base; }) - 1;
  }
  if (offset >= file->base + file_size_) return Errc::out_of_range;
  if (!file->mapped) {
    auto mapped = system_.map(path_of(file->base), file_size_, false);
    if (!mapped) return mapped.error();
    file->mapped = adopt(std::move(*mapped));
  }
  return *file;
}

Result<std::shared_ptr<MappedFile>> MappedFileQueue::create(std::int64_t base) {
  auto mapped = system_.map(path_of(base), file_size_, true);
  if (!mapped && mapped.error() == Errc::not_found) {
    const auto made = system_.create_folders(folder_);
    if (!made) return made.error();
    mapped = system_.map(path_of(base), file_size_, true);
  }
  if (!mapped) return mapped.error();
  return adopt(std::move(*mapped));
}

void MappedFileQueue::add(std::int64_t base, std::shared_ptr<MappedFile> file) {
  const std::scoped_lock lock(mutex_);
  SKYLARK_ASSERT(files_.empty() || files_.back().base + file_size_ == base, "a store file would leave a gap");
  files_.push_back({base, std::move(file)});
}

Result<void> MappedFileQueue::remove_from(std::int64_t offset) {
  const std::scoped_lock lock(mutex_);
  while (!files_.empty() && files_.back().base >= offset) {
    const auto removed = system_.remove(path_of(files_.back().base));
    if (!removed && removed.error() != Errc::not_found) return removed.error();
    files_.pop_back();
  }
  return {};
}

Result<void> MappedFileQueue::remove_first() {
  const std::scoped_lock lock(mutex_);
  if (files_.empty()) return Errc::not_found;
  const auto removed = system_.remove(path_of(files_.front().base));
  if (!removed && removed.error() != Errc::not_found) return removed.error();
  files_.erase(files_.begin());
  return {};
}

void MappedFileQueue::unmap() {
  const std::scoped_lock lock(mutex_);
  for (File& file : files_) {
    if (file.mapped && file.mapped.use_count() == 1) file.mapped.reset();
  }
}

std::size_t MappedFileQueue::mapped_count() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(files_.begin(), files_.end(), [](const File& file) { return file.mapped != nullptr; }));
}

}  // namespace skylark::commitlog
