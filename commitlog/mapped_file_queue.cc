// SPDX-License-Identifier: Apache-2.0
#include "commitlog/mapped_file_queue.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/ranges.h>

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

MappedFileQueue::MappedFileQueue(FileSystem& files, FileFolders folders, std::int64_t file_size)
    : MappedFileQueue(files, folders.writable.empty() ? "" : folders.writable.front(), file_size) {
  SKYLARK_ASSERT(!folders.writable.empty(), "a row of files without a folder");
  std::vector<std::string> more(folders.writable.begin() + 1, folders.writable.end());
  more.insert(more.end(), folders.read_only.begin(), folders.read_only.end());
  if (!more.empty()) more_ = std::make_unique<MoreFolders>(MoreFolders{std::move(more), folders.writable.size()});
}

std::vector<std::string> MappedFileQueue::folders() const {
  std::vector<std::string> all{folder_};
  if (more_) all.insert(all.end(), more_->folders.begin(), more_->folders.end());
  return all;
}

std::string MappedFileQueue::path_in(std::uint32_t number, std::int64_t base) const {
  return folder(number) + "/" + mapped_file_name(base);
}

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

Result<void> MappedFileQueue::list_folder(std::uint32_t number, std::vector<Found>& found) const {
  const auto names = system_.list(folder(number));
  if (!names && names.error() == Errc::not_found) return {};
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const std::string path = folder(number) + "/" + name;
    if (system_.is_folder(path)) continue;
    const auto base = parse_base(name);
    if (!base) {
      log::warn("{} is not named like a store file and is left alone", path);
      continue;
    }
    const auto size = system_.file_size(path);
    if (!size) return size.error();
    found.push_back({*base, *size, number});
  }
  return {};
}

Result<void> MappedFileQueue::check_found(const std::vector<Found>& found) const {
  const std::int64_t common = found.front().size;
  const Found* before = nullptr;
  for (const Found& file : found) {
    const std::string path = path_in(file.folder, file.base);
    if (before != nullptr && before->base == file.base) {
      log::error("{} and {} claim to be the same part of the store: the wrong one must be taken away", path_in(before->folder, file.base),
                 path);
      return Errc::malformed;
    }
    if (file.size != common || common <= 0 || file.base % common != 0) {
      log::error("{} has {} bytes where its neighbours have {}: the store is damaged", path, file.size, common);
      return Errc::malformed;
    }
    if (before != nullptr && before->base + common != file.base)
      log::error("{}: no file between {} and {}", fmt::join(folders(), ", "), before->base, file.base);
    before = &file;
  }
  return {};
}

Result<void> MappedFileQueue::load() {
  std::vector<Found> found;
  for (std::uint32_t folder = 0; folder < folder_count(); ++folder) {
    const auto listed = list_folder(folder, found);
    if (!listed) return listed;
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.base != b.base ? a.base < b.base : a.size > b.size; });
  if (!found.empty() && found.back().size == 0) {
    const auto removed = system_.remove(path_in(found.back().folder, found.back().base));
    if (!removed) return removed.error();
    found.pop_back();
  }
  if (found.empty()) return {};
  const auto checked = check_found(found);
  if (!checked) return checked;

  const std::scoped_lock lock(mutex_);
  file_size_ = found.front().size;
  files_.clear();
  for (const Found& file : found) files_.push_back({file.base, nullptr, file.folder});
  return {};
}

void MappedFileQueue::assume(std::int64_t first_base, std::int32_t count) {
  const std::scoped_lock lock(mutex_);
  files_.clear();
  files_.reserve(static_cast<std::size_t>(count));
  for (std::int64_t base = first_base; std::ssize(files_) < count; base += file_size_) files_.push_back({base, nullptr});
}

std::size_t MappedFileQueue::count() const {
  const std::scoped_lock lock(mutex_);
  return files_.size();
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
    auto mapped = system_.map(path_in(file->folder, file->base), file_size_, false);
    if (!mapped) return mapped.error();
    file->mapped = adopt(std::move(*mapped));
  }
  return *file;
}

std::string MappedFileQueue::path_of(std::int64_t base) const {
  const std::scoped_lock lock(mutex_);
  const auto file = std::lower_bound(files_.begin(), files_.end(), base, [](const File& f, std::int64_t at) { return f.base < at; });
  return path_in(file != files_.end() && file->base == base ? file->folder : 0, base);
}

void MappedFileQueue::set_crowded(std::vector<bool> crowded) {
  const std::scoped_lock lock(mutex_);
  if (more_) more_->crowded = std::move(crowded);
}

std::vector<std::uint32_t> MappedFileQueue::places_for(std::int64_t base) const {
  if (!more_) return {0};
  std::vector<std::uint32_t> roomy, crowded;
  {
    const std::scoped_lock lock(mutex_);
    for (std::uint32_t folder = 0; folder < more_->writable; ++folder)
      (folder < more_->crowded.size() && more_->crowded[folder] ? crowded : roomy).push_back(folder);
  }
  if (roomy.empty()) roomy.swap(crowded);
  const auto turn = static_cast<std::size_t>(base / file_size_) % roomy.size();
  std::rotate(roomy.begin(), roomy.begin() + static_cast<std::ptrdiff_t>(turn), roomy.end());
  roomy.insert(roomy.end(), crowded.begin(), crowded.end());
  return roomy;
}

Result<std::shared_ptr<MappedFile>> MappedFileQueue::create(std::int64_t base, std::uint32_t number) {
  auto mapped = system_.map(path_in(number, base), file_size_, true);
  if (!mapped && mapped.error() == Errc::not_found) {
    const auto made = system_.create_folders(folder(number));
    if (!made) return made.error();
    mapped = system_.map(path_in(number, base), file_size_, true);
  }
  if (!mapped) return mapped.error();
  return adopt(std::move(*mapped));
}

void MappedFileQueue::add(std::int64_t base, std::shared_ptr<MappedFile> file) {
  const std::scoped_lock lock(mutex_);
  SKYLARK_ASSERT(files_.empty() || files_.back().base + file_size_ == base, "a store file would leave a gap");
  std::uint32_t folder = 0;
  if (more_) {
    while (file->path() != path_in(folder, base)) ++folder;
  }
  files_.push_back({base, std::move(file), folder});
}

Result<void> MappedFileQueue::remove_from(std::int64_t offset) {
  const std::scoped_lock lock(mutex_);
  while (!files_.empty() && files_.back().base >= offset) {
    const auto removed = system_.remove(path_in(files_.back().folder, files_.back().base));
    if (!removed && removed.error() != Errc::not_found) return removed.error();
    files_.pop_back();
  }
  return {};
}

Result<void> MappedFileQueue::remove_first() {
  const std::scoped_lock lock(mutex_);
  if (files_.empty()) return Errc::not_found;
  const auto removed = system_.remove(path_in(files_.front().folder, files_.front().base));
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
