#include "coffer/server/service/retry/retry_window.h"

#include <algorithm>
#include <utility>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

constexpr std::size_t kLeastSlots = 16;
constexpr std::size_t kPlacesKept = 16;

// What a string has taken from the heap: nothing while it fits into itself.
std::size_t HeapBytes(const std::string& text) {
  static const std::size_t kInside = std::string().capacity();
  return text.capacity() > kInside ? text.capacity() + 1 : 0;
}

}  // namespace

std::uint32_t& RetryWindow::Bucket(std::uint64_t id) {
  // Spreads ids that have a step in common; their high bits are mixed best.
  const std::uint64_t mixed = id * 0x9e3779b97f4a7c15u;
  return buckets_[(mixed >> 32) & (buckets_.size() - 1)];
}

std::uint32_t RetryWindow::IndexOf(const Entry& entry) const {
  const auto* slot = static_cast<const Slot*>(&entry);
  return static_cast<std::uint32_t>(slot - slots_.data());
}

RetryWindow::Entry* RetryWindow::Find(std::uint64_t id) {
  if (buckets_.empty()) return nullptr;
  for (std::uint32_t i = Bucket(id); i != kNone; i = slots_[i].chain) {
    if (slots_[i].id == id) return &slots_[i];
  }
  return nullptr;
}

RetryWindow::Entry& RetryWindow::Add(std::uint64_t id) {
  const std::uint32_t index = Take();
  Slot& slot = slots_[index];
  slot.used = true;
  slot.id = id;
  slot.running = true;
  slot.retried = false;
  slot.place = 0;
  slot.run = nullptr;
  slot.joined = nullptr;
  slot.chain = std::exchange(Bucket(id), index);
  return slot;
}

void RetryWindow::SetAnswered(Entry& entry) {
  const std::uint32_t index = IndexOf(entry);
  COFFER_ASSERT(entry.running);
  entry.running = false;
  entry.run = nullptr;
  Count(slots_[index]);
  Append(index);
  while (answered_ > answers_max_) EvictOldest();
}

void RetryWindow::Remove(Entry& entry) {
  COFFER_ASSERT(entry.running);
  Free(IndexOf(entry));
}

void RetryWindow::EvictOldest() {
  const std::uint32_t index = oldest_;
  const Entry& entry = slots_[index];
  floor_ = std::max(floor_, entry.id);
  if (entry.retried) retried_floor_ = std::max(retried_floor_, entry.id);
  oldest_ = slots_[index].newer;
  (oldest_ == kNone ? newest_ : slots_[oldest_].older) = kNone;
  --answered_;
  Free(index);
}

void RetryWindow::DropOlderHalf() {
  for (std::size_t drop = (answered_ + 1) / 2; drop > 0; --drop) EvictOldest();
  // What is left moves to slots that are as many as it needs.
  std::vector<Slot> left = std::exchange(slots_, {});
  std::vector<std::uint32_t>().swap(buckets_);
  const std::uint32_t oldest = std::exchange(oldest_, kNone);
  newest_ = free_ = kNone;
  answered_ = answer_bytes_ = 0;
  auto move = [this](Entry& from) {
    Entry& to = Add(from.id);
    to.running = from.running;
    to.retried = from.retried;
    to.place = from.place;
    to.run = from.run;
    to.joined = from.joined;
    to.answer = std::string(from.answer);  // without room to spare
    Count(slots_[IndexOf(to)]);
    return IndexOf(to);
  };
  for (std::uint32_t i = oldest; i != kNone; i = left[i].newer) {
    Append(move(left[i]));
  }
  for (Slot& slot : left) {
    if (slot.used && slot.running) move(slot);
  }
}

void RetryWindow::Restore(std::uint64_t id, bool retried, std::uint64_t place,
                          std::string answer) {
  Entry& entry = Add(id);
  entry.retried = retried;
  entry.place = place;
  entry.answer = std::move(answer);
  SetAnswered(entry);
}

void RetryWindow::RaiseFloors(std::uint64_t floor,
                              std::uint64_t retried_floor) {
  floor_ = std::max(floor_, floor);
  retried_floor_ = std::max(retried_floor_, retried_floor);
}

std::uint64_t RetryWindow::TakePlace() {
  if (places_.empty()) return 0;
  const std::uint64_t place = places_.back();
  places_.pop_back();
  return place;
}

std::vector<std::uint64_t> RetryWindow::TakeExcess(std::size_t most) {
  if (places_.size() <= kPlacesKept) return {};
  const std::size_t count = std::min(most, places_.size() - kPlacesKept);
  const auto begin = places_.end() - static_cast<std::ptrdiff_t>(count);
  const std::vector<std::uint64_t> taken(begin, places_.end());
  places_.erase(begin, places_.end());
  // After a large part of the window has left.
  if (places_.size() == kPlacesKept) places_.shrink_to_fit();
  return taken;
}

void RetryWindow::AddPlaces(const std::vector<std::uint64_t>& places) {
  places_.insert(places_.end(), places.begin(), places.end());
}

std::vector<std::uint64_t> RetryWindow::Places() const {
  std::vector<std::uint64_t> places = places_;
  for (const Slot& slot : slots_) {
    if (slot.used && slot.place != 0) places.push_back(slot.place);
  }
  return places;
}

std::size_t RetryWindow::bytes() const {
  return slots_.capacity() * sizeof(Slot) +
         buckets_.capacity() * sizeof(std::uint32_t) + answer_bytes_ +
         places_.capacity() * sizeof(std::uint64_t);
}

std::uint32_t RetryWindow::Take() {
  if (free_ != kNone) return std::exchange(free_, slots_[free_].chain);
  if (slots_.size() == slots_.capacity()) Grow();
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void RetryWindow::Grow() {
  const std::size_t slots = std::max(kLeastSlots, 2 * slots_.size());
  slots_.reserve(slots);
  buckets_.assign(slots, kNone);
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].used) {
      slots_[i].chain = std::exchange(Bucket(slots_[i].id), i);
    }
  }
}

void RetryWindow::Count(Slot& slot) {
  const std::size_t bytes = HeapBytes(slot.answer);
  answer_bytes_ += bytes - std::exchange(slot.answer_bytes, bytes);
}

void RetryWindow::Append(std::uint32_t index) {
  slots_[index].older = newest_;
  slots_[index].newer = kNone;
  (newest_ == kNone ? oldest_ : slots_[newest_].newer) = index;
  newest_ = index;
  ++answered_;
}

void RetryWindow::Unchain(std::uint32_t index) {
  std::uint32_t* link = &Bucket(slots_[index].id);
  while (*link != index) link = &slots_[*link].chain;
  *link = slots_[index].chain;
}

void RetryWindow::Free(std::uint32_t index) {
  Unchain(index);
  if (slots_[index].place != 0) places_.push_back(slots_[index].place);
  slots_[index].used = false;
  slots_[index].chain = std::exchange(free_, index);
}

}  // namespace coffer::server
