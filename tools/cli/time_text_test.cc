#include "coffer/tools/cli/time_text.h"

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;

std::string Expiry(const char* text) {
  const auto expiry = ParseExpiry(text);
  return expiry.ok() ? expiry->ShortDebugString() : expiry.status().ToString();
}

TEST(TimeText, DurationsAndTimesAreRead) {
  EXPECT_EQ(Expiry("10m"), "after_ms: 600000");
  EXPECT_EQ(Expiry("1h30m"), "after_ms: 5400000");
  EXPECT_EQ(Expiry("1.5ms"), "after_ms: 2");
  EXPECT_EQ(Expiry("0s"), "after_ms: 0");
  EXPECT_EQ(Expiry("1970-01-01T00:00:01Z"), "at_ms: 1000");
  EXPECT_EQ(Expiry("1970-01-01T01:00:00.5+01:00"), "at_ms: 500");
  EXPECT_TRUE(ParseExpireAfter("5s").ok());
  EXPECT_TRUE(ParseExpireAt("1970-01-01T00:00:01Z").ok());
}

TEST(TimeText, WhatIsNoTimeIsRefused) {
  EXPECT_THAT(Expiry("soon"), HasSubstr("\"soon\" is not a duration such as"));
  EXPECT_THAT(Expiry("soon"), HasSubstr("nor a time such as"));
  EXPECT_THAT(Expiry("10"), HasSubstr("is not a duration"));
  EXPECT_THAT(Expiry("-1s"), HasSubstr("is not from 0"));
  EXPECT_THAT(Expiry("inf"), HasSubstr("is not from 0"));
  EXPECT_THAT(Expiry("infinite-future"), HasSubstr("is not"));
  EXPECT_THAT(Expiry("2026-11-26"), HasSubstr("is not"));
  EXPECT_THAT(Expiry("2026-13-26T10:00:00Z"), HasSubstr("is not"));
  EXPECT_FALSE(ParseExpireAfter("2026-11-26T10:00:00Z").ok());
  EXPECT_FALSE(ParseExpireAt("10m").ok());
}

TEST(TimeText, TimesAreShownInUtc) {
  EXPECT_EQ(FormatTimeMs(1250), "1970-01-01T00:00:01.250Z");
  EXPECT_EQ(FormatDurationMs(599250), "9m59.25s");
  EXPECT_NE(FormatTimeMs(UINT64_MAX), "");
  EXPECT_NE(FormatDurationMs(UINT64_MAX), "");
}

TEST(TimeText, WhatIsShownIsRead) {
  const auto expiry = ParseExpireAt(FormatTimeMs(1700000000123));
  ASSERT_TRUE(expiry.ok()) << expiry.status();
  EXPECT_EQ(expiry->at_ms(), 1700000000123u);
}

}  // namespace
}  // namespace coffer::cli
