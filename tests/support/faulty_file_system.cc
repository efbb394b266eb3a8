// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_file_system.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include "base/assert.h"
#include "base/error.h"

namespace skylark {
namespace {

constexpr std::size_t kPage = 4096;

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::size_t page_count(std::size_t size) { return (size + kPage - 1) / kPage; }

}  // namespace

/// Content of one file in both images. The mutex keeps `flush` from copying bytes that are just being written.
struct FaultyFileSystem::Inode {
  mutable std::mutex mutex;
  std::vector<char> live;
  std::vector<char> durable;
  std::vector<bool> changed;    // By page: live and durable may differ.
  std::vector<bool> allocated;  // By page.
  std::int64_t modified_ms = 0;

  void resize(std::size_t size) {
    live.resize(size);
    durable.resize(size);
    changed.resize(page_count(size));
    allocated.resize(page_count(size));
  }
  void set(std::size_t position, std::string_view bytes) {
    std::copy(bytes.begin(), bytes.end(), live.begin() + static_cast<std::ptrdiff_t>(position));
    for (std::size_t page = position / kPage; page < page_count(position + bytes.size()); ++page) changed[page] = true;
  }
  void make_durable() {
    for (std::size_t page = 0; page < changed.size(); ++page) {
      if (changed[page]) keep_page(page);
    }
  }
  void keep_page(std::size_t page) {
    const auto begin = static_cast<std::ptrdiff_t>(page * kPage);
    const auto end = static_cast<std::ptrdiff_t>(std::min((page + 1) * kPage, live.size()));
    std::copy(live.begin() + begin, live.begin() + end, durable.begin() + begin);
    changed[page] = false;
  }
};

class FaultyFileSystem::File final : public MappedFile {
 public:
  File(FaultyFileSystem& system, std::string path, std::shared_ptr<Inode> inode)
      : system_(system), path_(std::move(path)), inode_(std::move(inode)) {}

  const std::string& path() const noexcept override { return path_; }
  std::int64_t size_bytes() const noexcept override { return static_cast<std::int64_t>(inode_->live.size()); }
  void write(std::int64_t position, std::string_view bytes) override {
    SKYLARK_ASSERT(position >= 0 && static_cast<std::size_t>(position) + bytes.size() <= inode_->live.size(), "write outside of " + path_);
    const std::scoped_lock lock(inode_->mutex);
    const auto begin = static_cast<std::size_t>(position);
    for (std::size_t page = begin / kPage; page < page_count(begin + bytes.size()); ++page) {
      SKYLARK_ASSERT(inode_->allocated[page], "write to space of " + path_ + " that was not allocated");
    }
    inode_->set(begin, bytes);
    inode_->modified_ms = system_.clock_.now_ms();
  }
  std::string_view view(std::int64_t position, std::int64_t size_bytes) const override {
    SKYLARK_ASSERT(position >= 0 && size_bytes >= 0 && position + size_bytes <= static_cast<std::int64_t>(inode_->live.size()),
                   "view outside");
    return {inode_->live.data() + position, static_cast<std::size_t>(size_bytes)};
  }
  Result<std::size_t> read_at(std::int64_t position, char* into, std::size_t size_bytes) const override {
    {
      const std::scoped_lock lock(system_.mutex_);
      if (system_.matches(path_, system_.fail_reads_of_)) return Errc::io_error;
    }
    const std::scoped_lock lock(inode_->mutex);
    if (position >= static_cast<std::int64_t>(inode_->live.size())) return std::size_t{0};
    const std::size_t size = std::min(size_bytes, inode_->live.size() - static_cast<std::size_t>(position));
    std::memcpy(into, inode_->live.data() + position, size);
    return size;
  }
  bool resident(std::int64_t, std::int64_t) const override {
    const std::scoped_lock lock(system_.mutex_);
    return !system_.matches(path_, system_.evicted_);
  }
  Result<void> allocate(std::int64_t position, std::int64_t size_bytes) override {
    bool refused = false;
    {
      std::unique_lock lock(system_.mutex_);
      ++system_.held_allocations_;
      system_.released_.wait(lock, [this] { return !system_.matches(path_, system_.hold_allocations_of_); });
      --system_.held_allocations_;
      refused = system_.refuses(path_);
    }
    const std::scoped_lock lock(inode_->mutex);
    const auto end = static_cast<std::size_t>(std::min(position + size_bytes, static_cast<std::int64_t>(inode_->live.size())));
    for (std::size_t page = static_cast<std::size_t>(position) / kPage; page < page_count(end); ++page) {
      if (refused && !inode_->allocated[page]) return Errc::no_space;
      inode_->allocated[page] = true;
    }
    return {};
  }
  Result<void> clear_from(std::int64_t position) override {
    const std::scoped_lock lock(inode_->mutex);
    const auto begin = static_cast<std::size_t>(position);
    if (begin >= inode_->live.size()) return {};
    inode_->set(begin, std::string(inode_->live.size() - begin, '\0'));
    for (std::size_t page = page_count(begin); page < inode_->allocated.size(); ++page) inode_->allocated[page] = false;
    return {};
  }
  Result<void> flush() override { return system_.wait_and_flush(path_, *inode_); }
  void populate(std::int64_t, std::int64_t) override {}
  void advise_random() override {}

 private:
  FaultyFileSystem& system_;
  const std::string path_;
  const std::shared_ptr<Inode> inode_;
};

FaultyFileSystem::FaultyFileSystem(Clock& clock) : clock_(clock) {}
FaultyFileSystem::~FaultyFileSystem() = default;

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::after_power_cut(std::uint64_t seed) const {
  auto disk = std::make_unique<FaultyFileSystem>(clock_);
  std::mt19937_64 random(seed);
  const std::scoped_lock lock(mutex_);
  disk->folders_ = folders_;
  Names names = durable_;
  std::set<std::string> closed;  // Folders of which a change was lost: the later ones are lost too.
  for (const NameChange& change : pending_) {
    const std::string folder = parent_of(change.path);
    if (closed.contains(folder)) continue;
    if (random() % 4 == 0) {
      closed.insert(folder);
    } else if (change.inode) {
      names[change.path] = change.inode;
    } else {
      names.erase(change.path);
    }
  }
  std::map<const Inode*, std::shared_ptr<Inode>> copies;
  for (const auto& [path, inode] : names) {
    for (std::string folder = parent_of(path); !folder.empty(); folder = parent_of(folder)) disk->folders_.emplace(folder, clock_.now_ms());
    std::shared_ptr<Inode>& copy = copies[inode.get()];
    if (!copy) {
      const std::scoped_lock inode_lock(inode->mutex);
      copy = std::make_shared<Inode>();
      copy->resize(inode->live.size());
      copy->durable = inode->durable;
      copy->allocated = inode->allocated;
      copy->modified_ms = inode->modified_ms;
      copy->live = inode->live;
      for (std::size_t page = 0; page < inode->changed.size(); ++page) {
        if (inode->changed[page] && random() % 2 == 0) copy->keep_page(page);
      }
      copy->live = copy->durable;
    }
    disk->live_[path] = disk->durable_[path] = copy;
  }
  return disk;
}

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::after_kill() const {
  auto disk = std::make_unique<FaultyFileSystem>(clock_);
  const std::scoped_lock lock(mutex_);
  disk->folders_ = folders_;
  std::map<const Inode*, std::shared_ptr<Inode>> copies;
  const auto copy_of = [&copies](const std::shared_ptr<Inode>& inode) -> std::shared_ptr<Inode> {
    if (!inode) return nullptr;
    std::shared_ptr<Inode>& copy = copies[inode.get()];
    if (!copy) {
      const std::scoped_lock inode_lock(inode->mutex);
      copy = std::make_shared<Inode>();
      copy->live = inode->live;
      copy->durable = inode->durable;
      copy->changed = inode->changed;
      copy->allocated = inode->allocated;
      copy->modified_ms = inode->modified_ms;
    }
    return copy;
  };
  for (const auto& [path, inode] : live_) disk->live_[path] = copy_of(inode);
  for (const auto& [path, inode] : durable_) disk->durable_[path] = copy_of(inode);
  for (const NameChange& change : pending_) disk->pending_.push_back({change.path, copy_of(change.inode)});
  return disk;
}

void FaultyFileSystem::refuse_space(bool refuse) {
  const std::scoped_lock lock(mutex_);
  refuse_space_ = refuse;
}

void FaultyFileSystem::refuse_space_of(std::string text) {
  const std::scoped_lock lock(mutex_);
  refuse_space_of_ = std::move(text);
}

void FaultyFileSystem::fail_flushes_of(std::string text) {
  const std::scoped_lock lock(mutex_);
  fail_flushes_of_ = std::move(text);
}

void FaultyFileSystem::evict(std::string text) {
  const std::scoped_lock lock(mutex_);
  evicted_ = std::move(text);
}

void FaultyFileSystem::fail_reads_of(std::string text) {
  const std::scoped_lock lock(mutex_);
  fail_reads_of_ = std::move(text);
}

void FaultyFileSystem::set_space(DiskSpace space) {
  const std::scoped_lock lock(mutex_);
  space_ = space;
}

void FaultyFileSystem::set_space_of(const std::string& path, DiskSpace space) {
  const std::scoped_lock lock(mutex_);
  spaces_[path] = space;
}

void FaultyFileSystem::hold_allocations_of(std::string text) {
  const std::scoped_lock lock(mutex_);
  hold_allocations_of_ = std::move(text);
  released_.notify_all();
}

int FaultyFileSystem::held_allocations() const {
  const std::scoped_lock lock(mutex_);
  return held_allocations_;
}

void FaultyFileSystem::hold_flushes() {
  const std::scoped_lock lock(mutex_);
  hold_ = true;
}

void FaultyFileSystem::release_flushes() {
  const std::scoped_lock lock(mutex_);
  hold_ = false;
  released_.notify_all();
}

int FaultyFileSystem::held_flushes() const {
  const std::scoped_lock lock(mutex_);
  return held_;
}

std::size_t FaultyFileSystem::take_listed(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  const auto count = std::count_if(listed_.begin(), listed_.end(), [&](const std::string& path) { return matches(path, text); });
  listed_.clear();
  return static_cast<std::size_t>(count);
}

void FaultyFileSystem::set_modified_ms(const std::string& path, std::int64_t time_ms) {
  const std::scoped_lock lock(mutex_);
  find(path)->modified_ms = time_ms;
}

void FaultyFileSystem::damage(const std::string& path, std::size_t position, std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  const auto inode = find(path);
  SKYLARK_ASSERT(inode && position + bytes.size() <= inode->live.size(), "nothing to damage at " + path);
  const std::scoped_lock inode_lock(inode->mutex);
  inode->set(position, bytes);
  inode->make_durable();
}

Result<void> FaultyFileSystem::wait_and_flush(const std::string& path, Inode& inode) {
  std::unique_lock lock(mutex_);
  ++held_;
  released_.wait(lock, [this] { return !hold_; });
  --held_;
  if (matches(path, fail_flushes_of_)) return Errc::io_error;
  const std::scoped_lock inode_lock(inode.mutex);
  inode.make_durable();
  return {};
}

void FaultyFileSystem::touch(const std::string& folder) {
  const auto found = folders_.find(folder);
  if (found != folders_.end()) found->second = clock_.now_ms();
}

void FaultyFileSystem::change_name(const std::string& path, std::shared_ptr<Inode> inode) {
  touch(parent_of(path));
  if (inode)
    live_[path] = inode;
  else
    live_.erase(path);
  pending_.push_back({path, std::move(inode)});
}

std::shared_ptr<FaultyFileSystem::Inode> FaultyFileSystem::find(const std::string& path) const {
  const auto found = live_.find(path);
  return found == live_.end() ? nullptr : found->second;
}

Result<void> FaultyFileSystem::create_folders(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  for (std::string folder = path; !folder.empty(); folder = parent_of(folder)) {
    if (folders_.emplace(folder, clock_.now_ms()).second) touch(parent_of(folder));
  }
  return {};
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!folders_.contains(path)) return Errc::not_found;
  listed_.push_back(path);
  std::set<std::string> names;
  for (const auto& [name, inode] : live_) {
    if (parent_of(name) == path) names.insert(name.substr(path.size() + 1));
  }
  for (const auto& [folder, modified_ms] : folders_) {
    if (folder != path && parent_of(folder) == path) names.insert(folder.substr(path.size() + 1));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

bool FaultyFileSystem::exists(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  return live_.contains(path) || folders_.contains(path);
}

bool FaultyFileSystem::is_folder(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  return folders_.contains(path);
}

Result<std::int64_t> FaultyFileSystem::file_size(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const auto inode = find(path);
  if (!inode) return Errc::not_found;
  return static_cast<std::int64_t>(inode->live.size());
}

Result<std::int64_t> FaultyFileSystem::modified_ms(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (const auto folder = folders_.find(path); folder != folders_.end()) return folder->second;
  const auto inode = find(path);
  if (!inode) return Errc::not_found;
  return inode->modified_ms;
}

Result<void> FaultyFileSystem::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!live_.contains(path)) return Errc::not_found;
  change_name(path, nullptr);
  return {};
}

Result<void> FaultyFileSystem::remove_folder(const std::string& path, bool recursive) {
  const std::scoped_lock lock(mutex_);
  if (!folders_.contains(path)) return Errc::not_found;
  const std::string below = path + "/";
  std::vector<std::string> files;
  for (const auto& [name, inode] : live_) {
    if (name.starts_with(below)) files.push_back(name);
  }
  const bool has_folders =
      std::any_of(folders_.begin(), folders_.end(), [&](const auto& folder) { return folder.first.starts_with(below); });
  if (!recursive && (!files.empty() || has_folders)) return Errc::invalid_argument;
  for (const std::string& name : files) change_name(name, nullptr);
  std::erase_if(folders_, [&](const auto& folder) { return folder.first == path || folder.first.starts_with(below); });
  touch(parent_of(path));
  return {};
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  const auto inode = find(from);
  if (!inode) return Errc::not_found;
  change_name(to, inode);
  change_name(from, nullptr);
  return {};
}

Result<std::string> FaultyFileSystem::read_all(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const auto inode = find(path);
  if (!inode) return Errc::not_found;
  if (matches(path, fail_reads_of_)) return Errc::io_error;
  const std::scoped_lock inode_lock(inode->mutex);
  return std::string(inode->live.begin(), inode->live.end());
}

Result<void> FaultyFileSystem::write_all(const std::string& path, std::string_view content, bool durable) {
  const std::scoped_lock lock(mutex_);
  if (refuses(path)) return Errc::no_space;
  auto inode = find(path);
  if (!inode) {
    inode = std::make_shared<Inode>();
    change_name(path, inode);
  }
  const std::scoped_lock inode_lock(inode->mutex);
  inode->resize(0);
  inode->resize(content.size());
  inode->allocated.assign(inode->allocated.size(), true);
  inode->set(0, content);
  inode->modified_ms = clock_.now_ms();
  if (durable) inode->make_durable();
  return {};
}

Result<std::unique_ptr<MappedFile>> FaultyFileSystem::map(const std::string& path, std::int64_t size_bytes, bool create) {
  const std::scoped_lock lock(mutex_);
  auto inode = find(path);
  if (!inode) {
    if (!create || !folders_.contains(parent_of(path))) return Errc::not_found;
    inode = std::make_shared<Inode>();
    inode->modified_ms = clock_.now_ms();
    change_name(path, inode);
  }
  if (inode->live.empty() && create) inode->resize(static_cast<std::size_t>(size_bytes));
  if (static_cast<std::int64_t>(inode->live.size()) != size_bytes) return Errc::malformed;
  return std::unique_ptr<MappedFile>(std::make_unique<File>(*this, path, std::move(inode)));
}

Result<void> FaultyFileSystem::truncate(const std::string& path, std::int64_t size_bytes) {
  const std::scoped_lock lock(mutex_);
  const auto inode = find(path);
  if (!inode) return Errc::not_found;
  const std::scoped_lock inode_lock(inode->mutex);
  inode->resize(static_cast<std::size_t>(size_bytes));
  return {};
}

Result<void> FaultyFileSystem::sync_folder(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(pending_, [&](const NameChange& change) {
    if (parent_of(change.path) != path) return false;
    if (change.inode)
      durable_[change.path] = change.inode;
    else
      durable_.erase(change.path);
    return true;
  });
  return {};
}

Result<void> FaultyFileSystem::sync_all(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (matches(path, fail_flushes_of_)) return Errc::io_error;
  pending_.clear();
  durable_ = live_;
  for (const auto& [name, inode] : live_) {
    const std::scoped_lock inode_lock(inode->mutex);
    inode->make_durable();
  }
  return {};
}

Result<DiskSpace> FaultyFileSystem::space(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [begin, space] : spaces_) {
    if (path.starts_with(begin)) return space;
  }
  return space_;
}

Result<std::shared_ptr<void>> FaultyFileSystem::lock(const std::string& path, std::string_view content) {
  const std::scoped_lock lock(mutex_);
  std::weak_ptr<void>& held = locks_[path];
  if (!held.expired()) return Errc::already_running;
  if (!find(path)) {
    auto inode = std::make_shared<Inode>();
    inode->resize(content.size());
    inode->set(0, content);
    inode->modified_ms = clock_.now_ms();
    change_name(path, std::move(inode));
  }
  auto taken = std::make_shared<int>(0);
  held = taken;
  return std::shared_ptr<void>(std::move(taken));
}

}  // namespace skylark
