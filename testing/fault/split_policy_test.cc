#include "coffer/testing/fault/split_policy.h"

#include <set>
#include <vector>

#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The pieces into which `bytes` are divided, each asked for with all the rest.
std::vector<size_t> Pieces(const SplitPolicy& policy, size_t bytes) {
  std::vector<size_t> pieces;
  uint64_t offset = 0;
  while (offset < bytes) {
    const size_t asked = bytes - offset;
    const size_t piece = policy.Limit(pieces.size(), offset, asked);
    EXPECT_GE(piece, 1u);
    EXPECT_LE(piece, asked);
    if (piece == 0) break;
    pieces.push_back(piece);
    offset += piece;
  }
  return pieces;
}

TEST(SplitPolicyTest, Pieces) {
  EXPECT_THAT(Pieces(SplitPolicy::Whole(), 10), ElementsAre(10));
  EXPECT_THAT(Pieces(SplitPolicy::Max(4), 10), ElementsAre(4, 4, 2));
  EXPECT_THAT(Pieces(SplitPolicy::OneByte(), 3), ElementsAre(1, 1, 1));
  EXPECT_THAT(Pieces(SplitPolicy::Half(), 10), ElementsAre(5, 2, 1, 1, 1));
  EXPECT_THAT(Pieces(SplitPolicy::Sizes({1, 3}), 10),
              ElementsAre(1, 3, 1, 3, 1, 1));
  EXPECT_THAT(Pieces(SplitPolicy::AtOffsets({7, 3}), 10), ElementsAre(3, 4, 3));
}

TEST(SplitPolicyTest, NoSizeIsZero) {
  EXPECT_THAT(Pieces(SplitPolicy::Max(0), 2), ElementsAre(1, 1));
  EXPECT_THAT(Pieces(SplitPolicy::Sizes({0, 2}), 3), ElementsAre(1, 2));
  EXPECT_THAT(Pieces(SplitPolicy::AtOffsets({0}), 3), ElementsAre(3));
  EXPECT_EQ(SplitPolicy::Sizes({}), SplitPolicy::Whole());
  EXPECT_EQ(SplitPolicy::AtOffsets({}), SplitPolicy::Whole());
}

TEST(SplitPolicyTest, SeededIsTheSameEachTimeAndOfAllMagnitudes) {
  std::set<size_t> small, large;
  for (uint64_t operation = 0; operation < 1000; ++operation) {
    const size_t limit = SplitPolicy::Seeded(7).Limit(operation, 0, 1000);
    EXPECT_EQ(limit, SplitPolicy::Seeded(7).Limit(operation, 0, 1000));
    ASSERT_GE(limit, 1u);
    ASSERT_LE(limit, 1000u);
    (limit <= 4 ? small : large).insert(limit);
  }
  EXPECT_THAT(small, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(large, Contains(::testing::Gt(500)));
  EXPECT_NE(Pieces(SplitPolicy::Seeded(7), 1000),
            Pieces(SplitPolicy::Seeded(8), 1000));
}

TEST(SplitPolicyTest, TextIsReadBack) {
  for (const SplitPolicy& policy :
       {SplitPolicy::Whole(), SplitPolicy::Max(12), SplitPolicy::OneByte(),
        SplitPolicy::Half(), SplitPolicy::Sizes({1, 3, 7}),
        SplitPolicy::AtOffsets({40, 4}), SplitPolicy::Seeded(UINT64_MAX)}) {
    EXPECT_THAT(SplitPolicy::Parse(policy.ToString()), IsOkAndHolds(policy))
        << policy.ToString();
  }
  EXPECT_EQ(SplitPolicy::AtOffsets({40, 4}).ToString(), "at(4,40)");
}

TEST(SplitPolicyTest, RefusesTheRest) {
  for (const char* text :
       {"", "0", "-1", "1,2", "sizes()", "sizes(1,0)", "sizes(1", "at(x)",
        "seed()", "seed(1,2)", "third", "18446744073709551616"}) {
    EXPECT_THAT(
        SplitPolicy::Parse(text),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no split is")))
        << text;
  }
}

}  // namespace
}  // namespace coffer_testing
