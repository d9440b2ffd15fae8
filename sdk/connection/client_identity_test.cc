#include "coffer/sdk/connection/client_identity.h"

#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

TEST(ClientIdentity, NumbersAreNeverUsedTwice) {
  ClientIdentity identity("sixteen bytes, ok");
  EXPECT_EQ(identity.NewRequestId(), 1u);
  EXPECT_EQ(identity.NewRequestId(), 2u);
}

// What a server is told: from which number on it can take a request for new.
// One that is sent again is no reason to tell it less.
TEST(ClientIdentity, NextToSendIsAboveAllThatWereSent) {
  ClientIdentity identity("sixteen bytes, ok");
  for (int i = 0; i < 9; ++i) identity.NewRequestId();
  EXPECT_EQ(identity.next_to_send(), 1u) << "those that wait were not sent";
  identity.Sending(5);
  EXPECT_EQ(identity.next_to_send(), 6u);
  identity.Sending(3);
  EXPECT_EQ(identity.next_to_send(), 6u);
}

}  // namespace
}  // namespace coffer::internal
