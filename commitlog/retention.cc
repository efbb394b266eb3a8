// SPDX-License-Identifier: Apache-2.0
#include "commitlog/retention.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"

namespace skylark::commitlog {

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

DiskState Retention::look(CommitLog& log) {
  DiskState state{.log_used = 1.0};
  bool has_room = false;
  std::vector<bool> crowded;
  for (std::size_t folder = 0; folder < log.files().writable_folders(); ++folder) {
    const auto space = system_.space(log.files().folders()[folder]);
    const double used = space ? space->used_ratio() : 0.0;
    state.log_used = std::min(state.log_used, used);
    has_room = has_room || !space || space->available_bytes >= log.space_wanted();
    crowded.push_back(used > options_.clean_ratio);
  }
  log.files().set_crowded(std::move(crowded));
  if (!options_.queue_folder.empty()) {
    if (const auto space = system_.space(options_.queue_folder)) state.queues_used = space->used_ratio();
  }
  state.full = state.used() > options_.full_ratio || !has_room;
  if (state.full != std::exchange(was_full_, state.full)) {
    if (state.full)
      log::error("the disk is full, {:.0f} % of that of the commit log, {:.0f} % of that of the consume queues: messages are refused",
                 state.log_used * 100, state.queues_used * 100);
    else
      log::info("the disk has room again: messages are taken");
  }
  return state;
}

std::int32_t Retention::run(CommitLog& log) {
  const bool at_any_hour = manual_rounds_ > 0;
  if (at_any_hour) --manual_rounds_;
  const double used = look(log).used();
  const bool at_once = used > options_.clean_ratio && options_.clean_at_once;
  if (!at_once && !at_any_hour && used <= options_.used_ratio_max && !is_hour()) return 0;

  const std::int64_t old_enough_ms = clock_.now_ms() - std::int64_t{options_.reserved_hours} * 3'600'000;
  std::int32_t removed = 0;
  const auto bases = log.files().bases();
  for (std::size_t i = 0; i + 1 < bases.size() && removed < options_.files_a_round; ++i) {
    const std::string path = log.files().path_of(bases[i]);
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
  if (removed == 0) return 0;
  // A power cut must not bring some of them back: their consume queue units go, and of several folders each would keep its own.
  if (const auto durable = log.sync_folders(); !durable) log::warn("cannot make removals durable: {}", durable.error().message());
  return removed;
}

}  // namespace skylark::commitlog
