// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/output_queue.h"

#include "base/bytes.h"
#include "base/error.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace skylark::remoting::detail {
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kCompactSizeMin = 1u << 20;
constexpr std::size_t kQuietCapacityMax = 512;

bool is_gathered(const Body& body) noexcept {
  if (body.slices().empty()) return body.view().size() >= OutputQueue::kGatherSizeMin;
  return std::any_of(body.slices().begin(), body.slices().end(),
                     [](const PinnedSlice& slice) { return slice.bytes.size() >= OutputQueue::kGatherSizeMin; });
}

}  // namespace

Result<void> OutputQueue::append(RemotingCommand&& command, std::size_t frame_size_max_bytes) {
  if (command.body.size() > frame_size_max_bytes) return Errc::too_large;
  const std::size_t text_before = text_.size();
  const std::size_t slices_before = slices_.size();
  try {
    const bool gathered = is_gathered(command.body);
    if (gathered)
      encode_frame_head(command, text_);
    else
      encode_frame(command, text_);
    const std::size_t size = kLengthSize + load_be<std::uint32_t>(text_.data() + text_before);
    if (size > frame_size_max_bytes) {
      text_.resize(text_before);
      return Errc::too_large;
    }
    if (gathered) append_body(std::move(command.body));
    unsent_bytes_ += size;
  } catch (...) {
    text_.resize(text_before);
    slices_.erase(slices_.begin() + static_cast<std::ptrdiff_t>(slices_before), slices_.end());
    throw;
  }
  return {};
}

void OutputQueue::append_body(Body&& body) {
  if (body.slices().empty()) {
    body.own();
    auto owner = std::make_shared<const Body>(std::move(body));
    const std::string_view bytes = owner->view();
    slices_.push_back({text_.size(), {bytes, std::move(owner)}});
    return;
  }
  const std::shared_ptr<const void>* pin = nullptr;
  for (const PinnedSlice& slice : body.slices()) {
    if (slice.pin) pin = &slice.pin;
    if (slice.bytes.size() < kGatherSizeMin)
      text_.append(slice.bytes);
    else
      slices_.push_back({text_.size(), {slice.bytes, pin != nullptr ? *pin : nullptr}});  // Each its own: what lies before goes earlier.
  }
}

void OutputQueue::splice(OutputQueue& source) {
  if (source.empty()) return;
  if (empty()) {
    clear();
    std::swap(*this, source);
    return;
  }
  // The source has never been written from, so that all of it is unsent.
  const std::size_t shift = text_.size();
  text_.append(source.text_);
  for (Slice& slice : source.slices_) slices_.push_back({slice.text_before + shift, std::move(slice.slice)});
  unsent_bytes_ += source.unsent_bytes_;
  source.clear();
}

std::size_t OutputQueue::gather(std::span<std::string_view> pieces) const noexcept {
  std::size_t count = 0;
  std::size_t text_at = text_sent_;
  std::size_t slice_at = slices_sent_;
  std::size_t skip = slice_bytes_sent_;
  const std::string_view text = text_;
  while (count < pieces.size()) {
    const bool has_slice = slice_at < slices_.size();
    const std::size_t text_end = has_slice ? slices_[slice_at].text_before : text.size();
    if (text_at < text_end) {
      pieces[count++] = text.substr(text_at, text_end - text_at);
      text_at = text_end;
    } else if (has_slice) {
      pieces[count++] = slices_[slice_at++].slice.bytes.substr(std::exchange(skip, 0));
    } else {
      break;
    }
  }
  return count;
}

void OutputQueue::consume(std::size_t size_bytes) noexcept {
  unsent_bytes_ -= size_bytes;
  while (size_bytes > 0) {
    const bool has_slice = slices_sent_ < slices_.size();
    const std::size_t text_end = has_slice ? slices_[slices_sent_].text_before : text_.size();
    if (text_sent_ < text_end) {
      const std::size_t taken = std::min(size_bytes, text_end - text_sent_);
      text_sent_ += taken;
      size_bytes -= taken;
      continue;
    }
    PinnedSlice& slice = slices_[slices_sent_].slice;
    const std::size_t taken = std::min(size_bytes, slice.bytes.size() - slice_bytes_sent_);
    slice_bytes_sent_ += taken;
    size_bytes -= taken;
    if (slice_bytes_sent_ < slice.bytes.size()) continue;
    slice.pin.reset();
    ++slices_sent_;
    slice_bytes_sent_ = 0;
  }
  if (unsent_bytes_ == 0) return clear();
  if (text_sent_ < kCompactSizeMin || text_sent_ < text_.size() / 2) return;
  // Output that never runs dry would otherwise grow for ever at its sent end.
  text_.erase(0, text_sent_);
  slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(slices_sent_));
  for (Slice& slice : slices_) slice.text_before -= text_sent_;
  text_sent_ = 0;
  slices_sent_ = 0;
}

void OutputQueue::clear() noexcept {
  text_.clear();
  slices_.clear();
  text_sent_ = slices_sent_ = slice_bytes_sent_ = unsent_bytes_ = 0;
}

void OutputQueue::shrink() noexcept {
  if (!empty()) return;
  if (text_.capacity() > kQuietCapacityMax) text_ = std::string();
  if (slices_.capacity() > 0) slices_ = std::vector<Slice>();
}

}  // namespace skylark::remoting::detail
