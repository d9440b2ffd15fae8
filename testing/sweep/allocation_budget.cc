#include "coffer/testing/sweep/allocation_budget.h"

#include <execinfo.h>

#include "absl/debugging/symbolize.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace coffer_testing {

AllocationBudget::AllocationBudget(uint64_t allocations_max,
                                   std::source_location where)
    : allocations_max_(allocations_max), where_(where) {}

AllocationBudget::~AllocationBudget() {
  if (!ended_) End();
}

void AllocationBudget::OnAllocation(size_t bytes) {
  if (ended_) return;
  ++allocations_;
  bytes_ += bytes;
  if (allocations_ != allocations_max_ + 1) return;
  excess_bytes_ = bytes;
  frame_count_ = backtrace(frames_.data(), static_cast<int>(frames_.size()));
}

void AllocationBudget::End() {
  const bool again = ended_;
  ended_ = true;
  const auto fail = [this](const std::string& what) {
    ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line()))
        << "AllocationBudget: " << what;
  };
  if (again) {
    fail("ended twice");
  } else if (allocations_ > allocations_max_) {
    fail(absl::StrCat(allocations_, " allocations of ", bytes_,
                      " bytes in all, and ", allocations_max_,
                      " allowed. The first too many, of ", excess_bytes_,
                      " bytes:", Excess()));
  }
}

// Who called operator new, and so on outwards.
std::string AllocationBudget::Excess() const {
  std::string text;
  for (int i = 0; i < frame_count_; ++i) {
    char name[512] = "unknown";
    // The address is behind the call, which may be a function's last.
    absl::Symbolize(static_cast<char*>(frames_[i]) - 1, name, sizeof(name));
    absl::StrAppend(&text, "\n  ", name);
    if (absl::StartsWith(name, "operator new") ||
        absl::StartsWith(name, "aligned_alloc")) {
      text.clear();
    }
  }
  return text;
}

}  // namespace coffer_testing
