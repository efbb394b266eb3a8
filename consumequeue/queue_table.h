// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/queue_map.h"
#include "base/text_map.h"
#include "consumequeue/simple_consume_queue.h"
#include "consumequeue/store_ends.h"
#include "protocol/message.h"

namespace skylark::consumequeue {

/// Where batch queues lie, and which topics have them.
struct BatchQueues {
  std::string folder;  ///< Empty: `batchconsumequeue` beside that of the simple queues.
  std::int64_t file_size = 13'800'000;
  /// Whether the attribute `queue.type` of a topic says BatchCQ; empty for a topic that is not known. Null: no topic is.
  std::function<std::optional<bool>(std::string_view topic)> listed = nullptr;
  /// Topics become known after their records, as on a replica: simple queues that prove wrong are turned into batch queues.
  bool known_late = false;
};

/// All consume queues of a store by topic and queue id. Source: ConsumeQueueStore.java 5.3.
/// Threads: any. Queues are handed out as shared pointers; one that was deleted meanwhile is empty.
class QueueTable {
 public:
  using QueuePtr = std::shared_ptr<ConsumeQueue>;
  struct Named {
    std::string topic;
    std::int32_t queue_id = 0;
    QueuePtr queue;
  };

  /// `folder`: `<store root>/consumequeue`.
  QueueTable(FileSystem& system, std::string folder, std::int64_t file_size, BatchQueues batch = {});

  /// Extensions lie in `<folder>/<topic>/<queue id>`, in files of that size. They are read wherever a unit has one, and made when `write`.
  /// Call before `load`.
  void extend(std::string folder, std::int64_t file_size, bool write);
  /// Finds and loads the queues on disk; entries that are no numbers below a topic are left alone.
  ///
  /// Errors: `malformed` when the attribute of a topic contradicts the folder its queues lie in, as Java's queueTypeShouldBe; those of the
  /// disk.
  [[nodiscard]] Result<void> load();
  /// A queue whose end has to be found by reading it, or that has to be made again from the commit log.
  struct Doubt {
    Named named;
    std::int64_t max_offset = 0;        ///< The end that it must at least have, as far as is known.
    std::string reason{};               ///< Why it has to be made again.
    std::optional<QueueState> known{};  ///< As the ends have it.
    bool unheard_of = false;            ///< The ends do not know it: it was made since, or a power cut took back its removal.
  };
  struct Found {
    std::vector<Doubt> unknown;
    std::vector<Doubt> lost;
  };
  /// In place of `load`, for a store that was stopped or killed with these ends. Queues whose folders have not changed since are as they
  /// were then, without being looked at; with few queues the last page of each is read. Null: no ends are known, every folder is read.
  /// Files of another size than those of the store's queues make a queue lost, not the store. `log_begin`: of the commit log now; while it
  /// has not moved no queue loses its first file. Errors: those of the disk.
  [[nodiscard]] Result<Found> load(const StoreEnds* ends, std::int64_t log_begin);
  /// For `StoreEnds`: all queues, and `queue_file_size`. Batch queues are read by each start all the same: there are few.
  void note(StoreEnds& ends) const;
  /// Null when that queue never had a message.
  [[nodiscard]] QueuePtr find(std::string_view topic, std::int32_t queue_id) const;
  /// The queue that lists a record; `inner_batch`: one that holds several messages. The attribute of the topic decides, for a topic that
  /// is not known the record itself. Null: an inner batch of a topic with simple queues, left over from a topic that was deleted.
  ///
  /// Errors: those of the disk, when simple queues have to become batch queues first.
  [[nodiscard]] Result<QueuePtr> find_or_make(std::string_view topic, std::int32_t queue_id, bool inner_batch);
  [[nodiscard]] QueuePtr find_or_make(std::string_view topic, std::int32_t queue_id);
  /// Asks memory for what `find_or_make` and an append will touch for those records, `kLookAheadMax` at most: with tens of thousands of
  /// queues none of it is in a cache, and one by one each record would wait several times. Nothing is kept, and a queue may be removed in
  /// between.
  void look_ahead(std::span<const MessageView> records) const;
  static constexpr std::size_t kLookAheadMax = 16;
  [[nodiscard]] std::vector<Named> all() const;
  /// The same without names, which for tens of thousands of queues are megabytes.
  using QueuePtrs = std::vector<QueuePtr, PageAllocator<QueuePtr>>;
  [[nodiscard]] QueuePtrs queues() const;
  [[nodiscard]] std::vector<std::string> topics() const;
  /// Removes the queues of a topic, with their files. False when there were none.
  bool remove_topic(std::string_view topic);
  /// The same for one queue of it.
  bool remove_queue(std::string_view topic, std::int32_t queue_id);
  /// Gives mappings back when more than `mapped_max` are in use, an eighth of them at least, those of queues that were not used lately
  /// first. One load when there is nothing to do, else milliseconds.
  void limit_mappings(std::int64_t mapped_max);
  /// With the limit of this machine: that of the kernel (vm.max_map_count, 65,530 unless told otherwise) less what others need.
  void limit_mappings() { limit_mappings(mapped_max_); }
  /// Files of all queues that are mapped now.
  [[nodiscard]] std::int64_t mapped_count() const noexcept { return mapped_files_->load(std::memory_order_relaxed); }
  /// Makes all that was written before the call durable: file by file when few queues changed, by one sync of the file system when many
  /// did.
  [[nodiscard]] Result<void> flush();

 private:
  using Queues = std::unordered_map<std::int32_t, QueuePtr>;  // Of one topic.
  using Topics = TextMap<Queues>;
  struct Loading;
  [[nodiscard]] QueuePtr make(ConsumeQueue::Kind kind, std::string_view topic, std::int32_t queue_id) const;
  [[nodiscard]] Result<void> load_simple(const StoreEnds* ends, Loading& loading);
  [[nodiscard]] Result<void> load_folder(const std::string& topic, const TopicEnds* known, Loading& loading);
  [[nodiscard]] Result<void> load_known(const TopicEnds& topic, Loading& loading);
  [[nodiscard]] Result<void> load_files(const Named& named, const QueueState* known_state, Loading& loading);
  void settle_file_size(Loading& loading);
  [[nodiscard]] Result<Topics> load_batch(const StoreEnds* ends, Loading& loading);
  [[nodiscard]] static Result<std::string> load_batch_files(const Named& named, const QueueState* known, const Loading& loading);
  void settle_batch_size(const Topics& batch, std::vector<Doubt>& lost);
  void add_lost_batch(const StoreEnds* ends, Topics& batch, Loading& loading) const;
  [[nodiscard]] Result<void> check_kinds(const Topics& simple, const Topics& batch) const;
  [[nodiscard]] Result<void> merge(Topics& simple, Topics batch);
  [[nodiscard]] std::optional<ConsumeQueue::Kind> kind_of(std::string_view topic) const;
  [[nodiscard]] Result<void> turn_to_batch(const std::string& topic);
  [[nodiscard]] Result<QueuePtr> to_batch(const std::string& topic, std::int32_t queue_id, const ConsumeQueue& simple) const;
  void place(std::string_view topic, std::int32_t queue_id, QueuePtr queue);
  [[nodiscard]] Queues queues_of(std::string_view topic) const;
  void destroy(const std::string& topic, const Queues& queues) const;

  FileSystem& system_;
  const std::string folder_;
  std::int64_t file_size_;
  BatchQueues batch_;
  const std::int64_t mapped_max_;
  std::string extension_folder_;  // Empty: queues have no extensions.
  std::int64_t extension_file_size_ = 0;
  bool writes_extensions_ = false;
  const std::shared_ptr<std::atomic<std::int64_t>> mapped_files_ = std::make_shared<std::atomic<std::int64_t>>(0);
  mutable std::shared_mutex mutex_;
  QueueMap<QueuePtr> queues_;
  TextMap<std::vector<std::int32_t>> ids_;  // By topic, of the queues in `queues_`.
};

}  // namespace skylark::consumequeue
