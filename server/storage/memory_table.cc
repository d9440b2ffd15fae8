#include "coffer/server/storage/memory_table.h"

#include <algorithm>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

// More bits would only come of hashes that were chosen to collide.
constexpr int kDepthMax = 24;

}  // namespace

MemoryRecord* MemoryTable::Find(absl::string_view key) {
  Records& records = SegmentOf(key).records;
  auto it = records.find(key);
  return it == records.end() ? nullptr : &it->second;
}

void MemoryTable::Insert(absl::string_view key, MemoryRecord record) {
  if (SegmentOf(key).records.size() >= kSegmentKeysMax) Split(HashOf(key));
  const bool inserted =
      SegmentOf(key)
          .records.try_emplace(SharedBytes::Copy(key), std::move(record))
          .second;
  COFFER_ASSERT(inserted && "the key was absent");
  ++size_;
}

MemoryRecord MemoryTable::Erase(absl::string_view key) {
  Records& records = SegmentOf(key).records;
  auto it = records.find(key);
  COFFER_ASSERT(it != records.end() && "the key was there");
  MemoryRecord record = std::move(it->second);
  if (record.expires) ForgetTime(key);
  records.erase(it);
  --size_;
  return record;
}

// Once, although both halves may be as full as before: the next insertion goes
// on with it.
void MemoryTable::Split(uint64_t hash) {
  if (depth_ == 0) {
    directory_ = {std::make_shared<Segment>(std::move(first_)), nullptr};
    directory_[1] = directory_[0];
    depth_ = 1;
    first_ = Segment();
  }
  const std::shared_ptr<Segment> full = directory_[IndexOf(hash)];
  if (full->depth == kDepthMax) return;
  if (full->depth == depth_) {
    std::vector<std::shared_ptr<Segment>> twice;
    twice.reserve(directory_.size() * 2);
    for (const auto& segment : directory_) {
      twice.push_back(segment);
      twice.push_back(segment);
    }
    directory_ = std::move(twice);
    ++depth_;
  }
  const int depth = full->depth + 1;
  const auto low = std::make_shared<Segment>();
  const auto high = std::make_shared<Segment>();
  low->depth = high->depth = depth;
  for (auto& [key, record] : full->records) {
    const bool is_high = (HashOf(key.view()) >> (64 - depth)) & 1;
    (is_high ? high : low)->records.emplace(key, std::move(record));
  }
  const size_t places = size_t{1} << (depth_ - full->depth);
  const size_t first = IndexOf(hash) / places * places;
  for (size_t i = 0; i < places; ++i) {
    directory_[first + i] = i < places / 2 ? low : high;
  }
}

void MemoryTable::SetExpiry(absl::string_view key, MemoryRecord* record,
                            uint64_t at_ms) {
  if (record->expires) ForgetTime(key);
  record->expires = at_ms != 0;
  if (at_ms == 0) return;
  if (times_ == nullptr) times_ = std::make_unique<Times>();
  const Records& records = SegmentOf(key).records;
  const SharedBytes& shared = records.find(key)->first;
  const uint64_t bytes = key.size() + record->value.size();
  times_->in_order.emplace(at_ms, shared);
  times_->by_key.emplace(shared, Times::Time{at_ms, bytes});
  Totals& totals = times_->totals[at_ms];
  ++totals.keys;
  totals.bytes += bytes;
}

void MemoryTable::ForgetTime(absl::string_view key) {
  auto it = times_->by_key.find(key);
  COFFER_ASSERT(it != times_->by_key.end() &&
                "the record says that it expires");
  const Times::Time time = it->second;
  times_->in_order.erase(std::make_pair(time.at_ms, it->first));
  times_->by_key.erase(it);
  auto totals = times_->totals.find(time.at_ms);
  totals->second.bytes -= time.bytes;
  if (--totals->second.keys == 0) times_->totals.erase(totals);
  if (times_->by_key.empty()) times_.reset();
}

MemoryTable::Totals MemoryTable::Due(uint64_t now_ms) const {
  Totals due;
  if (times_ == nullptr) return due;
  for (const auto& [at_ms, totals] : times_->totals) {
    if (at_ms > now_ms) break;
    due.keys += totals.keys;
    due.bytes += totals.bytes;
  }
  return due;
}

void MemoryTable::ForEachDue(uint64_t now_ms, DueVisitor visit) const {
  if (times_ == nullptr) return;
  for (const auto& [at_ms, key] : times_->in_order) {
    if (at_ms > now_ms || !visit(key)) return;
  }
}

bool MemoryTable::ForEach(Visitor visit) const {
  const Segment* last = nullptr;
  for (size_t i = 0; i < (depth_ == 0 ? 1 : directory_.size()); ++i) {
    const Segment* const segment = depth_ == 0 ? &first_ : directory_[i].get();
    if (segment == last) continue;
    last = segment;
    for (const auto& [key, record] : segment->records) {
      if (!visit(key, record)) return false;
    }
  }
  return true;
}

uint64_t MemoryTable::SegmentFrom(const Position& from,
                                  std::vector<Found>* found) const {
  const Segment& segment = SegmentAt(from.hash);
  found->clear();
  for (const auto& [key, record] : segment.records) {
    const uint64_t hash = HashOf(key.view());
    if (hash < from.hash || (hash == from.hash && key.view() < from.key)) {
      continue;
    }
    found->push_back({hash, &key, &record});
  }
  std::sort(found->begin(), found->end(), [](const Found& a, const Found& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    return a.key->view() < b.key->view();
  });
  if (segment.depth == 0) return 0;
  const int shift = 64 - segment.depth;
  return ((from.hash >> shift) + 1) << shift;  // 0 behind the last
}

bool MemoryTable::FreeSome() {
  if (times_ != nullptr) {
    auto& in_order = times_->in_order;
    for (size_t i = 0; i < kSegmentKeysMax && !in_order.empty(); ++i) {
      times_->by_key.erase(in_order.begin()->second);
      in_order.erase(in_order.begin());
    }
    if (!in_order.empty()) return true;
    times_.reset();
  }
  if (directory_.empty()) {
    first_ = Segment();
    return false;
  }
  const Segment* const last = directory_.back().get();
  while (!directory_.empty() && directory_.back().get() == last) {
    directory_.pop_back();
  }
  return !directory_.empty();
}

}  // namespace coffer::server
