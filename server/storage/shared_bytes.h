// SharedBytes: immutable bytes with an atomic reference count, in one
// allocation, behind one pointer. An engine keeps keys and values in them and
// hands out references, so that a result costs a count instead of a copy and
// stays as it was when the key is overwritten or deleted meanwhile.
//
// Null (no bytes at all: an absent value) differs from empty (a value of no
// bytes): Copy("") is empty, SharedBytes() is null.
//
// Copies of one SharedBytes may be used and destroyed on different threads at
// once; a single object is no more thread safe than a pointer is.

#ifndef COFFER_SERVER_STORAGE_SHARED_BYTES_H_
#define COFFER_SERVER_STORAGE_SHARED_BYTES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "absl/strings/string_view.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::server {

class SharedBytes {
 public:
  // The most that one holds.
  static constexpr size_t kSizeMax = std::numeric_limits<uint32_t>::max();

  SharedBytes() = default;
  // `bytes` is at most kSizeMax long: the caller's duty, asserted.
  static SharedBytes Copy(absl::string_view bytes) {
    COFFER_ASSERT(bytes.size() <= kSizeMax);
    void* memory = ::operator new(sizeof(Block) + bytes.size());
    Block* block = new (memory) Block(static_cast<uint32_t>(bytes.size()));
    if (!bytes.empty()) {
      std::memcpy(static_cast<void*>(block + 1), bytes.data(), bytes.size());
    }
    return SharedBytes(block);
  }

  SharedBytes(const SharedBytes& other) : block_(other.block_) {
    // Relaxed: whoever copies holds a reference already.
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBytes(SharedBytes&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() {
    if (block_ &&
        block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      block_->~Block();
      ::operator delete(block_);
    }
  }

  explicit operator bool() const { return block_ != nullptr; }
  size_t size() const { return block_ ? block_->size : 0; }
  // Valid while this or a copy of it lives; empty if null.
  absl::string_view view() const {
    if (!block_) return {};
    return {reinterpret_cast<const char*>(block_ + 1), block_->size};
  }

 private:
  struct Block {  // the bytes follow
    explicit Block(uint32_t size_in) : size(size_in) {}
    std::atomic<uint32_t> references{1};
    const uint32_t size;
  };

  explicit SharedBytes(Block* block) : block_(block) {}

  Block* block_ = nullptr;
};

static_assert(sizeof(SharedBytes) == sizeof(void*));

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_SHARED_BYTES_H_
