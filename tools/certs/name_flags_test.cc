#include "coffer/tools/certs/name_flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

using ::testing::ElementsAre;

TEST(JoinNameFlags, EveryFormCountsInOrder) {
  EXPECT_THAT(JoinNameFlags({"certs", "--name=a", "--name", "b", "-name=c",
                             "-name", "d", "--dir=x"}),
              ElementsAre("certs", "--name=a,b,c,d", "--dir=x"));
}

TEST(JoinNameFlags, OtherArgumentsStayAsTheyAre) {
  EXPECT_THAT(JoinNameFlags({"certs"}), ElementsAre("certs"));
  EXPECT_THAT(JoinNameFlags({"-name=certs", "--names=a", "name=b", "---name=c",
                             "--dir", "x"}),
              ElementsAre("-name=certs", "--names=a", "name=b", "---name=c",
                          "--dir", "x"));
}

TEST(JoinNameFlags, FlagWithoutAValueIsLeftToTheFlagLibrary) {
  EXPECT_THAT(JoinNameFlags({"certs", "--name=a", "--name"}),
              ElementsAre("certs", "--name=a", "--name"));
}

TEST(JoinNameFlags, WhatFollowsTwoDashesIsLeftAlone) {
  EXPECT_THAT(JoinNameFlags({"certs", "-name=a", "--", "--name=b"}),
              ElementsAre("certs", "--name=a", "--", "--name=b"));
}

}  // namespace
}  // namespace coffer::internal
