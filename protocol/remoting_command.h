// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "base/result.h"

namespace skylark {

/// How the header of a frame is encoded: the T byte of the frame. Source: SerializeType.java; 2 is Skylark's own.
enum class Codec : std::uint8_t { json = 0, rocketmq = 1, flatbuffers = 2 };

/// Language of the sender, informative. Source: LanguageCode.java.
enum class Language : std::int8_t {
  java = 0,
  cpp = 1,
  dotnet = 2,
  python = 3,
  delphi = 4,
  erlang = 5,
  ruby = 6,
  other = 7,
  http = 8,
  go = 9,
  php = 10,
  oms = 11,
  rust = 12,
  node_js = 13,
  unknown = -1,
};

inline constexpr std::int32_t kFlagResponse = 1;          ///< Bit 0 of the flag.
inline constexpr std::int32_t kFlagOneWay = 2;            ///< Bit 1 of the flag: no answer may be sent, whatever happens.
inline constexpr std::int16_t kProtocolVersion = 479;     ///< MQVersion of 5.3.3: what clients take the broker's version from.
inline constexpr std::size_t kFrameSizeMax = 16'777'216;  ///< Bytes of a whole frame with its length word. Source: NettyDecoder.

/// Memory for text that decoding has to make anew (escapes resolved, bytes aligned): given out from the front and taken back all at once,
/// so that a thread which decodes one frame after the other allocates nothing. Not thread-safe.
class DecodeScratch {
 public:
  /// Memory of that many bytes, aligned for anything, until `clear`; null when there is not so much left.
  [[nodiscard]] char* take(std::size_t size) {
    const std::size_t rounded = (size + kAlignment - 1) & ~(kAlignment - 1);
    if (rounded > kSize - used_) return nullptr;
    if (!block_) block_ = std::make_unique_for_overwrite<char[]>(kSize);
    return block_.get() + std::exchange(used_, used_ + rounded);
  }
  void clear() noexcept { used_ = 0; }

 private:
  static constexpr std::size_t kSize = 64 * 1024;  // Properties take 32 KB at most; what is larger is allocated.
  static constexpr std::size_t kAlignment = alignof(std::max_align_t);
  std::unique_ptr<char[]> block_;
  std::size_t used_ = 0;
};

/// The named fields of a command header: text, or integers and booleans kept unformatted until a codec needs text.
///
/// Names and text added by `add_view` stay where they are (the receive buffer, a literal) and must outlive the set or be made
/// owned by `own()`; `add` copies. Later duplicates win. Movable, not copyable: views stay valid through moves.
class ExtFields {
 public:
  enum class Kind : std::uint8_t { text, integer, boolean };
  struct Entry {
    std::string_view name;
    std::string_view text;    ///< For `Kind::text`.
    std::int64_t number = 0;  ///< For `Kind::integer`; 0 or 1 for `Kind::boolean`.
    Kind kind = Kind::text;
  };

  ExtFields() = default;
  ExtFields(ExtFields&&) noexcept = default;
  ExtFields& operator=(ExtFields&&) noexcept = default;

  void add_view(std::string_view name, std::string_view text) { add_entry(name, text, 0, Kind::text); }
  void add(std::string_view name, std::string_view text) { add_view(keep(name), keep(text)); }
  /// `name` must be a literal or otherwise outlive this.
  void add_integer(std::string_view name, std::int64_t value) { add_entry(name, {}, value, Kind::integer); }
  void add_boolean(std::string_view name, bool value) { add_entry(name, {}, value ? 1 : 0, Kind::boolean); }

  /// The last entry of that name, or null.
  [[nodiscard]] const Entry* find(std::string_view name) const noexcept;
  /// Value as text (numbers in decimal, booleans as `true`/`false`); empty optional when absent.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// Value as a number; empty when absent or not a decimal number of 64 bits.
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const noexcept;
  /// Java's rule: only the text `true`, in any case, is true. Empty when absent.
  [[nodiscard]] std::optional<bool> boolean(std::string_view name) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }
  void clear() noexcept { entries_.clear(), kept_.clear(); }

  /// Copies `text` into memory owned by this set and returns the copy, valid for the life of the set.
  std::string_view keep(std::string_view text);
  /// Memory of that many bytes, aligned for anything, that lives as long as this set.
  char* allocate(std::size_t size);
  /// Makes every view owned, so that the buffer it was decoded from may go.
  void own();
  /// From now on `allocate` takes from `scratch` while it lasts; null ends that. For decoders: what they made there dies with the scratch.
  void lend(DecodeScratch* scratch) noexcept { scratch_ = scratch; }

 private:
  /// Made where it stays: to copy what was written a moment ago in smaller pieces stalls the processor, 14 times a send.
  void add_entry(std::string_view name, std::string_view text, std::int64_t number, Kind kind) {
    Entry& entry = entries_.emplace_back();
    entry.name = name;
    entry.text = text;
    entry.number = number;
    entry.kind = kind;
  }

  boost::container::small_vector<Entry, 20> entries_;
  std::vector<std::unique_ptr<char[]>> kept_;
  DecodeScratch* scratch_ = nullptr;
};

/// A slice of stored bytes sent as they are, and what keeps them mapped until the socket has taken them. In a list of slices one without a
/// pin is kept by the last pin before it.
struct PinnedSlice {
  std::string_view bytes;
  std::shared_ptr<const void> pin;
};

/// Body of a command: a view into a received frame, owned bytes, or slices of the store; exactly one of them.
class Body {
 public:
  Body() = default;
  explicit Body(std::string bytes) : owned_(std::make_unique<std::string>(std::move(bytes))) {}
  explicit Body(std::vector<PinnedSlice> slices) : slices_(std::move(slices)) {}
  static Body view_of(std::string_view bytes) {
    Body body;
    body.view_ = bytes;
    return body;
  }
  Body(Body&&) noexcept = default;
  Body& operator=(Body&&) noexcept = default;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// The bytes, when they are in one piece: view or owned. For slices use `slices()` or `to_string()`.
  [[nodiscard]] std::string_view view() const noexcept { return owned_ ? std::string_view(*owned_) : view_; }
  [[nodiscard]] const std::vector<PinnedSlice>& slices() const noexcept { return slices_; }
  [[nodiscard]] std::string to_string() const;
  void own();

 private:
  std::string_view view_;
  std::unique_ptr<std::string> owned_;
  std::vector<PinnedSlice> slices_;
};

/// One request or response, independent of its codec.
///
/// A decoded command holds views into the frame it came from and the scratch it was decoded with; who keeps it past the read calls `own()`.
/// Source: RemotingCommand.java; reference of the frame in docs/format/remoting.md.
struct RemotingCommand {
  /// Written out, or `RemotingCommand()` would set all the room for fields to zero before it is filled: 1.2 KB twice a request.
  RemotingCommand() noexcept {}

  std::int32_t code = 0;
  Language language = Language::cpp;
  std::int16_t version = kProtocolVersion;
  std::int32_t opaque = 0;
  std::int32_t flag = 0;
  std::string remark;  ///< Empty is absent.
  ExtFields ext;
  Body body;
  Codec codec = Codec::json;  ///< The codec it came in, or shall be sent in.

  [[nodiscard]] bool is_response() const noexcept { return (flag & kFlagResponse) != 0; }
  [[nodiscard]] bool is_one_way() const noexcept { return (flag & kFlagOneWay) != 0; }
  void own() {
    ext.own();
    body.own();
  }
};

/// A response to `request`: same opaque, same codec, response flag.
[[nodiscard]] RemotingCommand make_response(const RemotingCommand& request, std::int32_t code, std::string remark = {});

/// Decodes one frame without its length word (`T`, header length, header, body): views into `frame` where possible.
/// Sizes are checked before anything is allocated. Type 2 is verified before any access. With a `scratch` the views may also lie there.
/// Errors: `malformed` for an unknown T, a header longer than the frame, or a header that does not parse.
[[nodiscard]] Result<RemotingCommand> decode_frame(std::string_view frame, DecodeScratch* scratch = nullptr);

/// Appends the whole frame with its length word to `out`, encoded by `command.codec`. Slices of the body are copied in.
/// A header too large for its 24-bit length goes out without its fields, as a system error.
void encode_frame(const RemotingCommand& command, std::string& out);
/// Appends length word, header and nothing of the body (whose size is counted in the length word): for a body sent by scatter-gather.
void encode_frame_head(const RemotingCommand& command, std::string& out);

/// Header codecs, used by the functions above. Decoders fill everything but body and codec.
Result<void> decode_json_header(std::string_view header, RemotingCommand& into);
Result<void> decode_rocketmq_header(std::string_view header, RemotingCommand& into);
Result<void> decode_flatbuffers_header(std::string_view header, RemotingCommand& into);
void encode_json_header(const RemotingCommand& command, std::string& out);
void encode_rocketmq_header(const RemotingCommand& command, std::string& out);
void encode_flatbuffers_header(const RemotingCommand& command, std::string& out);

}  // namespace skylark
