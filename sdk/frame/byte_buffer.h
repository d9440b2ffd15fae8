// A block of uninitialised memory of a known size: what FrameDecoder reads into
// and what a payload is uncompressed into. Unlike std::string it never clears
// what is about to be overwritten, never grows on its own, and says how much it
// holds, so that a test can put a bound on it. The owner keeps the positions.
//
// Not safe for use by several threads at once. Movable; the source is empty.

#ifndef COFFER_SDK_FRAME_BYTE_BUFFER_H_
#define COFFER_SDK_FRAME_BYTE_BUFFER_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::internal {

// Memory up to this size stays with a connection between its messages; more
// was for a large message and is given back after it.
inline constexpr size_t kKeepBytes = size_t{64} << 10;

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  char* data() { return data_.get(); }
  const char* data() const { return data_.get(); }
  size_t capacity() const { return capacity_; }

  // Exchanges the memory for `capacity` bytes that begin with a copy of `kept`,
  // which may lie in the old memory.
  void Reallocate(size_t capacity, absl::string_view kept = {}) {
    COFFER_ASSERT(kept.size() <= capacity);
    auto fresh = std::make_unique_for_overwrite<char[]>(capacity);
    if (!kept.empty()) std::memcpy(fresh.get(), kept.data(), kept.size());
    data_ = std::move(fresh);
    capacity_ = capacity;
  }

  void Free() {
    data_.reset();
    capacity_ = 0;
  }

  void FreeIfLarge() {
    if (capacity_ > kKeepBytes) Free();
  }

 private:
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_FRAME_BYTE_BUFFER_H_
