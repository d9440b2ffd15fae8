#include "coffer/server/service/service_run.h"

#include <utility>

#include "coffer/sdk/internal/assert.h"
#include "coffer/server/service/command.h"

namespace coffer::server {
namespace {

// Holds the requests of a busy session without another allocation; idle
// sessions that have spoken once keep this much.
constexpr size_t kFirstBlockBytes = 4096;
constexpr size_t kSlotsKept = 1024;
// About as many as make a frame of some hundred kilobytes.
constexpr size_t kKeysPerRun = 16384;

}  // namespace

v1::CommandRequest& ServiceRun::AddRequest() {
  COFFER_ASSERT(!executed_ && "cleared between runs");
  if (!arena_.has_value()) {
    first_block_ = std::make_unique<char[]>(kFirstBlockBytes);
    arena_.emplace(first_block_.get(), kFirstBlockBytes);
  }
  Slot slot;
  slot.request = std::exchange(spare_, nullptr);
  if (slot.request == nullptr) {
    slot.request =
        google::protobuf::Arena::CreateMessage<v1::CommandRequest>(&*arena_);
  }
  slots_.push_back(std::move(slot));
  return *slots_.back().request;
}

void ServiceRun::DropLast() {
  COFFER_ASSERT(!slots_.empty() && !executed_);
  spare_ = slots_.back().request;
  spare_->Clear();
  slots_.pop_back();
  if (counted_ > slots_.size()) {  // full() has counted it: count anew
    counted_ = 0;
    keys_ = 0;
    unbounded_ = false;
  }
}

bool ServiceRun::full() {
  for (; counted_ < slots_.size(); ++counted_) {
    const v1::CommandRequest& request = *slots_[counted_].request;
    keys_ += KeyCount(request);
    if (request.has_hgetall()) unbounded_ = true;
  }
  return unbounded_ || keys_ >= kKeysPerRun;
}

void ServiceRun::Clear() {
  if (slots_.capacity() > kSlotsKept) {
    std::vector<Slot>().swap(slots_);
  } else {
    slots_.clear();
  }
  batch_.Clear();
  spare_ = nullptr;
  if (arena_.has_value()) arena_->Reset();
  executed_ = false;
  counted_ = 0;
  keys_ = 0;
  unbounded_ = false;
}

}  // namespace coffer::server
