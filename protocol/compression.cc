// SPDX-License-Identifier: Apache-2.0
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "base/error.h"
#include "protocol/message.h"

namespace skylark {
namespace {

constexpr std::size_t kFirstOutputSize = 4096;
constexpr int kZstdWindowLogMax = 26;  // 64 MiB: the sender chooses it and the decoder has to hold it.

/// Output that grows by doubling up to its bound. `room()` is empty when the bound is reached.
class BoundedOutput {
 public:
  BoundedOutput(std::size_t hint, std::size_t size_max) : size_max_(size_max) {
    bytes_.resize(std::min(size_max, std::max(hint, kFirstOutputSize)));
  }
  char* room_begin() noexcept { return bytes_.data() + used_; }
  std::size_t room() {
    if (used_ == bytes_.size()) bytes_.resize(std::min(size_max_, bytes_.size() * 2));
    return bytes_.size() - used_;
  }
  void advance(std::size_t size) noexcept { used_ += size; }
  std::string take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  std::size_t used_ = 0;
  std::size_t size_max_;
};

Result<std::string> decompress_lz4(std::string_view bytes, std::size_t size_max) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) throw std::bad_alloc();
  const std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> owner(context, &LZ4F_freeDecompressionContext);
  BoundedOutput output(bytes.size() * 3, size_max);
  while (true) {
    std::size_t written = output.room();
    std::size_t read = bytes.size();
    const bool full = written == 0;
    const std::size_t wanted = LZ4F_decompress(context, output.room_begin(), &written, bytes.data(), &read, nullptr);
    if (LZ4F_isError(wanted) != 0) return make_error_code(Errc::malformed);
    bytes.remove_prefix(read);
    output.advance(written);
    if (wanted == 0) return output.take();
    if (read == 0 && written == 0) return make_error_code(full ? Errc::too_large : Errc::malformed);
  }
}

Result<std::string> decompress_zstd(std::string_view bytes, std::size_t size_max) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  BoundedOutput output(bytes.size() * 3, size_max);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  while (true) {
    const std::size_t room = output.room();
    ZSTD_outBuffer out{output.room_begin(), room, 0};
    const std::size_t read_before = in.pos;
    const std::size_t wanted = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(wanted) != 0) return make_error_code(Errc::malformed);
    output.advance(out.pos);
    if (wanted == 0) return output.take();
    if (in.pos == read_before && out.pos == 0) return make_error_code(room == 0 ? Errc::too_large : Errc::malformed);
  }
}

}  // namespace

std::string compress_zlib(std::string_view body, int level) {
  auto size = compressBound(static_cast<uLong>(body.size()));
  std::string compressed(size, '\0');
  const int status = compress2(reinterpret_cast<Bytef*>(compressed.data()), &size, reinterpret_cast<const Bytef*>(body.data()),
                               static_cast<uLong>(body.size()), level);
  SKYLARK_ASSERT(status == Z_OK, "zlib refused a buffer of the size it asked for");
  compressed.resize(size);
  return compressed;
}

Result<std::string> decompress_zlib(std::string_view bytes, std::size_t size_max) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> owner(&stream, &inflateEnd);
  BoundedOutput output(bytes.size() * 3, size_max);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  while (true) {
    const std::size_t room = output.room();
    stream.next_out = reinterpret_cast<Bytef*>(output.room_begin());
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    output.advance(room - stream.avail_out);
    if (status == Z_STREAM_END) return output.take();
    if (status == Z_BUF_ERROR && room == 0) return make_error_code(Errc::too_large);
    if (status != Z_OK) return make_error_code(Errc::malformed);
  }
}

Result<std::string> decompress_body(std::string_view body, std::int32_t sys_flag, std::size_t size_max) {
  if ((sys_flag & sys_flag::kCompressed) == 0) return std::string(body);
  switch (sys_flag & sys_flag::kCompressionMask) {
    case 0:  // Senders from before there was a choice.
    case sys_flag::kCompressionZlib: return decompress_zlib(body, size_max);
    case sys_flag::kCompressionLz4: return decompress_lz4(body, size_max);
    case sys_flag::kCompressionZstd: return decompress_zstd(body, size_max);
    default: return make_error_code(Errc::malformed);
  }
}

}  // namespace skylark
