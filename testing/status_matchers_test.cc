#include "coffer/testing/status_matchers.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using absl::StatusCode;
using ::testing::AnyOf;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pointee;

template <class T, class M>
std::string Explain(const T& value, const M& matcher) {
  ::testing::StringMatchResultListener listener;
  EXPECT_FALSE(::testing::ExplainMatchResult(matcher, value, &listener));
  return listener.str();
}

const absl::Status kLost = absl::NotFoundError("table t is not there");

TEST(StatusMatchers, IsOkIsForBothTypes) {
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(absl::StatusOr<int>(3), IsOk());
  EXPECT_THAT(kLost, Not(IsOk()));
  EXPECT_THAT(absl::StatusOr<int>(kLost), Not(IsOk()));
}

TEST(StatusMatchers, StatusIsLooksAtTheCode) {
  EXPECT_THAT(kLost, StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(kLost, Not(StatusIs(StatusCode::kInternal)));
  EXPECT_THAT(kLost,
              StatusIs(AnyOf(StatusCode::kNotFound, StatusCode::kInternal)));
  EXPECT_THAT(absl::StatusOr<int>(kLost), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(absl::StatusOr<int>(3), StatusIs(StatusCode::kOk));
}

TEST(StatusMatchers, StatusIsLooksAtTheMessage) {
  EXPECT_THAT(kLost, StatusIs(StatusCode::kNotFound, "table t is not there"));
  EXPECT_THAT(kLost, StatusIs(StatusCode::kNotFound, HasSubstr("table t")));
  EXPECT_THAT(kLost, Not(StatusIs(StatusCode::kNotFound, "table")));
}

TEST(StatusMatchers, IsOkAndHoldsLooksAtTheValue) {
  EXPECT_THAT(absl::StatusOr<int>(3), IsOkAndHolds(3));
  EXPECT_THAT(absl::StatusOr<int>(3), IsOkAndHolds(Gt(2)));
  EXPECT_THAT(absl::StatusOr<int>(3), Not(IsOkAndHolds(4)));
  EXPECT_THAT(absl::StatusOr<int>(kLost), Not(IsOkAndHolds(3)));
  EXPECT_THAT(absl::StatusOr<std::string>("ab"), IsOkAndHolds("ab"));
}

TEST(StatusMatchers, IsOkAndHoldsTakesValuesThatOnlyMove) {
  absl::StatusOr<std::unique_ptr<int>> held = std::make_unique<int>(5);
  EXPECT_THAT(held, IsOkAndHolds(Pointee(5)));
}

TEST(StatusMatchers, MismatchesSayWhatTheStatusIs) {
  EXPECT_THAT(Explain(kLost, IsOk()),
              HasSubstr("NOT_FOUND: table t is not there"));
  EXPECT_THAT(Explain(absl::StatusOr<int>(kLost), IsOkAndHolds(3)),
              HasSubstr("NOT_FOUND: table t is not there"));
  EXPECT_THAT(Explain(kLost, StatusIs(StatusCode::kInternal)),
              HasSubstr("NOT_FOUND: table t is not there"));
  EXPECT_THAT(Explain(absl::StatusOr<int>(7), IsOkAndHolds(3)),
              HasSubstr("which holds 7"));
}

}  // namespace
}  // namespace coffer_testing
