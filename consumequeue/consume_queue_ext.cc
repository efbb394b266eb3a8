// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/consume_queue_ext.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/error.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kHeadSize = 20;     // Size 2, tags code 8, store time 8, size of the bit map 2: MIN_EXT_UNIT_SIZE.
constexpr std::int64_t kSizeMax = 32'767;  // A signed short holds it.
constexpr std::int64_t kEndSize = 4;       // Kept free at the end of a file: END_BLANK_DATA_LENGTH.
constexpr std::int16_t kEndMark = -1;      // Instead of a size: the rest of the file is empty.
constexpr std::int64_t kAllocateStep = 64 << 10;
constexpr std::int64_t kAddressBase = std::numeric_limits<std::int64_t>::min();

}  // namespace

ConsumeQueueExt::ConsumeQueueExt(FileSystem& system, std::string folder, std::int64_t file_size)
    : system_(system), files_(system, std::move(folder), file_size) {}

Result<void> ConsumeQueueExt::load() const {
  if (loaded_) return {};
  const auto loaded = files_.load();
  loaded_ = loaded.has_value();
  return loaded;
}

Result<void> ConsumeQueueExt::open_behind(std::optional<std::int64_t> last_address) {
  const auto loaded = load();
  if (!loaded) return loaded;
  end_ = files_.empty() ? 0 : files_.begin();
  if (last_address) {
    const auto last = read(*last_address);
    // One that cannot be read was lost with the page cache: the next file is surely free.
    end_ = last ? *last_address - kAddressBase + kHeadSize + static_cast<std::int64_t>(last->bit_map.size()) : files_.end();
  }
  const auto removed = files_.remove_from(std::max<std::int64_t>(end_, 1));
  if (!removed) return removed;
  if (end_ < files_.end()) {
    const auto file = files_.find(end_);
    if (!file) return file.error();
    const auto cleared = file->mapped->clear_from(end_ - file->base);
    if (!cleared) return cleared;
  }
  allocated_ = end_;
  open_ = true;
  return {};
}

Result<std::int64_t> ConsumeQueueExt::append(std::int64_t tags_code, std::int64_t store_timestamp, std::string_view bit_map) {
  const std::int64_t size = kHeadSize + static_cast<std::int64_t>(bit_map.size());
  if (size > kSizeMax || size + kEndSize > files_.file_size()) return Errc::too_large;
  const auto room = make_room(size);
  if (!room) return room.error();
  std::string bytes(static_cast<std::size_t>(kHeadSize), '\0');
  store_be(bytes.data(), static_cast<std::int16_t>(size));
  store_be(bytes.data() + 2, tags_code);
  store_be(bytes.data() + 10, store_timestamp);
  store_be(bytes.data() + 18, static_cast<std::int16_t>(bit_map.size()));
  bytes += bit_map;
  const auto file = files_.find(end_);
  if (!file) return file.error();
  file->mapped->write(end_ - file->base, bytes);
  if (dirty_from_ < 0) dirty_from_ = end_;
  const std::int64_t address = end_ + kAddressBase;
  end_ += size;
  return address;
}

/// As Java: what does not fit before the last bytes of a file goes to the next one, and a mark says so.
Result<void> ConsumeQueueExt::make_room(std::int64_t size) {
  if (end_ < files_.end()) {
    const std::int64_t left = files_.file_size() - end_ % files_.file_size();
    if (size + kEndSize <= left) return allocate(size);
    if (left >= static_cast<std::int64_t>(sizeof kEndMark)) {
      const auto allocated = allocate(sizeof kEndMark);
      if (!allocated) return allocated;
      const auto file = files_.find(end_);
      if (!file) return file.error();
      std::string mark(sizeof kEndMark, '\0');
      store_be(mark.data(), kEndMark);
      file->mapped->write(end_ - file->base, mark);
    }
    end_ += left;
  }
  auto made = files_.create(end_);
  if (!made) return made.error();
  allocated_ = end_;
  const auto first = (*made)->allocate(0, std::min(kAllocateStep, files_.file_size()));
  if (!first) {
    const std::string path = (*made)->path();
    made->reset();
    (void)system_.remove(path);  // The next attempt makes it again.
    return first;
  }
  files_.add(end_, std::move(*made));
  return allocate(size);
}

Result<void> ConsumeQueueExt::allocate(std::int64_t size) {
  if (end_ + size <= allocated_) return {};
  const auto file = files_.find(end_);
  if (!file) return file.error();
  const std::int64_t until = std::min(file->end(), end_ + std::max(size, kAllocateStep));
  const auto more = file->mapped->allocate(end_ - file->base, until - end_);
  if (more) allocated_ = until;
  return more;
}

std::optional<QueueExtension> ConsumeQueueExt::read(std::int64_t address) const {
  if (!is_address(address) || !load()) return std::nullopt;
  const std::int64_t offset = address - kAddressBase;
  const auto file = files_.find(offset);
  if (!file || offset + kHeadSize > file->end()) return std::nullopt;
  const std::string_view head = file->mapped->view(offset - file->base, kHeadSize);
  const auto size = load_be<std::int16_t>(head.data());
  const auto map_size = load_be<std::int16_t>(head.data() + 18);
  if (map_size < 0 || size != kHeadSize + map_size || offset + size > file->end()) return std::nullopt;
  return QueueExtension{load_be<std::int64_t>(head.data() + 2), load_be<std::int64_t>(head.data() + 10),
                        std::string(file->mapped->view(offset - file->base + kHeadSize, map_size))};
}

bool ConsumeQueueExt::is_of(std::int64_t address, std::int64_t tags_code, std::int64_t store_timestamp) const {
  const auto found = read(address);
  return found && found->tags_code == tags_code && found->store_timestamp == store_timestamp;
}

std::optional<std::int64_t> ConsumeQueueExt::address_behind(std::optional<std::int64_t> address, std::int64_t tags_code,
                                                            std::int64_t store_timestamp) const {
  if (!load()) return std::nullopt;
  std::int64_t at = std::max<std::int64_t>(files_.begin(), 0);
  if (address) {
    const auto before = read(*address);
    if (!before) return std::nullopt;
    at = *address - kAddressBase + kHeadSize + static_cast<std::int64_t>(before->bit_map.size());
  }
  const std::int64_t next_file = (at + files_.file_size() - 1) / files_.file_size() * files_.file_size();
  for (const std::int64_t offset : {at, next_file}) {  // What did not fit behind the last one of a file begins the next file.
    if (is_of(offset + kAddressBase, tags_code, store_timestamp)) return offset + kAddressBase;
  }
  return std::nullopt;
}

void ConsumeQueueExt::expire(std::int64_t first_address) {
  if (!is_address(first_address) || !load()) return;
  const std::int64_t offset = first_address - kAddressBase;
  for (auto bases = files_.bases(); bases.size() > 1 && bases[0] + files_.file_size() <= offset; bases = files_.bases()) {
    if (!files_.remove_first()) return;
  }
}

void ConsumeQueueExt::take_dirty(std::vector<std::shared_ptr<MappedFile>>& files) {
  if (dirty_from_ < 0) return;
  for (std::int64_t at = std::max(dirty_from_, std::max<std::int64_t>(files_.begin(), 0)); at < std::min(end_, files_.end());) {
    const auto file = files_.find(at);
    if (!file) break;
    files.push_back(file->mapped);
    at = file->end();
  }
  dirty_from_ = -1;
}

Result<void> ConsumeQueueExt::destroy() {
  open_ = false;
  dirty_from_ = -1;
  const auto loaded = load();
  if (!loaded) return loaded;
  const auto removed = files_.remove_from(0);
  if (!removed) return removed;
  const auto gone = system_.remove_folder(files_.folder(), true);
  if (!gone && gone.error() != Errc::not_found) return gone;
  return {};
}

}  // namespace skylark::consumequeue
