// How to keep code from allocating, and how to show that it survives where
// there is no memory.

#include <cstdint>
#include <string>
#include <vector>

#include "coffer/testing/sweep/alloc_sweep.h"
#include "coffer/testing/sweep/allocation_budget.h"
#include "gtest/gtest.h"

namespace {

using coffer_testing::AllocationBudget;
using coffer_testing::AllocPoint;
using coffer_testing::AllocSweep;

// The last words said, with the memory of those before.
class Log {
 public:
  void Say(const char* words) { last_ = words; }

  // All or nothing.
  void Keep(const std::string& words) {
    kept_.reserve(kept_.size() + 1);
    kept_.push_back(words);
  }

  const std::string& last() const { return last_; }
  const std::vector<std::string>& kept() const { return kept_; }

 private:
  std::string last_;
  std::vector<std::string> kept_;
};

TEST(Log, SaysWithoutAllocatingOnceItHasSaidMuch) {
  Log log;
  log.Say("something that is longer than what comes afterwards");
  AllocationBudget budget{0};
  log.Say("something that is not so long");
  budget.End();
  EXPECT_EQ(log.last(), "something that is not so long");
}

TEST(Log, KeepsAllOrNothingWithoutMemory) {
  const std::string words = "longer than what a string holds by itself";
  AllocSweep([&](AllocPoint& point) {
    Log log;
    const bool kept = point.Run([&] { log.Keep(words); });
    EXPECT_EQ(log.kept().size(), kept ? 1u : 0u);
  });
}

}  // namespace
