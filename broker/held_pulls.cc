// SPDX-License-Identifier: Apache-2.0
#include "broker/held_pulls.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "base/text_map.h"
#include "remoting/connection.h"

namespace skylark::broker {

struct HeldPulls::Shard {
  std::mutex mutex;
  std::map<QueueId, std::vector<std::unique_ptr<HeldPull>>> queues;  // By pointer: a pull is large, and waking moves the others.
};

HeldPulls::HeldPulls(Clock& clock, MaxOffset max_offset, Resume resume, std::size_t count_max)
    : clock_(clock),
      max_offset_(std::move(max_offset)),
      resume_(std::move(resume)),
      count_max_(count_max),
      shards_(std::make_unique<Shards>()) {}

HeldPulls::~HeldPulls() = default;

HeldPulls::Shard& HeldPulls::shard_of(std::string_view topic, std::int32_t queue_id) const {
  return (*shards_)[(TextHash{}(topic)*31 + static_cast<std::uint32_t>(queue_id)) % kShards];
}

bool HeldPulls::hold(HeldPull& pull) {
  if (stopped_ || count_ >= count_max_) return false;
  const QueueId queue{pull.topic, pull.queue_id};
  const std::int64_t offset = pull.offset;
  Shard& shard = shard_of(queue.topic, queue.queue_id);
  {
    const std::lock_guard lock(shard.mutex);
    if (stopped_) return false;
    shard.queues[queue].push_back(std::make_unique<HeldPull>(std::move(pull)));
    ++count_;
  }
  // A message that became readable before the pull stood in the table has woken nobody.
  const std::int64_t end = max_offset_(queue.topic, queue.queue_id);
  if (end > offset) wake(shard, queue, [end](const HeldPull& held) { return end > held.offset; });
  return true;
}

template <class Wanted>
void HeldPulls::wake(Shard& shard, const QueueId& queue, Wanted wanted) {
  std::vector<std::unique_ptr<HeldPull>> woken;
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.queues.find(queue);
    if (found == shard.queues.end()) return;
    auto& held = found->second;
    const auto stays = std::stable_partition(held.begin(), held.end(), [&wanted](const auto& pull) { return !wanted(*pull); });
    woken.assign(std::make_move_iterator(stays), std::make_move_iterator(held.end()));
    held.erase(stays, held.end());
    if (held.empty()) shard.queues.erase(found);
  }
  count_ -= woken.size();
  for (auto& pull : woken) resume_(std::move(*pull));
}

void HeldPulls::on_arrival(const ArrivedMessage& message) {
  if (count_ == 0) return;
  Shard& shard = shard_of(message.topic, message.queue_id);
  wake(shard, QueueId{std::string(message.topic), message.queue_id}, [&message](const HeldPull& pull) {
    if (message.next_queue_offset <= pull.offset) return false;
    if (!pull.filter) return true;
    return pull.filter->wants_unit(message.unit) && (!pull.filter->reads_properties() || pull.filter->wants_properties(message.properties));
  });
}

void HeldPulls::wake_queue(const std::string& topic, std::int32_t queue_id) {
  wake(shard_of(topic, queue_id), QueueId{topic, queue_id}, [](const HeldPull&) { return true; });
}

void HeldPulls::sweep() {
  for (Shard& shard : *shards_) {
    std::vector<QueueId> queues;
    {
      const std::lock_guard lock(shard.mutex);
      for (const auto& [queue, held] : shard.queues) queues.push_back(queue);
    }
    for (const QueueId& queue : queues) {
      const std::int64_t end = max_offset_(queue.topic, queue.queue_id);
      const std::int64_t now_ms = clock_.steady_ms();
      wake(shard, queue, [end, now_ms](const HeldPull& pull) {
        return end > pull.offset || now_ms >= pull.expires_ms || (pull.connection && !pull.connection->is_open());
      });
    }
  }
}

void HeldPulls::stop() {
  stopped_ = true;
  for (Shard& shard : *shards_) {
    std::vector<QueueId> queues;
    {
      const std::lock_guard lock(shard.mutex);
      for (const auto& [queue, held] : shard.queues) queues.push_back(queue);
    }
    for (const QueueId& queue : queues) wake(shard, queue, [](const HeldPull&) { return true; });
  }
}

}  // namespace skylark::broker
