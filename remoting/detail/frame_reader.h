// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace skylark::remoting::detail {

/// Takes the frames that a `FrameReader` finds.
class FrameSink {
 public:
  /// `frame` is whole, without its length word, and dies on return. An error ends the connection.
  virtual Result<void> on_frame(std::string_view frame) = 0;
  /// False when no further frame shall be handed over.
  [[nodiscard]] virtual bool wants_frames() const noexcept = 0;

 protected:
  ~FrameSink() = default;
};

/// Cuts a stream of bytes into frames. Owns memory only for a frame that is not whole yet, grown with what has arrived and not
/// with what its length word claims.
class FrameReader {
 public:
  explicit FrameReader(std::size_t frame_size_max_bytes) noexcept : frame_size_max_bytes_(frame_size_max_bytes) {}

  /// Hands every whole frame to `sink` and keeps the rest for the next call.
  /// Errors: `too_large` for a length (with its word) above the bound, `malformed` for a negative one or one without room for
  /// the codec word, and what the sink gives. The connection must be closed then; earlier frames are handled.
  [[nodiscard]] Result<void> feed(std::string_view bytes, FrameSink& sink);

  [[nodiscard]] bool has_partial() const noexcept { return !partial_.empty(); }
  [[nodiscard]] std::size_t partial_capacity_bytes() const noexcept { return partial_.capacity(); }

 private:
  [[nodiscard]] Result<std::size_t> frame_size(std::string_view bytes) const;
  enum class Partial { lacks_bytes, whole };
  /// Moves what the partial frame lacks from `bytes` to it.
  [[nodiscard]] Result<Partial> complete_partial(std::string_view& bytes);
  void append_partial(std::string_view bytes);

  std::size_t frame_size_max_bytes_;
  std::string partial_;
};

}  // namespace skylark::remoting::detail
