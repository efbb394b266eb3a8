// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/remoting_command.h"

namespace skylark::remoting::detail {

/// Bytes to be written to a socket, in order: encoded text in one buffer, and between it slices that are sent from where they
/// lie, each with its pin until the last byte of it has been taken. Not thread-safe.
class OutputQueue {
 public:
  /// Body pieces from here on are not copied: below, `writev` costs more than the copy.
  static constexpr std::size_t kGatherSizeMin = 2048;

  /// Encodes the whole frame behind what is there. Nothing is added on an error or an exception of the encoder.
  /// Errors: `too_large` for a frame above `frame_size_max_bytes`.
  [[nodiscard]] Result<void> append(RemotingCommand&& command, std::size_t frame_size_max_bytes);
  /// Moves all of `source` behind what is here.
  void splice(OutputQueue& source);

  /// Fills `pieces` with what comes next and returns how many there are.
  [[nodiscard]] std::size_t gather(std::span<std::string_view> pieces) const noexcept;
  /// The socket took that many bytes of what `gather` gave.
  void consume(std::size_t size_bytes) noexcept;

  [[nodiscard]] bool empty() const noexcept { return unsent_bytes_ == 0; }
  [[nodiscard]] std::size_t unsent_bytes() const noexcept { return unsent_bytes_; }
  void clear() noexcept;
  /// Gives spare memory back; for a connection that has gone quiet.
  void shrink() noexcept;

 private:
  struct Slice {
    std::size_t text_before;  ///< Position in `text_` in front of which the slice goes.
    PinnedSlice slice;
  };
  void append_body(Body&& body);

  std::string text_;
  std::vector<Slice> slices_;
  std::size_t text_sent_ = 0;
  std::size_t slices_sent_ = 0;
  std::size_t slice_bytes_sent_ = 0;  ///< Of the first slice that is not sent whole.
  std::size_t unsent_bytes_ = 0;
};

}  // namespace skylark::remoting::detail
