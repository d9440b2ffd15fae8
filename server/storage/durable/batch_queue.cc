#include "coffer/server/storage/durable/batch_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace coffer::server {
namespace {

// What an operation costs beside its bytes, about.
constexpr size_t kBytesPerOp = 128;

size_t BytesOf(const Batch& batch) {
  size_t bytes = 0;
  for (const Op& op : batch.ops()) {
    bytes += kBytesPerOp + op.key.size() + op.value.size();
  }
  return bytes;
}

}  // namespace

absl::Status BatchQueue::Push(Batch* batch, Storage::Done& done) {
  const size_t bytes = BytesOf(*batch);
  {
    std::lock_guard lock(mutex_);
    if (!entries_.empty() && bytes_ + bytes > bytes_max_) {
      return absl::UnavailableError(
          absl::StrCat("overloaded: batches of ", bytes_,
                       " bytes wait for the disk, the limit is ", bytes_max_));
    }
    entries_.push_back({batch, std::move(done), bytes});
    bytes_ += bytes;
  }
  changed_.notify_one();
  return absl::OkStatus();
}

std::vector<BatchQueue::Entry> BatchQueue::Pop(size_t bytes) {
  std::vector<Entry> popped;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !entries_.empty(); });
  size_t taken = 0;
  while (!entries_.empty() &&
         (popped.empty() || taken + entries_.front().bytes <= bytes)) {
    taken += entries_.front().bytes;
    popped.push_back(std::move(entries_.front()));
    entries_.pop_front();
  }
  bytes_ -= taken;
  return popped;
}

void BatchQueue::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace coffer::server
