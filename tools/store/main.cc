// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include "base/command_line.h"
#include "base/error.h"
#include "base/program.h"
#include "tools/store/commands.h"
#include "tools/store/read_only_disk.h"

namespace {

using namespace skylark;

constexpr const char* kProgram = "mqstore";

struct Flags {
  tools::StoreOptions store;
  std::string root;
  std::string config;
  std::int32_t slots = 0;
  std::int32_t entries = 0;
  bool read_only = false;
  tools::Format format = tools::Format::text;
  tools::DumpOptions dump;
  tools::TruncateOptions truncate;
};

void add_common(CLI::App& command, Flags& flags, bool may_read_only) {
  command.add_option("store", flags.root, "the store's folder, storePathRootDir");
  command.add_option("-c,--configFile", flags.config, "broker.conf to take paths and sizes from");
  command.add_option("--index-slots", flags.slots, "slots of an index file, maxHashSlotNum")->check(CLI::PositiveNumber);
  command.add_option("--index-entries", flags.entries, "entries of an index file, maxIndexNum")->check(CLI::PositiveNumber);
  const std::map<std::string, tools::Format> formats{{"text", tools::Format::text}, {"json", tools::Format::json}};
  command.add_option("-o,--output", flags.format, "text or json")->transform(CLI::CheckedTransformer(formats));
  if (may_read_only) command.add_flag("--read-only", flags.read_only, "do not lock: look at the store of a running broker");
}

int run(const CLI::App& app, Flags& flags) {
  const auto disk = make_disk_file_system();
  if (!flags.config.empty()) {
    const std::string reason = tools::read_broker_config(*disk, flags.config, flags.store);
    if (!reason.empty()) return refuse_to_start(kProgram, reason);
  }
  if (!flags.root.empty()) flags.store.root = flags.root;
  if (flags.slots > 0) flags.store.geometry.slots = flags.slots;
  if (flags.entries > 0) flags.store.geometry.entries = flags.entries;
  if (flags.store.root.empty()) return refuse_to_start(kProgram, "name the store's folder, or a broker.conf that does");
  const auto folders = flags.store.log_folders();
  if (folders.writable.empty()) return refuse_to_start(kProgram, "no folder of the commit log is left to write to");
  for (const auto* named : {&folders.writable, &folders.read_only}) {
    for (const std::string& folder : *named) {
      if (!disk->is_folder(folder)) return refuse_to_start(kProgram, folder + " is no folder: no store there");
    }
  }

  std::shared_ptr<void> lock;
  if (!flags.read_only) {
    auto locked = disk->lock(flags.store.root + "/lock", "lock");
    if (!locked && locked.error() == Errc::already_running)
      return refuse_to_start(kProgram, flags.store.root + " is in use by a running broker; verify, dump and stat take --read-only");
    if (!locked) return refuse_to_start(kProgram, "cannot lock " + flags.store.root + ": " + locked.error().message());
    lock = std::move(*locked);
  }

  SystemClock clock;
  const auto reader = tools::make_read_only_disk(*disk);
  Result<int> done = tools::kSound;
  if (app.got_subcommand("verify")) done = tools::verify(flags.store, *reader, flags.format, std::cout);
  if (app.got_subcommand("dump")) done = tools::dump(flags.store, flags.dump, *reader, flags.format, std::cout);
  if (app.got_subcommand("stat")) done = tools::stat(flags.store, *reader, flags.format, std::cout);
  if (app.got_subcommand("rebuild")) done = tools::rebuild(flags.store, *disk, clock, flags.format, std::cout);
  if (app.got_subcommand("truncate")) {
    FileSystem& used = flags.truncate.dry_run ? *reader : *disk;
    done = tools::truncate(flags.store, flags.truncate, used, clock, flags.format, std::cout);
    if (!done && done.error() == Errc::invalid_argument)
      return refuse_to_start(kProgram, "the log can only be cut where a record begins, or at its end");
  }
  std::cout.flush();
  if (done) return *done;
  std::cerr << kProgram << ": " << done.error().message() << '\n';
  return tools::kDamaged;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Looks at a stopped message store and mends it.", kProgram);
  app.require_subcommand(1);
  add_common(*app.add_subcommand("verify", "check log, queues and index; exit code 1 when anything is damaged"), flags, true);
  auto& dump = *app.add_subcommand("dump", "print records");
  add_common(dump, flags, true);
  dump.add_option("--offset", flags.dump.offset, "physical offset of the first record")->check(CLI::NonNegativeNumber);
  dump.add_option("-t,--topic", flags.dump.topic, "records of this topic");
  dump.add_option("-i,--queueId", flags.dump.queue_id, "records of this queue")->check(CLI::NonNegativeNumber);
  dump.add_option("--count", flags.dump.count_max, "at most so many")->check(CLI::PositiveNumber);
  const std::map<std::string, tools::BodyAs> bodies{
      {"text", tools::BodyAs::text}, {"hex", tools::BodyAs::hex}, {"none", tools::BodyAs::none}};
  dump.add_option("--body", flags.dump.body, "text, hex or none")->transform(CLI::CheckedTransformer(bodies));
  add_common(*app.add_subcommand("stat", "files, ranges, queues, index, checkpoint"), flags, true);
  add_common(*app.add_subcommand("rebuild", "make consume queues and key index anew from the log"), flags, false);
  auto& truncate = *app.add_subcommand("truncate", "cut the end of the log off, with what the indexes say about it");
  add_common(truncate, flags, false);
  truncate.add_option("--at", flags.truncate.at, "physical offset where the log shall end")->check(CLI::NonNegativeNumber);
  truncate.add_flag("--dry-run", flags.truncate.dry_run, "only say what would go; without --at: what the next start would cut");
  if (const auto ended = parse_command_line(app, kProgram, argc, argv)) return *ended;
  if (truncate.parsed() && flags.truncate.at < 0 && !flags.truncate.dry_run)
    return refuse_to_start(kProgram, "truncate wants --at OFFSET or --dry-run");
  return run(app, flags);
}
