#include "coffer/tools/crash/linearizability.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace coffer::crash {
namespace {

constexpr uint64_t kNever = Operation::kNever;
using Kind = Operation::Kind;

Operation Write(const char* value, uint64_t begin, uint64_t end) {
  return {Kind::kWrite, value, begin, end, 0};
}
Operation Delete(uint64_t begin, uint64_t end) {
  return {Kind::kWrite, std::nullopt, begin, end, 0};
}
Operation Read(const char* value, uint64_t begin, uint64_t end) {
  return {Kind::kRead, value, begin, end, 0};
}
Operation ReadNothing(uint64_t begin, uint64_t end) {
  return {Kind::kRead, std::nullopt, begin, end, 0};
}
Operation Add(const char* sum, uint64_t begin, uint64_t end) {
  return {Kind::kAdd, sum, begin, end, 0};
}

bool Fits(const std::vector<Operation>& history) {
  return IsLinearizable(history, std::nullopt);
}

TEST(Linearizability, WhatFollowsIsSeen) {
  EXPECT_TRUE(Fits({}));
  EXPECT_TRUE(Fits({Write("a", 1, 2), Read("a", 3, 4)}));
  EXPECT_TRUE(Fits({Write("a", 1, 2), Delete(3, 4), ReadNothing(5, 6)}));
  EXPECT_FALSE(Fits({Write("a", 1, 2), ReadNothing(3, 4)})) << "lost";
  EXPECT_FALSE(Fits({Write("a", 1, 2), Write("b", 3, 4), Read("a", 5, 6)}))
      << "stale";
  EXPECT_FALSE(Fits({Read("a", 1, 2), Write("a", 3, 4)})) << "too early";
  EXPECT_FALSE(Fits({Read("never", 1, 2)}));
  EXPECT_FALSE(Fits({Write("a", 1, 2), Delete(3, 4), Read("a", 5, 6)}));
}

TEST(Linearizability, WhatOverlapsMayGoEitherWay) {
  EXPECT_TRUE(Fits({Write("a", 1, 10), ReadNothing(2, 3), Read("a", 4, 5)}));
  EXPECT_FALSE(Fits({Write("a", 1, 10), Read("a", 2, 3), ReadNothing(4, 5)}))
      << "it is gone again";
  EXPECT_TRUE(Fits({Write("a", 1, 10), Write("b", 1, 10), Read("a", 11, 12)}));
  EXPECT_FALSE(Fits({Write("a", 1, 10), Write("b", 1, 10), Read("a", 11, 12),
                     Read("b", 13, 14)}));
}

TEST(Linearizability, WhatIsNotKnownMayHaveHappenedOrNot) {
  EXPECT_TRUE(Fits({Write("a", 1, kNever), ReadNothing(2, 3)}));
  EXPECT_TRUE(Fits({Write("a", 1, kNever), Read("a", 2, 3)}));
  EXPECT_TRUE(Fits({Write("a", 1, kNever), ReadNothing(2, 3), Read("a", 4, 5)}))
      << "late";
  EXPECT_FALSE(
      Fits({Write("a", 1, kNever), Read("a", 2, 3), ReadNothing(4, 5)}))
      << "seen, and then not";
  EXPECT_FALSE(Fits({Write("a", 3, kNever), Read("a", 1, 2)}));
}

TEST(Linearizability, EachSumOnce) {
  EXPECT_TRUE(Fits({Add("1", 1, 2), Add("2", 3, 4)}));
  EXPECT_TRUE(Fits({Add("2", 1, 9), Add("1", 1, 9), Read("2", 10, 11)}));
  EXPECT_FALSE(Fits({Add("1", 1, 9), Add("1", 1, 9)}));
  EXPECT_FALSE(Fits({Add("1", 1, 2), Read("2", 3, 4)})) << "applied twice";
  EXPECT_TRUE(Fits({Add("?", 1, kNever), Add("2", 3, 4)}));
  EXPECT_TRUE(Fits({Add("?", 1, kNever), Add("1", 3, 4), Read("2", 5, 6)}));
  EXPECT_FALSE(Fits({Add("?", 1, kNever), Add("1", 3, 4), Read("3", 5, 6)}));
}

TEST(Linearizability, BeginsWithWhatWasThere) {
  EXPECT_TRUE(IsLinearizable({Read("a", 1, 2)}, "a"));
  EXPECT_FALSE(IsLinearizable({Read("a", 1, 2)}, "b"));
  EXPECT_TRUE(IsLinearizable({Add("6", 1, 2)}, "5"));
}

// All orders, tried one after another: for small histories.
bool FitsByTrying(const std::vector<Operation>& history) {
  const size_t count = history.size();
  for (size_t subset = 0; subset < (size_t{1} << count); ++subset) {
    std::vector<size_t> order;
    bool complete = true;
    for (size_t i = 0; i < count; ++i) {
      if (subset >> i & 1) {
        order.push_back(i);
      } else {
        complete = complete && history[i].end == kNever;
      }
    }
    if (!complete) continue;
    do {
      bool fits = true;
      std::optional<std::string> state;
      for (size_t i = 0; fits && i < order.size(); ++i) {
        const Operation& operation = history[order[i]];
        for (size_t j = i + 1; j < order.size(); ++j) {
          fits = fits && history[order[j]].end >= operation.begin;
        }
        if (operation.kind == Kind::kWrite) {
          state = operation.value;
        } else {
          fits = fits && state == operation.value;
        }
      }
      if (fits) return true;
    } while (std::next_permutation(order.begin(), order.end()));
  }
  return false;
}

TEST(Linearizability, AgreesWithTryingAllOrders) {
  std::mt19937 random(1);
  int fit = 0;
  constexpr int kHistories = 3000;
  for (int i = 0; i < kHistories; ++i) {
    std::vector<Operation> history;
    for (size_t n = 1 + random() % 6; n > 0; --n) {
      Operation operation;
      operation.kind = random() % 2 == 0 ? Kind::kWrite : Kind::kRead;
      if (random() % 4 != 0) operation.value = absl::StrCat(random() % 2);
      operation.begin = random() % 10;
      operation.end = operation.begin + random() % 5;
      const bool unknown = operation.kind == Kind::kWrite && random() % 5 == 0;
      if (unknown) operation.end = kNever;
      history.push_back(operation);
    }
    const bool expected = FitsByTrying(history);
    fit += expected;
    std::string text;
    for (const Operation& operation : history) {
      absl::StrAppend(&text, Describe(operation), "\n");
    }
    ASSERT_EQ(Fits(history), expected) << text;
  }
  EXPECT_GT(fit, kHistories / 10);
  EXPECT_LT(fit, kHistories * 9 / 10);
}

TEST(Linearizability, LongHistoriesTakeNoTime) {
  std::vector<Operation> history;
  for (uint64_t i = 0; i < 2000; ++i) {
    // Four at a time overlap, and some are not known.
    history.push_back({Kind::kWrite, absl::StrCat(i), i * 10, i * 10 + 35, 0});
    if (i % 50 == 0) history.back().end = kNever;
    history.push_back({Kind::kRead, absl::StrCat(i), i * 10, i * 10 + 35, 0});
    if (i % 50 == 0) history.pop_back();
  }
  EXPECT_TRUE(Fits(history));
}

}  // namespace
}  // namespace coffer::crash
