// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/frame_reader.h"

#include "base/bytes.h"
#include "base/error.h"

#include <algorithm>
#include <cstdint>

namespace skylark::remoting::detail {
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::int32_t kFrameSizeMin = 4;  // T and the header's length, with nothing behind.
constexpr std::size_t kSpareSize = 64;     // As in the shared read buffer: parsers may look past the end.

}  // namespace

Result<std::size_t> FrameReader::frame_size(std::string_view bytes) const {
  const auto claimed = load_be<std::int32_t>(bytes.data());
  if (claimed < kFrameSizeMin) return Errc::malformed;
  const std::size_t size = kLengthSize + static_cast<std::size_t>(claimed);
  if (size > frame_size_max_bytes_) return Errc::too_large;
  return size;
}

Result<void> FrameReader::feed(std::string_view bytes, FrameSink& sink) {
  if (!partial_.empty()) {
    const Result<Partial> partial = complete_partial(bytes);
    if (!partial) return partial.error();
    if (*partial == Partial::lacks_bytes) return {};
    const std::string frame = std::move(partial_);
    partial_ = std::string();  // Gives the memory back after this frame.
    const Result<void> handled = sink.on_frame(std::string_view(frame).substr(kLengthSize));
    if (!handled) return handled;
  }
  while (bytes.size() >= kLengthSize && sink.wants_frames()) {
    const Result<std::size_t> size = frame_size(bytes);
    if (!size) return size.error();
    if (bytes.size() < *size) break;
    const Result<void> handled = sink.on_frame(bytes.substr(kLengthSize, *size - kLengthSize));
    if (!handled) return handled;
    bytes.remove_prefix(*size);
  }
  if (sink.wants_frames()) append_partial(bytes);
  return {};
}

Result<FrameReader::Partial> FrameReader::complete_partial(std::string_view& bytes) {
  const auto take = [&](std::size_t size_wanted) {
    const std::size_t taken = std::min(size_wanted - partial_.size(), bytes.size());
    append_partial(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    return partial_.size() == size_wanted ? Partial::whole : Partial::lacks_bytes;
  };
  if (partial_.size() < kLengthSize && take(kLengthSize) == Partial::lacks_bytes) return Partial::lacks_bytes;
  const Result<std::size_t> size = frame_size(partial_);
  if (!size) return size.error();
  return take(*size);
}

void FrameReader::append_partial(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t needed = partial_.size() + bytes.size() + kSpareSize;
  if (needed > partial_.capacity()) partial_.reserve(partial_.empty() ? needed : std::max(needed, 2 * partial_.capacity()));
  partial_.append(bytes);
}

}  // namespace skylark::remoting::detail
