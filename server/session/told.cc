#include "coffer/server/session/told.h"

#include "absl/strings/str_cat.h"
#include "coffer/sdk/stream/hello.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

std::string InShort(const v1::CommandResponse& answer) {
  if (answer.has_subscription()) {
    EXPECT_EQ(answer.subscription().epoch(), kToldEpoch);
    return absl::StrCat("#", answer.request_id(), " is ",
                        answer.subscription().subscription_id(), " after ",
                        answer.subscription().sequence());
  }
  if (!answer.has_event()) {
    return absl::StrCat("#", answer.request_id(), " ", answer.status());
  }
  EXPECT_EQ(answer.request_id(), 0u);
  const v1::SubscriptionEvent& event = answer.event();
  if (event.end()) {
    return absl::StrCat(answer.subscription_id(), " end ", answer.status());
  }
  const std::string at =
      absl::StrCat(answer.subscription_id(), "/", event.sequence());
  if (event.has_gap()) {
    return absl::StrCat(at, " ", v1::Gap::Reason_Name(event.gap().reason()));
  }
  if (answer.values_size() > 0) {
    return absl::StrCat(at, "=", answer.values(0).integer());
  }
  if (!event.has_change()) return absl::StrCat(at, " bookmark");
  const v1::Change& change = event.change();
  EXPECT_GT(change.version(), 0u);
  if (change.kind() != v1::Change::SET) {
    return absl::StrCat(at, " ", v1::Change::Kind_Name(change.kind()), " ",
                        change.key());
  }
  return absl::StrCat(at, " ", change.key(), "=", change.value().integer());
}

}  // namespace

void SayHello(SessionHarness& harness) {
  SayHello(harness, MakeHello({}, MakeClientId(), "test"));
}

void SayHello(SessionHarness& harness, const v1::CommandRequest& hello) {
  harness.Start();
  harness.Send(Frame(hello));
  const auto answers = harness.answers();
  EXPECT_TRUE(!answers.empty() && answers[0].has_hello());
}

std::string Told(const SessionHarness& harness) {
  std::string told;
  for (const v1::CommandResponse& answer : harness.answers()) {
    if (answer.has_hello()) continue;
    absl::StrAppend(&told, told.empty() ? "" : ", ", InShort(answer));
  }
  return told;
}

}  // namespace coffer::server
