#include "coffer/sdk/frame/frame_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "coffer/sdk/frame/gzip_block.h"
#include "coffer/sdk/frame/lz4_block.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer {
namespace {

using internal::kKeepBytes;

constexpr size_t kFirstBytes = 4096;
// Below this the bytes are moved to the front, or the buffer grows: a read of a
// few bytes costs as much as a read of many.
constexpr size_t kRoomBytesMin = 1024;

absl::Status CheckHeader(FrameHeader header, const FrameLimits& limits) {
  if (header.payload_bytes > limits.frame_bytes_max) {
    return FrameError(
        FrameErrc::kOversizeFrame,
        absl::StrFormat("frame of %u bytes exceeds the limit of %u",
                        header.payload_bytes, limits.frame_bytes_max));
  }
  if (!header.compressed &&
      header.payload_bytes > limits.uncompressed_bytes_max) {
    return FrameError(
        FrameErrc::kOversizeMessage,
        absl::StrFormat("message of %u bytes exceeds the limit of %u",
                        header.payload_bytes, limits.uncompressed_bytes_max));
  }
  return absl::OkStatus();
}

}  // namespace

FrameDecoder::FrameDecoder(FrameLimits limits)
    : limits_(ClampToCeiling(limits)) {}

void FrameDecoder::set_limits(FrameLimits limits) {
  limits_ = ClampToCeiling(limits);
}

absl::Span<char> FrameDecoder::Prepare() {
  uncompressed_.FreeIfLarge();
  const size_t pending = buffered_bytes();
  const size_t capacity = CapacityFor(pending);
  if (capacity != input_.capacity()) {
    input_.Reallocate(capacity,
                      absl::string_view(input_.data() + begin_, pending));
    begin_ = 0;
    end_ = pending;
  } else if (pending == 0 || capacity - end_ < kRoomBytesMin) {
    std::memmove(input_.data(), input_.data() + begin_, pending);
    begin_ = 0;
    end_ = pending;
  }
  room_bytes_ = capacity - end_;
  COFFER_ASSERT(room_bytes_ > 0);
  return absl::MakeSpan(input_.data() + end_, room_bytes_);
}

// The buffer's size for the next read. If it is the present one, moving the
// pending bytes to the front makes room.
size_t FrameDecoder::CapacityFor(size_t pending) const {
  const size_t capacity = input_.capacity();
  if (capacity == 0) return kFirstBytes;
  if (capacity > kKeepBytes && pending <= capacity / 8) {
    // The large frame it grew for has been taken.
    return std::bit_ceil(std::max(kFirstBytes, 2 * pending));
  }
  // A peer that sends faster than it is read: fewer, larger reads.
  if (room_filled_ && capacity < kKeepBytes) return 2 * capacity;
  // Moving at most as many bytes as were taken since the last move costs each
  // byte one move.
  if (capacity - end_ >= kRoomBytesMin || begin_ >= pending) return capacity;
  if (header_.has_value()) {
    const size_t frame_bytes = kFrameHeaderBytes + header_->payload_bytes;
    if (frame_bytes > pending) {
      // Not much beyond the frame that is arriving, which is then moved once.
      return std::clamp(frame_bytes + kFirstBytes, capacity, 2 * capacity);
    }
  }
  return 2 * capacity;
}

void FrameDecoder::Commit(size_t bytes) {
  if (!status_.ok()) return;
  COFFER_ASSERT(!input_finished_ && "Commit after FinishInput");
  COFFER_ASSERT(bytes <= room_bytes_);
  room_filled_ = bytes > 0 && bytes == room_bytes_;
  end_ += bytes;
  room_bytes_ = 0;
}

void FrameDecoder::FinishInput() { input_finished_ = true; }

FrameDecoder::Step FrameDecoder::Next(absl::string_view* payload) {
  *payload = {};
  uncompressed_.FreeIfLarge();
  if (!status_.ok()) return Step::kError;
  if (buffered_bytes() < kFrameHeaderBytes) {
    return Starve(FrameErrc::kTruncatedHeader);
  }
  const char* const frame = input_.data() + begin_;
  if (!header_.has_value()) {
    const FrameHeader header = DecodeFrameHeader(frame);
    absl::Status acceptable = CheckHeader(header, limits_);
    if (!acceptable.ok()) return Fail(std::move(acceptable));
    header_ = header;
    header_limits_ = limits_;
  }
  const FrameHeader header = *header_;
  if (buffered_bytes() - kFrameHeaderBytes < header.payload_bytes) {
    return Starve(FrameErrc::kTruncatedPayload);
  }
  // The bytes stay where they are until Prepare: a read may be under way into
  // the room behind them.
  const absl::string_view received(frame + kFrameHeaderBytes,
                                   header.payload_bytes);
  begin_ += kFrameHeaderBytes + header.payload_bytes;
  header_.reset();
  if (!header.compressed) {
    *payload = received;
    return Step::kFrame;
  }
  const uint32_t bytes_max = header_limits_.uncompressed_bytes_max;
  absl::string_view plain;
  absl::Status done = internal::LooksLikeGzip(received)
                          ? internal::UncompressGzip(received, bytes_max,
                                                     &uncompressed_, &plain)
                          : internal::UncompressLz4(received, bytes_max,
                                                    &uncompressed_, &plain);
  if (!done.ok()) return Fail(std::move(done));
  *payload = plain;
  return Step::kFrame;
}

bool FrameDecoder::frame_buffered() const {
  if (!status_.ok()) return true;
  const size_t pending = buffered_bytes();
  if (pending < kFrameHeaderBytes) return input_finished_ && pending > 0;
  const FrameHeader header =
      header_.value_or(DecodeFrameHeader(input_.data() + begin_));
  return pending - kFrameHeaderBytes >= header.payload_bytes ||
         input_finished_ ||
         (!header_.has_value() && !CheckHeader(header, limits_).ok());
}

// A whole frame is not there: wait for the rest, unless it cannot come.
FrameDecoder::Step FrameDecoder::Starve(FrameErrc code) {
  const size_t pending = buffered_bytes();
  if (!input_finished_ || pending == 0) return Step::kNeedMore;
  if (code == FrameErrc::kTruncatedHeader) {
    return Fail(FrameError(
        code, absl::StrFormat("input ends after %u bytes of a frame header",
                              pending)));
  }
  return Fail(FrameError(
      code,
      absl::StrFormat("input ends after %u of the %u bytes of a frame's "
                      "payload",
                      pending - kFrameHeaderBytes, header_->payload_bytes)));
}

FrameDecoder::Step FrameDecoder::Fail(absl::Status status) {
  status_ = std::move(status);
  // Not input_: a read into its room may be under way.
  begin_ = end_;
  room_filled_ = false;
  header_.reset();
  uncompressed_.Free();
  return Step::kError;
}

}  // namespace coffer
