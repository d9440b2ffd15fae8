// BatchQueue: batches that wait for a thread of the engine, up to so many
// bytes. Any thread may call it.

#ifndef COFFER_SERVER_STORAGE_DURABLE_BATCH_QUEUE_H_
#define COFFER_SERVER_STORAGE_DURABLE_BATCH_QUEUE_H_

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
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

  // The clock, which is for WaitFor, outlives it.
  BatchQueue(size_t bytes_max, Clock* clock);

  // Unavailable, and nothing is taken from `done`: it would pass the limit, and
  // is not the only one.
  absl::Status Push(Batch* batch, Storage::Done& done);

  // Blocks until something waits, and takes what has come first: one at least,
  // then as many as stay within so many bytes. None: the queue is closed and
  // empty.
  std::vector<Entry> Pop(size_t bytes);

  // Blocks until so many wait, or it is later than `until`, or closed; returns
  // how many do. One thread at a time.
  size_t WaitFor(size_t batches, Clock::TimePoint until);
  size_t size() const;

  // Nothing is pushed any more.
  void Close();

 private:
  void EndWait();

  const size_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
  bool closed_ = false;

  // Of WaitFor, whose thread runs it.
  boost::asio::io_context io_{1};
  const std::unique_ptr<Timer> timer_;
  size_t wanted_ = 0;  // under the lock; 0: it need not be told
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_BATCH_QUEUE_H_
