// BatchQueue: batches that wait for a thread of the engine, up to so many
// bytes. Any thread may call it.

#ifndef COFFER_SERVER_STORAGE_DURABLE_BATCH_QUEUE_H_
#define COFFER_SERVER_STORAGE_DURABLE_BATCH_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/storage.h"

namespace coffer::server {

class BatchQueue {
 public:
  struct Entry {
    Batch* batch = nullptr;
    Storage::Done done;
    size_t bytes = 0;
  };

  explicit BatchQueue(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Unavailable, and nothing is taken from `done`: it would pass the limit, and
  // is not the only one.
  absl::Status Push(Batch* batch, Storage::Done& done);

  // Blocks until something waits, and takes what has come first: one at least,
  // then as many as stay within so many bytes. None: the queue is closed and
  // empty.
  std::vector<Entry> Pop(size_t bytes);

  // Nothing is pushed any more.
  void Close();

 private:
  const size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_BATCH_QUEUE_H_
