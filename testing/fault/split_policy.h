// SplitPolicy: how many bytes an operation may move, of those it asks for: into
// which pieces a FaultStream divides what passes through it.
//
//   SplitPolicy::OneByte()        the strictest
//   SplitPolicy::Seeded(seed)     all sizes, small ones as often as large ones
//
// A policy is a value, and a pure function of the number of the operation and
// its place in the stream: the same run is always divided the same way.

#ifndef COFFER_TESTING_FAULT_SPLIT_POLICY_H_
#define COFFER_TESTING_FAULT_SPLIT_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer_testing {

class SplitPolicy {
 public:
  // As it comes.
  static SplitPolicy Whole();
  // At most so many bytes; 0 counts as 1.
  static SplitPolicy Max(size_t bytes);
  static SplitPolicy OneByte() { return Max(1); }
  // Half of what the operation asks for, at least one byte.
  static SplitPolicy Half();
  // The first operation at most the first size, and so on, and from the front
  // again. None: as it comes.
  static SplitPolicy Sizes(std::vector<size_t> bytes);
  // No operation goes over one of these offsets in the stream.
  static SplitPolicy AtOffsets(std::vector<uint64_t> offsets);
  // From 1 to all, evenly by order of magnitude.
  static SplitPolicy Seeded(uint64_t seed);

  // How many bytes the operation may move: from 1 to `asked`, which is not 0.
  // `offset` is what was moved before it.
  size_t Limit(uint64_t operation, uint64_t offset, size_t asked) const;

  // "whole", "1", "half", "sizes(1,3,7)", "at(4,40)", "seed(42)": Parse reads
  // what ToString writes, and gives InvalidArgument for the rest.
  std::string ToString() const;
  static absl::StatusOr<SplitPolicy> Parse(absl::string_view text);

  bool operator==(const SplitPolicy&) const = default;

 private:
  enum class Kind { kWhole, kMax, kHalf, kSizes, kAtOffsets, kSeeded };

  SplitPolicy(Kind kind, std::vector<uint64_t> numbers);

  Kind kind_;
  std::vector<uint64_t> numbers_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_FAULT_SPLIT_POLICY_H_
