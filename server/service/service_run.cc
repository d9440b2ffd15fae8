#include "coffer/server/service/service_run.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "coffer/proto/requests.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

// Holds the requests of a busy session without another allocation; idle
// sessions that have spoken once keep this much.
constexpr size_t kFirstBlockBytes = 4096;
constexpr size_t kSlotsKept = 1024;
// About as many as make a frame of some hundred kilobytes.
constexpr size_t kKeysPerRun = 16384;

// Its answer may be as large as the peer accepts.
bool IsUnbounded(const v1::CommandRequest& request) {
  return request.has_hgetall() || request.has_scan() ||
         request.has_list_tables();
}

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
  if (counted_ > slots_.size()) CountAnew();  // full() has counted it
}

void ServiceRun::Cancel(size_t i) {
  COFFER_ASSERT(i < slots_.size() && !executed_);
  slots_[i].cancelled = true;
}

void ServiceRun::CountAnew() {
  counted_ = 0;
  keys_ = 0;
  unbounded_ = false;
}

bool ServiceRun::full() {
  for (; counted_ < slots_.size(); ++counted_) {
    const v1::CommandRequest& request = *slots_[counted_].request;
    keys_ += KeyCount(request);
    if (IsUnbounded(request)) unbounded_ = true;
  }
  return unbounded_ || keys_ >= kKeysPerRun;
}

void ServiceRun::SetDecoded(Clock::TimePoint decoded) {
  Slot& slot = slots_.back();
  const uint64_t deadline_ms = slot.request->deadline_ms();
  if (deadline_ms == 0) return;
  using std::chrono::milliseconds;
  // Later than any clock will get, it is none.
  const auto most = std::chrono::duration_cast<milliseconds>(
      Clock::TimePoint::max() - std::max(decoded, Clock::TimePoint()));
  if (deadline_ms >= static_cast<uint64_t>(most.count())) return;
  slot.deadline = decoded + milliseconds(deadline_ms);
  has_deadlines_ = true;
}

void ServiceRun::AbandonWrites() {
  if (begun_ == 0 && joined_ == 0) return;
  for (Slot& slot : slots_) {
    const uint64_t id = slot.request->request_id();
    if (slot.retry == Retry::kBegun) retries_->Abandon(id);
    if (slot.earlier != nullptr) retries_->Leave(id, slot.earlier.get());
  }
  begun_ = 0;
  joined_ = 0;
}

// Notes that were to be deleted and may be there still.
void ServiceRun::KeepWhatIsNotDeleted() {
  for (const Slot& slot : slots_) {
    if (slot.excess.empty()) continue;
    const Op& note = batch_.ops()[slot.first_op + slot.op_count];
    if (!note.status.ok()) retries_->AddPlaces(slot.excess);
  }
  if (!forgotten_.has_value()) return;
  if (!batch_.ops()[forgotten_op_].status.ok()) {
    retries_->windows().GiveBack(*std::move(forgotten_));
  }
  forgotten_.reset();
}

ServiceRun::~ServiceRun() {
  AbandonWrites();
  KeepWhatIsNotDeleted();
}

void ServiceRun::Clear() {
  AbandonWrites();
  KeepWhatIsNotDeleted();
  if (slots_.capacity() > kSlotsKept) {
    std::vector<Slot>().swap(slots_);
  } else {
    slots_.clear();
  }
  batch_.Clear();
  spare_ = nullptr;
  if (arena_.has_value()) arena_->Reset();
  executed_ = false;
  has_deadlines_ = false;
  start_ = Clock::TimePoint::min();
  CountAnew();
}

}  // namespace coffer::server
