// SPDX-License-Identifier: Apache-2.0
#include "tools/store/index_check.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/error.h"

namespace skylark::tools {
namespace {

using consumequeue::KeyIndexFile;

/// Hashes under which a record must be found: that of its unique key and those of the words of KEYS.
std::vector<std::int32_t> wanted_hashes(const MessageView& record) {
  std::vector<std::int32_t> hashes;
  if (const auto unique = record.property(property::kUniqueKey)) hashes.push_back(consumequeue::index_key_hash(record.topic, *unique));
  std::string_view keys = record.property(property::kKeys).value_or("");
  while (!keys.empty()) {
    const std::size_t space = std::min(keys.find(' '), keys.size());
    if (space > 0) hashes.push_back(consumequeue::index_key_hash(record.topic, keys.substr(0, space)));
    keys.remove_prefix(std::min(space + 1, keys.size()));
  }
  return hashes;
}

}  // namespace

Result<void> IndexCheck::open(const StoreOptions& options, FileSystem& disk) {
  const auto paths = index_files(options, disk);
  if (!paths) return paths.error();
  for (const std::string& path : *paths) {
    any_file_ = true;
    const std::string place = "index/" + path.substr(path.rfind('/') + 1);
    const auto size = disk.file_size(path);
    if (!size) return size.error();
    if (*size != options.geometry.file_size()) {
      findings_.add_damage(place, -1,
                           fmt::format("{} bytes, not the {} of {} slots and {} entries (see --index-slots, --index-entries)", *size,
                                       options.geometry.file_size(), options.geometry.slots, options.geometry.entries));
      continue;
    }
    auto mapped = disk.map(path, *size, false);
    if (!mapped) return mapped.error();
    File file{place, std::make_unique<KeyIndexFile>(std::move(*mapped), options.geometry)};
    entry_count_ += file.file->header().next_entry - 1;
    check_chains(file, options.geometry);
    files_.push_back(std::move(file));
  }
  return {};
}

void IndexCheck::check_chains(const File& file, const consumequeue::IndexGeometry& geometry) {
  const KeyIndexFile& index = *file.file;
  const auto& header = index.header();
  std::vector<std::int32_t> newest(static_cast<std::size_t>(geometry.slots), 0);
  std::int64_t broken = 0;
  std::int32_t broken_first = 0;
  for (std::int32_t number = 1; number < header.next_entry; ++number) {
    const auto entry = index.entry(number);
    auto& slot = newest[static_cast<std::size_t>(std::max(entry.key_hash, 0) % geometry.slots)];
    if ((entry.previous != slot || entry.key_hash < 0) && broken++ == 0) broken_first = number;
    slot = number;
  }
  if (broken > 0)
    findings_.add_damage(file.place, -1, fmt::format("{} entries are chained wrongly, the first is {}", broken, broken_first));
  std::int64_t lost = 0;
  std::int32_t lost_first = 0;
  for (std::int32_t slot = 0; slot < geometry.slots; ++slot) {
    const std::int32_t stands = index.newest_of_slot(slot);
    const std::int32_t wanted = newest[static_cast<std::size_t>(slot)];
    if (stands == wanted || (wanted == 0 && stands < 0)) continue;
    if (unclean_ && stands >= header.next_entry) continue;  // Killed between an entry and the header that counts it.
    if (lost++ == 0) lost_first = slot;
  }
  if (lost > 0)
    findings_.add_damage(file.place, -1, fmt::format("{} slots do not lead to their newest entry, the first is {}", lost, lost_first));
  if (index.empty()) return;
  const std::int64_t first = index.entry(1).physical_offset;
  const std::int64_t last = index.entry(header.next_entry - 1).physical_offset;
  if (header.begin_offset != first || header.end_offset != last) {
    findings_.add_damage(
        file.place, -1,
        fmt::format("the header says records {} to {}, the entries {} to {}", header.begin_offset, header.end_offset, first, last));
  }
}

bool IndexCheck::current(KeyIndexFile::Entry& entry) {
  while (file_ < files_.size() && number_ >= files_[file_].file->header().next_entry) {
    ++file_;
    number_ = 1;
  }
  if (file_ >= files_.size()) return false;
  entry = files_[file_].file->entry(number_);
  return true;
}

void IndexCheck::stray(const KeyIndexFile::Entry& entry) {
  if (entry.physical_offset >= log_begin_) {
    findings_.add_damage(files_[file_].place, entry.physical_offset,
                         fmt::format("entry {} (hash {}) points at no record with such a key", number_, entry.key_hash));
  }
  ++number_;
}

void IndexCheck::see(const MessageView& record) {
  if (!any_file_ || (record.sys_flag & sys_flag::kTransactionMask) == sys_flag::kTransactionRollback) return;
  std::vector<std::int32_t> wanted = wanted_hashes(record);
  if (wanted.empty()) return;
  std::vector<std::int32_t> lacking = wanted;
  KeyIndexFile::Entry entry;
  while (current(entry) && entry.physical_offset < record.physical_offset) stray(entry);
  while (current(entry) && entry.physical_offset == record.physical_offset) {
    if (std::find(wanted.begin(), wanted.end(), entry.key_hash) == wanted.end()) {
      stray(entry);
      continue;
    }
    const auto found = std::find(lacking.begin(), lacking.end(), entry.key_hash);
    if (found != lacking.end()) lacking.erase(found);  // A second time is no harm: recovery may enter a record again.
    found_last_ = record.physical_offset;
    ++number_;
  }
  if (lacking.empty()) return;
  if (missing_ == 0) missing_first_ = record.physical_offset;
  missing_ += static_cast<std::int64_t>(lacking.size());
}

void IndexCheck::finish() {
  if (!any_file_) {
    findings_.add_note("index", -1, "there is no key index");
    return;
  }
  KeyIndexFile::Entry entry;
  while (current(entry)) stray(entry);
  if (missing_ == 0) return;
  const std::string what = fmt::format("{} keys of records are missing, the first of this record", missing_);
  if (unclean_ && found_last_ < missing_first_)
    findings_.add_note("index", missing_first_, what + "; the next start adds them");
  else
    findings_.add_damage("index", missing_first_, what);
}

}  // namespace skylark::tools
