// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ostream>

#include <fmt/core.h>

#include "protocol/json.h"
#include "tools/store/commands.h"
#include "tools/store/index_check.h"
#include "tools/store/log_walk.h"
#include "tools/store/queue_check.h"

namespace skylark::tools {
namespace {

std::string file_place(const commitlog::MappedFileQueue& files, std::int64_t offset) {
  const std::int64_t base = offset - offset % files.file_size();
  return fmt::format("commitlog/{} at {}", commitlog::mapped_file_name(base), offset - base);
}

void print_text(std::ostream& out, const char* kind, const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    out << kind << finding.place;
    if (finding.offset >= 0) out << " (log offset " << finding.offset << ")";
    out << ": " << finding.what << '\n';
  }
}

json::Value to_json(const std::vector<Finding>& findings) {
  json::Array list;
  for (const Finding& finding : findings) {
    json::Value item;
    item.set("place", finding.place);
    if (finding.offset >= 0) item.set("logOffset", finding.offset);
    item.set("what", finding.what);
    list.push_back(std::move(item));
  }
  return list;
}

Result<void> load_queues(consumequeue::QueueTable& queues) {
  const auto loaded = queues.load();
  if (!loaded) return loaded;
  for (const auto& named : queues.all()) {
    if (named.queue->kind() == consumequeue::ConsumeQueue::Kind::simple) continue;
    const auto recovered = named.queue->recover(false);
    if (!recovered) return recovered;
  }
  return {};
}

}  // namespace

Result<int> verify(const StoreOptions& options, FileSystem& disk, Format format, std::ostream& out) {
  Findings findings;
  LogWalk walk;
  std::int64_t entries = 0;
  const bool unclean = disk.exists(options.abort_path());
  const auto files = load_log(options, disk, findings);
  if (!files) return files.error();
  if (*files) {
    const std::int64_t begin = std::max<std::int64_t>((*files)->begin(), 0);
    const auto configured = configured_topics(options, disk);
    consumequeue::QueueTable queues(disk, options.queues_path(), options.queue_file_size,
                                    batch_queues(options, options.batch_queues_path(), configured));
    bool queues_loaded = true;
    if (disk.is_folder(options.queues_path())) {
      const auto loaded = load_queues(queues);
      queues_loaded = loaded.has_value();
      if (!loaded) findings.add_damage("consumequeue", -1, "cannot be loaded: " + loaded.error().message());
    }
    QueueCheck queue_check(queues, configured, begin, unclean, findings);
    IndexCheck index_check(begin, unclean, findings);
    const auto opened = index_check.open(options, disk);
    if (!opened) return opened.error();
    auto walked = walk_log(**files, begin, [&](const MessageView& record, bool) -> Result<void> {
      if (queues_loaded) queue_check.see(record);
      index_check.see(record);
      return {};
    });
    if (!walked) return walked.error();
    walk = std::move(*walked);
    for (const LogDamage& damage : walk.damage) {
      findings.add_damage(file_place(**files, damage.begin), damage.begin,
                          fmt::format("{} bytes up to {}: {}", damage.end - damage.begin, damage.end, damage.what));
    }
    if (queues_loaded) queue_check.finish();
    index_check.finish();
    entries = index_check.entry_count();
  }

  if (format == Format::json) {
    json::Value log;
    log.set("begin", walk.begin);
    log.set("end", walk.end);
    log.set("records", walk.record_count);
    json::Value answer;
    answer.set("store", options.root);
    answer.set("cleanStop", !unclean);
    answer.set("commitLog", std::move(log));
    answer.set("indexEntries", entries);
    answer.set("damageCount", findings.damage_count);
    answer.set("damage", to_json(findings.damage));
    answer.set("notes", to_json(findings.notes));
    out << json::write(answer, json::IntegerKeys::quoted) << '\n';
  } else {
    out << "commit log " << walk.begin << " to " << walk.end << ", " << walk.record_count << " records, " << entries << " index entries"
        << (unclean ? "; not stopped cleanly, or running" : "") << '\n';
    print_text(out, "damage: ", findings.damage);
    if (const auto more = findings.damage_count - static_cast<std::int64_t>(findings.damage.size()); more > 0)
      out << "damage: " << more << " more\n";
    print_text(out, "note: ", findings.notes);
    out << (findings.damage_count == 0 ? "no damage" : fmt::format("{} damaged", findings.damage_count)) << '\n';
  }
  return findings.damage_count == 0 ? kSound : kDamaged;
}

}  // namespace skylark::tools
