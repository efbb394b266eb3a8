// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "consumequeue/queue_table.h"

namespace skylark::consumequeue {
namespace {

// With more queues than that a start does not look into their files: a page of each, read from disk, would take seconds.
constexpr std::size_t kLookedIntoMax = 4096;

std::optional<std::int32_t> parse_queue_id(const std::string& name) {
  std::int32_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size() || id < 0) return std::nullopt;
  return id;
}

std::size_t queue_count(const StoreEnds* ends) {
  std::size_t count = 0;
  if (ends != nullptr) {
    for (const TopicEnds& topic : ends->topics) count += topic.queues.size();
  }
  return count;
}

/// What the ends say of a batch queue; null when they do not know it.
template <class Named>
const QueueState* known_batch(const StoreEnds* ends, const Named& named) {
  if (ends == nullptr) return nullptr;
  for (const TopicEnds& topic : ends->topics) {
    if (!topic.batch || topic.topic != named.topic) continue;
    for (const TopicEnds::Queue& queue : topic.queues) {
      if (queue.queue_id == named.queue_id) return &queue.state;
    }
  }
  return nullptr;
}

template <class Found, class QueuePtr>
bool is_lost(const Found& found, const QueuePtr& queue) {
  return std::any_of(found.lost.begin(), found.lost.end(), [&](const auto& doubt) { return doubt.named.queue == queue; });
}

template <class Topics, class Named>
bool is_in(const Topics& topics, const Named& named) {
  const auto topic = topics.find(named.topic);
  if (topic == topics.end()) return false;
  const auto queue = topic->second.find(named.queue_id);
  return queue != topic->second.end() && queue->second == named.queue;
}

}  // namespace

/// What `load` has seen so far.
struct QueueTable::Loading {
  std::int64_t unchanged_before_ms = 0;  ///< Folders that changed earlier are as the ends say.
  bool look_into = false;
  bool front_stays = false;
  Found found;
  Topics topics;
  std::vector<Named> with_files;                     ///< Read from their folders, with at least one file.
  std::map<std::int64_t, std::int64_t> files_sizes;  ///< How many of those have files of that size.
};

Result<QueueTable::Found> QueueTable::load(const StoreEnds* ends, std::int64_t log_begin) {
  const auto made = system_.create_folders(folder_);
  if (!made) return made.error();
  Loading loading;
  loading.unchanged_before_ms = ends != nullptr ? ends->taken_ms : 0;
  loading.front_stays = ends != nullptr && ends->log_begin == log_begin;
  loading.look_into = queue_count(ends) <= kLookedIntoMax;
  const auto loaded = load_simple(ends, loading);
  if (!loaded) return loaded.error();
  auto batch = load_batch(ends, loading);
  if (!batch) return batch.error();
  add_lost_batch(ends, *batch, loading);
  const auto fitting = check_kinds(loading.topics, *batch);
  if (!fitting) return fitting.error();
  const auto merged = merge(loading.topics, std::move(*batch));
  if (!merged) return merged.error();

  Found found = std::move(loading.found);
  const auto gone = [&](const Doubt& doubt) { return !is_in(loading.topics, doubt.named); };  // It has become a batch queue.
  std::erase_if(found.unknown, gone);
  std::erase_if(found.lost, gone);
  for (const auto& [topic, queues] : loading.topics) {
    for (const auto& [id, queue] : queues) {
      if (queue->kind() != ConsumeQueue::Kind::batch || !queue->has_files()) continue;
      Named named{topic, id, queue};
      const QueueState* const known = known_batch(ends, named);
      found.unknown.push_back({.named = std::move(named), .max_offset = known != nullptr ? known->max_offset : 0});
      if (known != nullptr) found.unknown.back().known = *known;
    }
  }
  const std::unique_lock lock(mutex_);
  queues_.clear();
  ids_.clear();
  for (const auto& [topic, queues] : loading.topics) {
    for (const auto& [id, queue] : queues) place(topic, id, queue);
  }
  return found;
}

Result<void> QueueTable::load_simple(const StoreEnds* ends, Loading& loading) {
  std::set<std::string_view> known;
  if (ends != nullptr) {
    if (ends->queue_file_size > 0) file_size_ = ends->queue_file_size;
    for (const TopicEnds& topic : ends->topics) {
      if (topic.batch || topic.queues.empty()) continue;
      known.insert(topic.topic);
      const auto loaded = load_known(topic, loading);
      if (!loaded) return loaded;
    }
  }
  const auto changed_ms = system_.modified_ms(folder_);
  if (!changed_ms) return changed_ms.error();
  if (*changed_ms >= loading.unchanged_before_ms) {
    const auto topics = system_.list(folder_);
    if (!topics) return topics.error();
    for (const std::string& topic : *topics) {
      if (known.contains(topic)) continue;
      const auto loaded = load_folder(topic, nullptr, loading);
      if (!loaded) return loaded;
    }
  }
  settle_file_size(loading);
  return {};
}

/// Reads all batch queues: there are few.
Result<QueueTable::Topics> QueueTable::load_batch(const StoreEnds* ends, Loading& loading) {
  Topics loaded;
  if (!system_.is_folder(batch_.folder)) return loaded;
  const auto topics = system_.list(batch_.folder);
  if (!topics) return topics.error();
  std::vector<Doubt> lost;
  for (const std::string& topic : *topics) {
    const std::string folder = batch_.folder + "/" + topic;
    if (!system_.is_folder(folder)) continue;
    const auto ids = system_.list(folder);
    if (!ids) return ids.error();
    for (const std::string& name : *ids) {
      const auto id = parse_queue_id(name);
      if (!id || !system_.is_folder(folder + "/" + name)) continue;
      const Named named{topic, *id, make(ConsumeQueue::Kind::batch, topic, *id)};
      loaded[topic][*id] = named.queue;
      auto reason = load_batch_files(named, known_batch(ends, named), loading);
      if (!reason) return reason.error();
      if (!reason->empty()) lost.push_back({.named = named, .reason = std::move(*reason)});
    }
  }
  settle_batch_size(loaded, lost);
  for (Doubt& doubt : lost) {  // Whatever was read of it is worth nothing.
    const QueueState* const known = known_batch(ends, doubt.named);
    doubt.max_offset = known != nullptr ? known->max_offset : 0;
    doubt.named.queue = make(ConsumeQueue::Kind::batch, doubt.named.topic, doubt.named.queue_id);
    loaded[doubt.named.topic][doubt.named.queue_id] = doubt.named.queue;
    loading.found.lost.push_back(std::move(doubt));
  }
  return loaded;
}

/// Why the queue has to be made again; empty when its files can be used.
Result<std::string> QueueTable::load_batch_files(const Named& named, const QueueState* known, const Loading& loading) {
  const auto loaded = named.queue->load();
  if (!loaded && loaded.error() != Errc::malformed) return loaded.error();
  if (!loaded) return std::string("its files differ in length");
  const QueueState state = named.queue->state();
  const bool front_gone = loading.front_stays && known != nullptr && known->units > known->min_unit && state.file_count > 0 &&
                          state.first_base > known->min_unit * named.queue->unit_size();
  return std::string(state.file_count < 0 || front_gone ? "a file is missing" : "");
}

/// As for simple queues: the configured size counts, or when no queue has it the most common one, and others are lost.
void QueueTable::settle_batch_size(const Topics& batch, std::vector<Doubt>& lost) {
  std::vector<Named> with_files;
  std::map<std::int64_t, std::int64_t> files_sizes;
  for (const auto& [topic, queues] : batch) {
    for (const auto& [id, queue] : queues) {
      const auto is_it = [&, &used = queue](const Doubt& doubt) { return doubt.named.queue == used; };
      if (!queue->has_files() || std::any_of(lost.begin(), lost.end(), is_it)) continue;
      with_files.push_back({topic, id, queue});
      ++files_sizes[queue->file_size()];
    }
  }
  if (!files_sizes.empty() && !files_sizes.contains(batch_.file_size)) {  // New queues follow: Java opens no store with two sizes.
    const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
    const std::int64_t theirs = std::max_element(files_sizes.begin(), files_sizes.end(), more)->first;
    log::warn("files in {} have {} bytes, not the configured {}: theirs counts", batch_.folder, theirs, batch_.file_size);
    batch_.file_size = theirs;
  }
  for (Named& named : with_files) {
    if (named.queue->file_size() == batch_.file_size) continue;
    std::string reason = fmt::format("its files have {} bytes, those of the store {}", named.queue->file_size(), batch_.file_size);
    lost.push_back({.named = std::move(named), .reason = std::move(reason)});
  }
}

/// Batch queues that were there and have no file any more.
void QueueTable::add_lost_batch(const StoreEnds* ends, Topics& batch, Loading& loading) const {
  if (ends == nullptr) return;
  for (const TopicEnds& topic : ends->topics) {
    for (const TopicEnds::Queue& known : topic.queues) {
      if (!topic.batch || known.state.units == 0) continue;
      QueuePtr& queue = batch[topic.topic][known.queue_id];
      if (queue && (queue->has_files() || is_lost(loading.found, queue))) continue;
      queue = make(ConsumeQueue::Kind::batch, topic.topic, known.queue_id);
      loading.found.lost.push_back(
          {.named = {topic.topic, known.queue_id, queue}, .max_offset = known.state.max_offset, .reason = "its files are gone"});
    }
  }
}

/// Refuses a topic whose attribute contradicts the folder of its queues.
Result<void> QueueTable::check_kinds(const Topics& simple, const Topics& batch) const {
  for (const auto& [topics, is_batch] : {std::pair(&simple, false), std::pair(&batch, true)}) {
    for (const auto& [topic, queues] : *topics) {
      const auto listed = batch_.listed ? batch_.listed(topic) : std::nullopt;
      if (batch_.known_late || !listed || *listed == is_batch) continue;
      log::error("the queue.type of topic {} is {}, but its queues lie in {}: correct the attribute, or let mqstore rebuild the queues",
                 topic, *listed ? "BatchCQ" : "SimpleCQ", is_batch ? batch_.folder : folder_);
      return Errc::malformed;
    }
  }
  return {};
}

/// Queues whose folders have not changed are taken as they were; the others are read.
Result<void> QueueTable::load_known(const TopicEnds& topic, Loading& loading) {
  const std::string folder = folder_ + "/" + topic.topic;
  const auto changed_ms = system_.modified_ms(folder);
  if (!changed_ms && changed_ms.error() != Errc::not_found) return changed_ms.error();
  if (!changed_ms && system_.is_folder(batch_.folder + "/" + topic.topic)) return {};  // It has got batch queues since.
  if (changed_ms && *changed_ms >= loading.unchanged_before_ms) {
    const auto loaded = load_folder(topic.topic, &topic, loading);
    if (!loaded) return loaded;
  }
  Queues& queues = loading.topics[topic.topic];
  for (const TopicEnds::Queue& known : topic.queues) {
    const Named named{topic.topic, known.queue_id, make(ConsumeQueue::Kind::simple, topic.topic, known.queue_id)};
    queues[known.queue_id] = named.queue;
    const auto queue_changed_ms = system_.modified_ms(fmt::format("{}/{}", folder, known.queue_id));
    if (!queue_changed_ms) {
      if (queue_changed_ms.error() != Errc::not_found) return queue_changed_ms.error();
      if (known.state.max_offset > 0)
        loading.found.lost.push_back({.named = named, .max_offset = known.state.max_offset, .reason = "its folder is gone"});
      continue;
    }
    if (*queue_changed_ms >= loading.unchanged_before_ms || !named.queue->assume(known.state)) {
      const auto loaded = load_files(named, &known.state, loading);
      if (!loaded) return loaded;
    } else if (loading.look_into && !named.queue->ends_as_assumed()) {
      loading.found.lost.push_back({.named = named, .max_offset = known.state.max_offset, .reason = "its last file is not as it was"});
    }
  }
  return {};
}

/// Reads the queues below a topic's folder that are not among the known ones. Entries that are no numbers are left alone.
Result<void> QueueTable::load_folder(const std::string& topic, const TopicEnds* known, Loading& loading) {
  const std::string folder = folder_ + "/" + topic;
  if (!system_.is_folder(folder)) {
    log::warn("{} is no folder of a topic and is left alone", folder);
    return {};
  }
  const auto ids = system_.list(folder);
  if (!ids) return ids.error();
  for (const std::string& name : *ids) {
    const auto id = parse_queue_id(name);
    if (!id || !system_.is_folder(folder + "/" + name)) {
      log::warn("{}/{} is no folder of a queue and is left alone", folder, name);
      continue;
    }
    const auto is_it = [&](const TopicEnds::Queue& queue) { return queue.queue_id == *id; };
    if (known != nullptr && std::any_of(known->queues.begin(), known->queues.end(), is_it)) continue;
    const Named named{topic, *id, make(ConsumeQueue::Kind::simple, topic, *id)};
    loading.topics[topic][*id] = named.queue;
    const auto loaded = load_files(named, nullptr, loading);
    if (!loaded) return loaded;
  }
  return {};
}

Result<void> QueueTable::load_files(const Named& named, const QueueState* known_state, Loading& loading) {
  const QueueState known = known_state != nullptr ? *known_state : QueueState{};
  const auto loaded = named.queue->load();
  if (!loaded && loaded.error() != Errc::malformed) return loaded;
  if (!loaded) {
    loading.found.lost.push_back({.named = named, .max_offset = known.max_offset, .reason = "its files differ in length"});
    return {};
  }
  const QueueState state = named.queue->state();
  const bool front_gone =
      loading.front_stays && known.units > known.min_unit && state.first_base > known.min_unit * named.queue->unit_size();
  if (state.file_count < 0 || front_gone) {
    loading.found.lost.push_back({.named = named, .max_offset = known.max_offset, .reason = "a file is missing"});
    return {};
  }
  if (state.file_count > 0) {
    loading.with_files.push_back(named);
    ++loading.files_sizes[named.queue->file_size()];
  }
  loading.found.unknown.push_back(
      {named, known.max_offset, {}, known_state != nullptr ? std::optional(known) : std::nullopt, known_state == nullptr});
  return {};
}

/// All queues of a store have files of one size, for Java opens no other: that which is known or configured, or else the most common one.
void QueueTable::settle_file_size(Loading& loading) {
  if (loading.unchanged_before_ms == 0 && !loading.files_sizes.contains(file_size_) && !loading.files_sizes.empty()) {
    const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
    const std::int64_t theirs = std::max_element(loading.files_sizes.begin(), loading.files_sizes.end(), more)->first;
    log::warn("files in {} have {} bytes, not the configured {}: theirs counts", folder_, theirs, file_size_);
    file_size_ = theirs;
  }
  for (const Named& named : loading.with_files) {
    if (named.queue->file_size() == file_size_) continue;
    const auto is_it = [&](const Doubt& doubt) { return doubt.named.queue == named.queue; };
    const auto doubt = std::find_if(loading.found.unknown.begin(), loading.found.unknown.end(), is_it);
    doubt->reason = fmt::format("its files have {} bytes, those of the store {}", named.queue->file_size(), file_size_);
    loading.found.lost.push_back(std::move(*doubt));
    loading.found.unknown.erase(doubt);
  }
  for (Doubt& lost : loading.found.lost) {  // Whatever was read of it is worth nothing.
    lost.named.queue = make(ConsumeQueue::Kind::simple, lost.named.topic, lost.named.queue_id);
    loading.topics[lost.named.topic][lost.named.queue_id] = lost.named.queue;
  }
}

Result<void> QueueTable::load() {
  const auto found = load(nullptr, 0);
  if (!found) return found.error();
  for (const Doubt& lost : found->lost)
    log::error("consume queue {} of {} cannot be used: {}", lost.named.queue_id, lost.named.topic, lost.reason);
  return found->lost.empty() ? Result<void>() : Errc::malformed;
}

void QueueTable::note(StoreEnds& ends) const {
  const std::shared_lock lock(mutex_);
  ends.queue_file_size = file_size_;
  ends.topics.clear();
  ends.topics.reserve(ids_.size());
  for (const auto& [topic, ids] : ids_) {
    TopicEnds& noted = ends.topics.emplace_back();
    noted.topic = topic;
    noted.queues.reserve(ids.size());
    for (const std::int32_t id : ids) {
      const ConsumeQueue& queue = **queues_.find(topic, id);
      noted.batch = queue.kind() == ConsumeQueue::Kind::batch;  // All are of one kind.
      noted.queues.push_back({id, queue.state()});
    }
  }
}

}  // namespace skylark::consumequeue
