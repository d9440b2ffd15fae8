// ReadPieces: how many keys are read at once, so that what a MultiGet holds is
// bounded whatever the values are, and many small ones are read together.
//
// RocksDB looks at ReadOptions::value_size_soft_limit only once it has fetched
// the blocks of all keys that it looks for in one file: so the first piece is
// small, and those behind large values are.
//
// One thread.

#ifndef COFFER_SERVER_STORAGE_DURABLE_READ_PIECES_H_
#define COFFER_SERVER_STORAGE_DURABLE_READ_PIECES_H_

#include <algorithm>
#include <cstddef>

namespace coffer::server {

class ReadPieces {
 public:
  // No more keys are read behind so many bytes.
  static constexpr size_t kBytes = size_t{16} << 20;

  // The next piece.
  size_t keys() const { return keys_; }

  // A piece had so many bytes.
  void Read(size_t bytes) {
    keys_ = bytes > kBytes / 8 ? std::max<size_t>(1, keys_ / 4)
                               : std::min(kKeysMax, keys_ * 2);
  }

 private:
  static constexpr size_t kKeysMax = 64;

  size_t keys_ = 8;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_READ_PIECES_H_
