// LatencyHistogram: how long calls took, in buckets of 3 % each. One thread.

#ifndef COFFER_TOOLS_BENCH_LOAD_LATENCY_HISTOGRAM_H_
#define COFFER_TOOLS_BENCH_LOAD_LATENCY_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace coffer::bench {

class LatencyHistogram {
 public:
  void Add(uint64_t nanoseconds) {
    ++counts_[BucketOf(nanoseconds)];
    ++count_;
    longest_ = std::max(longest_, nanoseconds);
  }

  uint64_t count() const { return count_; }
  uint64_t longest() const { return longest_; }

  // The time in nanoseconds that this part of the calls, above 0 and up to 1,
  // did not exceed, to within a bucket; 0 without calls.
  uint64_t Percentile(double part) const {
    const double wanted = part * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) {
        return std::min(LastOf(i), longest_);
      }
    }
    return 0;
  }

 private:
  // Each power of two is divided into so many; below it, each has its own.
  static constexpr int kParts = 32;
  static constexpr int kPartsLog = 5;

  static size_t BucketOf(uint64_t value) {
    if (value < kParts) return static_cast<size_t>(value);
    const int shift = std::bit_width(value) - 1 - kPartsLog;
    return static_cast<size_t>(shift) * kParts +
           static_cast<size_t>(value >> shift);
  }
  static uint64_t LastOf(size_t bucket) {
    if (bucket < 2 * kParts) return bucket;
    const int shift = static_cast<int>(bucket / kParts) - 1;
    const uint64_t first = (bucket % kParts + kParts) << shift;
    return first + (uint64_t{1} << shift) - 1;
  }

  std::array<uint64_t, kParts*(64 - kPartsLog + 1)> counts_{};
  uint64_t count_ = 0;
  uint64_t longest_ = 0;
};

}  // namespace coffer::bench

#endif  // COFFER_TOOLS_BENCH_LOAD_LATENCY_HISTOGRAM_H_
