// RetryPolicy and IdempotencyPolicy.

#include "absl/status/status.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/idempotency_policy.h"
#include "coffer/sdk/retry_policy.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

v1::CommandRequest Ping() {
  v1::CommandRequest request;
  request.mutable_ping();
  return request;
}

v1::CommandRequest Publish() {
  v1::CommandRequest request;
  request.mutable_publish();
  return request;
}

TEST(LimitedAttemptsTest, CountsAllAttempts) {
  const LimitedAttempts three(3);
  const absl::Status lost = absl::UnavailableError("lost");
  EXPECT_TRUE(three.Again(1, lost));
  EXPECT_TRUE(three.Again(2, lost));
  EXPECT_FALSE(three.Again(3, lost));
  EXPECT_FALSE(LimitedAttempts(1).Again(1, lost));
}

TEST(LimitedAttemptsTest, OnlyWhatMayPass) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "");
    const bool transient = code == 14 || code == 10;  // Unavailable, Aborted
    EXPECT_EQ(LimitedAttempts(9).Again(1, status), transient) << status;
    EXPECT_EQ(UntilDeadline().Again(1000, status), transient) << status;
  }
}

TEST(IdempotencyPolicyTest, ReadsAlwaysWritesByTheWindow) {
  const DefaultIdempotency by_default;
  const ReadsOnly reads_only;
  const AlwaysIdempotent always;
  for (const auto& read :
       {MakeHget("t", "k"), MakeHgetall("t"), MakeHmget("t", {"k"}),
        MakeHexist("t", "k"), MakeHmexist("t", {"k"}), Ping(), MakeListTables(),
        MakeCountKeys("t"), MakeScan("t"), MakeRead("t", {"k"}),
        MakeTransaction({CompareVersion("t", "k", v1::EQUAL, 1)},
                        {MakeRead("t", {"k"})}, {MakeRead("u", {"k"})})}) {
    EXPECT_TRUE(by_default.MaySendAgain(read, RetryWindow::kNone));
    EXPECT_TRUE(reads_only.MaySendAgain(read, RetryWindow::kNone));
  }
  for (const auto& write :
       {MakeHset("t", "k", 1), MakeHmset("t", {{"k", 1}}), MakeHdel("t", "k"),
        MakeHmdel("t", {"k"}), Publish(), MakeDropTable("t"),
        MakeRenameTable("t", "u"), MakePut("t", "k", 1), MakeRemove("t", "k"),
        MakeIncrement("t", "k", 1), MakeAppend("t", "k", "v"),
        MakeExpire("t", "k", v1::Expiry()),
        MakeTransaction({}, {MakeRead("t", {"k"})}, {MakeRemove("t", "k")}),
        MakeTransaction({}, {MakeRead("t", {"k"}), MakePut("t", "k", 1)})}) {
    EXPECT_FALSE(by_default.MaySendAgain(write, RetryWindow::kNone));
    EXPECT_TRUE(by_default.MaySendAgain(write, RetryWindow::kKept));
    EXPECT_FALSE(reads_only.MaySendAgain(write, RetryWindow::kKept));
    EXPECT_TRUE(always.MaySendAgain(write, RetryWindow::kNone));
  }
}

}  // namespace
}  // namespace coffer
