#include "coffer/sdk/mocks/call_sequencer.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using internal::CapturedFailures;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StrictMock;

class CallSequencerTest : public ::testing::Test {
 protected:
  CallSequencerTest() {
    EXPECT_CALL(*mock_, Execute).WillRepeatedly(sequencer_->Holds());
  }

  // Its result goes to `results`, as "key: value" or "key: code".
  void Get(const std::string& key) { Get(key, asio::cancellation_slot()); }
  void Get(const std::string& key, asio::cancellation_slot slot) {
    auto done = [this, key](const absl::StatusOr<int64_t>& value) {
      results_.push_back(
          key + ": " +
          (value.ok() ? std::to_string(*value)
                      : absl::StatusCodeToString(value.status().code())));
    };
    client_.Get<int64_t>("t", key, asio::bind_cancellation_slot(slot, done));
  }

  void Poll() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  std::shared_ptr<StrictMock<MockConnection>> mock_ =
      std::make_shared<StrictMock<MockConnection>>(io_.get_executor());
  coffer::Client client_{mock_};
  std::optional<CallSequencer> sequencer_{std::in_place, io_.get_executor()};
  std::vector<std::string> results_;
};

TEST_F(CallSequencerTest, CompletesOutOfOrder) {
  Get("a");
  Get("b");
  Get("c");
  EXPECT_EQ(sequencer_->size(), 3u);
  const auto a = sequencer_->Pop();
  const auto b = sequencer_->Pop();
  const auto c = sequencer_->Pop();
  EXPECT_TRUE(sequencer_->empty());
  EXPECT_EQ(b.request().hget().key(), "b");
  c.Complete(MakeAnswer(3));
  EXPECT_THAT(results_, IsEmpty()) << "inside Complete";
  Poll();
  EXPECT_THAT(results_, ElementsAre("c: 3"));
  a.Complete(absl::UnavailableError("lost"));
  b.Complete(MakeErrorAnswer(404, "no"));
  Poll();
  EXPECT_THAT(results_, ElementsAre("c: 3", "a: UNAVAILABLE", "b: NOT_FOUND"));
}

TEST_F(CallSequencerTest, PopsTheFirstThatMatches) {
  Get("a");
  Get("b");
  const auto is_b = ::testing::ResultOf(
      [](const coffer::v1::CommandRequest& call) { return call.hget().key(); },
      "b");
  sequencer_->Pop(is_b).Complete(MakeAnswer(2));
  sequencer_->Pop().Complete(MakeAnswer(1));
  Poll();
  EXPECT_THAT(results_, ElementsAre("b: 2", "a: 1"));
}

TEST_F(CallSequencerTest, OptionsAreThoseOfTheCall) {
  coffer::CallOptions options;
  options.trace_context = "trace";
  client_.Ping(options, [](const absl::Status&) {});
  const auto call = sequencer_->Pop();
  EXPECT_EQ(call.options().trace_context, "trace");
  call.Complete(MakeAnswer());
  Poll();
}

TEST_F(CallSequencerTest, CancelledCallCompletesAndIsCounted) {
  asio::cancellation_signal cancel_a, cancel_b;
  Get("a", cancel_a.slot());
  Get("b", cancel_b.slot());
  const auto a = sequencer_->Pop();
  EXPECT_FALSE(a.cancelled());
  cancel_a.emit(asio::cancellation_type::total);
  cancel_b.emit(asio::cancellation_type::terminal);
  EXPECT_THAT(results_, IsEmpty()) << "inside the cancellation";
  Poll();
  EXPECT_THAT(results_, ElementsAre("a: CANCELLED", "b: CANCELLED"));
  EXPECT_EQ(sequencer_->cancellations(), 2u);
  EXPECT_TRUE(a.cancelled());
  EXPECT_TRUE(sequencer_->Pop().cancelled());
  a.Complete(MakeAnswer(1));  // too late, and nobody's
  Poll();
  EXPECT_EQ(results_.size(), 2u);
}

TEST_F(CallSequencerTest, CancellationAfterTheAnswerIsNone) {
  asio::cancellation_signal cancel;
  Get("a", cancel.slot());
  sequencer_->Pop().Complete(MakeAnswer(1));
  cancel.emit(asio::cancellation_type::total);
  Poll();
  EXPECT_THAT(results_, ElementsAre("a: 1"));
  EXPECT_EQ(sequencer_->cancellations(), 0u);
}

TEST_F(CallSequencerTest, PopOfNothingFailsAtItsLine) {
  CapturedFailures failures;
  const auto none = sequencer_->Pop();
  const int line = __LINE__ - 1;
  none.Complete(MakeAnswer());
  EXPECT_FALSE(none.cancelled());
  ASSERT_EQ(failures.Get().size(), 1u);
  EXPECT_EQ(failures.Get()[0].line, line);
  EXPECT_THAT(failures.Get()[0].message, HasSubstr("no such call among the 0"));
}

TEST_F(CallSequencerTest, SecondCompleteFailsAtItsLine) {
  Get("a");
  const auto a = sequencer_->Pop();
  a.Complete(MakeAnswer(1));
  CapturedFailures failures;
  a.Complete(MakeAnswer(2));
  const int line = __LINE__ - 1;
  ASSERT_EQ(failures.Get().size(), 1u);
  EXPECT_EQ(failures.Get()[0].line, line);
  EXPECT_THAT(failures.Get()[0].message, HasSubstr("completed before"));
  Poll();
  EXPECT_THAT(results_, ElementsAre("a: 1"));
}

TEST_F(CallSequencerTest, LeftoversFailAtTheLineThatMadeTheSequencer) {
  sequencer_.reset();
  auto other = std::make_unique<CallSequencer>(io_.get_executor());
  const int line = __LINE__ - 1;
  asio::cancellation_signal cancel;
  EXPECT_CALL(*mock_, Execute).WillRepeatedly(other->Holds());
  Get("popped");
  Get("waits");
  Get("cancelled", cancel.slot());
  Get("done");
  const auto popped = other->Pop();
  cancel.emit(asio::cancellation_type::total);
  other
      ->Pop(::testing::Truly([](const coffer::v1::CommandRequest& call) {
        return call.hget().key() == "done";
      }))
      .Complete(MakeAnswer(1));
  CapturedFailures failures;
  other.reset();
  ASSERT_EQ(failures.Get().size(), 1u);
  EXPECT_EQ(failures.Get()[0].line, line);
  EXPECT_THAT(failures.Get()[0].file, EndsWith("call_sequencer_test.cc"));
  const std::string message = failures.Get()[0].message;
  EXPECT_THAT(message, HasSubstr("popped"));
  EXPECT_THAT(message, HasSubstr("waits"));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("cancelled")));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("done")));
  Poll();
  EXPECT_EQ(results_.size(), 4u) << "nothing hangs";
}

}  // namespace
}  // namespace coffer_testing
