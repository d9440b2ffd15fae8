#include "coffer/sdk/observer.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using coffer_testing::IsOk;
using coffer_testing::StatusIs;
using std::chrono::seconds;
using ::testing::ElementsAre;

// A line for each time that it is told of something.
class Recorder final : public Observer {
 public:
  void OnStart(const CallInfo& call) override { Add(call, "start"); }
  void OnAttempt(const CallInfo& call) override {
    Add(call, absl::StrCat("attempt ", call.attempt));
  }
  void OnSent(const CallInfo& call, std::size_t bytes) override {
    EXPECT_GT(bytes, 0u);
    Add(call, "sent");
  }
  void OnReceived(const CallInfo& call, std::uint32_t status,
                  std::size_t bytes) override {
    EXPECT_GT(bytes, 0u);
    Add(call, absl::StrCat("received ", status));
  }
  void OnEnd(const CallInfo& call, const absl::Status& status) override {
    Add(call, absl::StrCat("end ", absl::StatusCodeToString(status.code())));
  }

  std::vector<std::string> lines;
  std::vector<std::uint64_t> ids;
  std::vector<std::string> traces;

 private:
  void Add(const CallInfo& call, std::string line) {
    EXPECT_EQ(call.command, v1::CommandRequest::kHset);
    lines.push_back(std::move(line));
    ids.push_back(call.request_id);
    traces.push_back(*call.trace_context);
  }
};

class ObserverTest : public ClientFixture {
 protected:
  Client Observed(ConnectionOptions options) {
    options.observer = recorder_;
    return Connect(options);
  }

  const std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
};

TEST_F(ObserverTest, IsToldOfEachStep) {
  Client client = Observed(Options());
  CallOptions options;
  options.trace_context = "trace-7";
  ASSERT_THAT(Set(client, "k", 1, options), IsOk());
  EXPECT_THAT(recorder_->lines, ElementsAre("start", "attempt 0", "sent",
                                            "received 200", "end OK"));
  EXPECT_THAT(recorder_->traces, ::testing::Each("trace-7"));
  EXPECT_THAT(recorder_->ids, ::testing::Each(recorder_->ids[0]));
  EXPECT_EQ(fake_.Calls()[0].request.trace_context(), "trace-7");
}

TEST_F(ObserverTest, IsToldOfEachAttempt) {
  Client client = Observed(Options());
  fake_.DropAnswer();
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_THAT(recorder_->lines,
              ElementsAre("start", "attempt 0", "sent", "attempt 1", "sent",
                          "received 200", "end OK"));
  EXPECT_THAT(recorder_->ids, ::testing::Each(recorder_->ids[0]));
}

TEST_F(ObserverTest, CountsAttemptsThatWereNotExecutedToo) {
  Client client = Observed(Options());
  fake_.FailNext(absl::UnavailableError("busy"));
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_THAT(recorder_->lines,
              ElementsAre("start", "attempt 0", "sent", "received 503",
                          "attempt 1", "sent", "received 200", "end OK"));
}

TEST_F(ObserverTest, IsToldOfWhatWasNeverSent) {
  fake_.Refuse(true);
  Client client = Observed(OneAttempt());
  EXPECT_THAT(Set(client, "k", 1, Within(seconds(1))),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(recorder_->lines,
              ElementsAre("start", "attempt 0", "end DEADLINE_EXCEEDED"));
}

}  // namespace
}  // namespace coffer
