// Where the records of a RocksDB log end, after a kill or a loss of power.
//
// A log is made longer with zeros before it is written to (log_file_system.h),
// and its last write may be there in part: up to some byte, or some sectors of
// it and not others. RocksDB would take that for damage, or, where zeros stand
// in front, skip what is behind them. So the file is given to RocksDB only up
// to where its whole writes end.
//
// With a sync for each write, only one write at a time is not synced: the last.
// Its remains are taken for such only if something of it is missing: its end,
// or a sector, in whose place there are zeros. And if there is no write behind
// it: that one was begun after it was synced. Whatever else is wrong is damage,
// and left to RocksDB, which says so, or is a hole. What cannot be told from a
// write that was torn is one that was synced, was the last, and then lost a
// sector.
//
// Pure. One thread.

#ifndef COFFER_SERVER_STORAGE_DURABLE_LOG_END_H_
#define COFFER_SERVER_STORAGE_DURABLE_LOG_END_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace coffer::server {

class LogEndFinder {
 public:
  // The next bytes of the file, from its beginning to its end.
  void Add(absl::string_view bytes);

  struct Result {
    // Nothing behind it is to be read.
    uint64_t end = 0;
    // There are zeros, and writes behind them: some are missing.
    bool has_hole = false;
    // Behind the end are the remains of a write.
    bool is_torn = false;
  };
  // Once, after the last bytes.
  Result Finish();

 private:
  void ReadBlock();

  std::string block_;  // the one that is not complete yet
  uint64_t bytes_ = 0;
  uint64_t last_nonzero_end_ = 0;  // past the last byte that is not zero
  // From the beginning of the last write on.
  uint64_t tail_begin_ = 0;
  std::string tail_;
  bool stopped_ = false;  // there is something that is no record
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_LOG_END_H_
