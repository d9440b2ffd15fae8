#include "coffer/testing/disk/fake_file.h"

#include <algorithm>
#include <utility>

namespace coffer_testing {

void FakeFile::Apply(const Change& change, std::string* to) {
  if (change.truncates) {
    to->resize(change.offset, '\0');
    return;
  }
  const std::uint64_t end = change.offset + change.bytes.size();
  if (to->size() < end) to->resize(end, '\0');
  to->replace(change.offset, change.bytes.size(), change.bytes);
}

void FakeFile::Write(std::uint64_t offset, absl::string_view bytes) {
  pending_.push_back({.offset = offset, .bytes = std::string(bytes)});
  Apply(pending_.back(), &bytes_);
}

void FakeFile::Truncate(std::uint64_t size) {
  pending_.push_back({.truncates = true, .offset = size});
  Apply(pending_.back(), &bytes_);
}

void FakeFile::Sync() {
  for (const Change& change : pending_) Apply(change, &synced_);
  pending_.clear();
}

void FakeFile::ForgetPending() { pending_.clear(); }

void FakeFile::LosePower(PowerLoss manner, std::mt19937_64& random) {
  switch (manner) {
    case PowerLoss::kDropped:
      break;
    case PowerLoss::kTorn:
      Tear(random);
      break;
    case PowerLoss::kReordered:
      Reorder(random);
      break;
  }
  pending_.clear();
  bytes_ = synced_;
}

void FakeFile::Tear(std::mt19937_64& random) {
  if (pending_.empty()) return;
  const std::size_t whole = random() % (pending_.size() + 1);
  for (std::size_t i = 0; i < whole; ++i) Apply(pending_[i], &synced_);
  if (whole == pending_.size() || pending_[whole].truncates) return;
  Change last = std::move(pending_[whole]);
  std::size_t kept = random() % (last.bytes.size() + 1);
  if (random() % 2 == 0) {
    // Up to the end of a sector.
    const std::uint64_t end =
        (last.offset + kept) / kSectorBytes * kSectorBytes;
    kept = end > last.offset ? end - last.offset : 0;
  }
  last.bytes.resize(kept);
  if (kept > 0) Apply(last, &synced_);
}

void FakeFile::Reorder(std::mt19937_64& random) {
  if (pending_.empty()) return;
  std::vector<bool> touched(bytes_.size() / kSectorBytes + 1);
  for (const Change& change : pending_) {
    if (change.truncates || change.bytes.empty()) continue;
    const std::uint64_t last =
        (change.offset + change.bytes.size() - 1) / kSectorBytes;
    for (std::uint64_t i = change.offset / kSectorBytes;
         i <= last && i < touched.size(); ++i) {
      touched[i] = true;
    }
  }
  const std::size_t least = std::min(synced_.size(), bytes_.size());
  const std::size_t most = std::max(synced_.size(), bytes_.size());
  std::size_t size = most;
  switch (random() % 3) {
    case 0:
      size = least;
      break;
    case 1:
      size = least + random() % (most - least + 1);
      break;
    default:
      break;
  }
  std::string left = synced_;
  left.resize(size, '\0');
  for (std::size_t i = 0; i < touched.size(); ++i) {
    const std::size_t begin = i * kSectorBytes;
    if (!touched[i] || begin >= size || begin >= bytes_.size()) continue;
    if (random() % 2 == 0) continue;
    const std::size_t count =
        std::min({kSectorBytes, size - begin, bytes_.size() - begin});
    left.replace(begin, count, bytes_, begin, count);
  }
  synced_ = std::move(left);
}

void FakeFile::FlipBit(std::uint64_t offset, int bit) {
  for (std::string* bytes : {&bytes_, &synced_}) {
    if (offset >= bytes->size()) continue;
    (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ (1 << bit));
  }
}

}  // namespace coffer_testing
