// SPDX-License-Identifier: Apache-2.0
#include "commitlog/retention.h"

#include <charconv>
#include <ctime>
#include <string_view>

#include "base/log.h"

namespace skylark::commitlog {
namespace {
constexpr std::int32_t kFilesPerRound = 10;  // deleteFileBatchMax.
}  // namespace

bool Retention::is_hour() const {
  const std::time_t now = clock_.now_ms() / 1000;
  std::tm local{};
  ::localtime_r(&now, &local);
  std::string_view rest = options_.delete_when;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    int hour = -1;
    std::from_chars(rest.data(), rest.data() + end, hour);
    if (hour == local.tm_hour) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::int32_t Retention::run(CommitLog& log, bool at_any_hour) {
  double used = 0;
  if (const auto space = system_.space(log.files().folder())) used = space->used_ratio();
  const bool was_full = disk_full_;
  disk_full_ = used > options_.full_ratio;
  if (disk_full_ != was_full) {
    if (disk_full_)
      log::error("the disk of the commit log is {:.0f} % full: messages are refused", used * 100);
    else
      log::info("the disk of the commit log has room again");
  }
  const bool at_once = used > options_.clean_ratio;
  if (!at_once && !at_any_hour && used <= options_.used_ratio_max && !is_hour()) return 0;

  const std::int64_t old_enough_ms = clock_.now_ms() - std::int64_t{options_.reserved_hours} * 3'600'000;
  std::int32_t removed = 0;
  const auto bases = log.files().bases();
  for (std::size_t i = 0; i + 1 < bases.size() && removed < kFilesPerRound; ++i) {
    const std::string path = log.files().folder() + "/" + mapped_file_name(bases[i]);
    const auto changed_ms = system_.modified_ms(path);
    if (!changed_ms || (!at_once && *changed_ms > old_enough_ms)) break;
    const auto gone = log.remove_first_file();
    if (!gone) {
      log::warn("cannot remove {}: {}", path, gone.error().message());
      break;
    }
    log::info("removed {}", path);
    ++removed;
  }
  return removed;
}

}  // namespace skylark::commitlog
