#include "coffer/sdk/status/outcome.h"

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

TEST(Outcome, WhatIsAttachedIsRead) {
  for (const v1::Outcome outcome : {v1::NOT_EXECUTED, v1::UNKNOWN}) {
    const absl::Status status =
        WithOutcome(absl::UnavailableError("busy"), outcome);
    EXPECT_EQ(OutcomeOf(status), outcome);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(status.message(), "busy");
    const absl::StatusOr<int> passed_on = status;
    EXPECT_EQ(OutcomeOf(passed_on.status()), outcome);
  }
}

TEST(Outcome, NobodySaidIsUnspecified) {
  EXPECT_EQ(OutcomeOf(absl::OkStatus()), v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(OutcomeOf(absl::InternalError("x")), v1::OUTCOME_UNSPECIFIED);
}

TEST(Outcome, OkHasNone) {
  EXPECT_EQ(WithOutcome(absl::OkStatus(), v1::UNKNOWN), absl::OkStatus());
}

TEST(Outcome, TheLastOneCounts) {
  absl::Status status = WithOutcome(absl::InternalError("x"), v1::NOT_EXECUTED);
  status = WithOutcome(status, v1::UNKNOWN);
  EXPECT_EQ(OutcomeOf(status), v1::UNKNOWN);
  status = WithOutcome(status, v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(status, absl::InternalError("x"));
  status = WithOutcome(status, static_cast<v1::Outcome>(99));
  EXPECT_EQ(status, absl::InternalError("x")) << "of a later protocol";
}

TEST(Outcome, PayloadOfAnotherMeaningIsNone) {
  absl::Status status = absl::InternalError("x");
  status.SetPayload(kOutcomeTypeUrl, absl::Cord("something"));
  EXPECT_EQ(OutcomeOf(status), v1::OUTCOME_UNSPECIFIED);
}

TEST(Outcome, IsSeenWhenPrinted) {
  EXPECT_THAT(WithOutcome(absl::InternalError("x"), v1::UNKNOWN).ToString(),
              ::testing::HasSubstr("UNKNOWN"));
}

}  // namespace
}  // namespace coffer
