#include "coffer/testing/fault/split_policy.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "coffer/testing/fault/mix.h"

namespace coffer_testing {

SplitPolicy::SplitPolicy(Kind kind, std::vector<uint64_t> numbers)
    : kind_(kind), numbers_(std::move(numbers)) {}

SplitPolicy SplitPolicy::Whole() { return SplitPolicy(Kind::kWhole, {}); }

SplitPolicy SplitPolicy::Max(size_t bytes) {
  return SplitPolicy(Kind::kMax, {std::max<size_t>(bytes, 1)});
}

SplitPolicy SplitPolicy::Half() { return SplitPolicy(Kind::kHalf, {}); }

SplitPolicy SplitPolicy::Sizes(std::vector<size_t> bytes) {
  if (bytes.empty()) return Whole();
  std::vector<uint64_t> sizes;
  for (const size_t size : bytes) sizes.push_back(std::max<size_t>(size, 1));
  return SplitPolicy(Kind::kSizes, std::move(sizes));
}

SplitPolicy SplitPolicy::AtOffsets(std::vector<uint64_t> offsets) {
  if (offsets.empty()) return Whole();
  std::sort(offsets.begin(), offsets.end());
  return SplitPolicy(Kind::kAtOffsets, std::move(offsets));
}

SplitPolicy SplitPolicy::Seeded(uint64_t seed) {
  return SplitPolicy(Kind::kSeeded, {seed});
}

size_t SplitPolicy::Limit(uint64_t operation, uint64_t offset,
                          size_t asked) const {
  uint64_t limit = asked;
  switch (kind_) {
    case Kind::kWhole:
      break;
    case Kind::kMax:
      limit = numbers_[0];
      break;
    case Kind::kHalf:
      limit = asked / 2;
      break;
    case Kind::kSizes:
      limit = numbers_[operation % numbers_.size()];
      break;
    case Kind::kAtOffsets: {
      const auto next =
          std::upper_bound(numbers_.begin(), numbers_.end(), offset);
      if (next != numbers_.end()) limit = *next - offset;
      break;
    }
    case Kind::kSeeded: {
      const uint64_t chance = internal::Mix(numbers_[0], operation);
      const int magnitudes = std::bit_width(asked);
      const uint64_t below = uint64_t{2} << (chance % magnitudes);
      limit = 1 + (chance >> 32) % (below - 1);
      break;
    }
  }
  return static_cast<size_t>(std::clamp<uint64_t>(limit, 1, asked));
}

std::string SplitPolicy::ToString() const {
  const std::string numbers = absl::StrJoin(numbers_, ",");
  switch (kind_) {
    case Kind::kWhole:
      return "whole";
    case Kind::kMax:
      return numbers;
    case Kind::kHalf:
      return "half";
    case Kind::kSizes:
      return absl::StrCat("sizes(", numbers, ")");
    case Kind::kAtOffsets:
      return absl::StrCat("at(", numbers, ")");
    case Kind::kSeeded:
      return absl::StrCat("seed(", numbers, ")");
  }
  return "";
}

absl::StatusOr<SplitPolicy> SplitPolicy::Parse(absl::string_view text) {
  if (text == "whole") return Whole();
  if (text == "half") return Half();
  absl::string_view rest = text;
  Kind kind = Kind::kMax;
  for (const auto& [name, named] :
       {std::pair("sizes(", Kind::kSizes), std::pair("at(", Kind::kAtOffsets),
        std::pair("seed(", Kind::kSeeded)}) {
    if (absl::EndsWith(text, ")") && absl::ConsumePrefix(&rest, name)) {
      rest.remove_suffix(1);
      kind = named;
    }
  }
  const auto refused = absl::InvalidArgumentError(
      absl::StrCat("no split is \"", text,
                   "\": whole, half, BYTES, sizes(BYTES,...), at(OFFSET,...) "
                   "and seed(NUMBER) are"));
  std::vector<uint64_t> numbers;
  for (const absl::string_view part : absl::StrSplit(rest, ',')) {
    if (!absl::SimpleAtoi(part, &numbers.emplace_back())) return refused;
  }
  const bool one = kind == Kind::kMax || kind == Kind::kSeeded;
  if (one && numbers.size() != 1) return refused;
  const bool sizes = kind == Kind::kMax || kind == Kind::kSizes;
  if (sizes && std::count(numbers.begin(), numbers.end(), 0) > 0) {
    return refused;
  }
  if (kind == Kind::kAtOffsets) return AtOffsets(std::move(numbers));
  return SplitPolicy(kind, std::move(numbers));
}

}  // namespace coffer_testing
