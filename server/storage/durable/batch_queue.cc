#include "coffer/server/storage/durable/batch_queue.h"

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace coffer::server {
namespace {

// What an operation costs beside its bytes, about.
constexpr size_t kBytesPerOp = 128;

size_t BytesOf(const Batch& batch) {
  size_t bytes = 0;
  for (const Op& op : batch.ops()) {
    bytes += kBytesPerOp + op.table.size() + op.key.size() + op.value.size();
    if (op.change != nullptr) bytes += op.change->bytes();
    if (op.page == nullptr) continue;
    const PageRange& page = *op.page;
    bytes += page.cursor.size() + page.prefix.size() + page.begin.size() +
             page.end.size();
  }
  return bytes;
}

}  // namespace

BatchQueue::BatchQueue(size_t bytes_max, Clock* clock)
    : bytes_max_(bytes_max), timer_(clock->MakeTimer(io_.get_executor())) {}

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
    if (wanted_ > 0 && entries_.size() >= wanted_) EndWait();
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

size_t BatchQueue::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

size_t BatchQueue::WaitFor(size_t batches, Clock::TimePoint until) {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || entries_.size() >= batches) return entries_.size();
    wanted_ = batches;
  }
  // Until then, or until EndWait has cancelled it.
  timer_->WaitUntil(until, [](boost::system::error_code) {});
  io_.restart();
  io_.run();
  std::unique_lock lock(mutex_);
  wanted_ = 0;
  const size_t there = entries_.size();
  lock.unlock();
  // An EndWait that came too late would end the next wait.
  io_.restart();
  io_.poll();
  return there;
}

// Under the lock.
void BatchQueue::EndWait() {
  wanted_ = 0;
  boost::asio::post(io_, [this] { timer_->Cancel(); });
}

void BatchQueue::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    if (wanted_ > 0) EndWait();
  }
  changed_.notify_all();
}

}  // namespace coffer::server
