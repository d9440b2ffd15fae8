#include "coffer/testing/script/scripted_peer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using coffer::ClientStream;
using coffer::MakeHget;
using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using internal::CapturedFailures;
using std::chrono::milliseconds;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Peer = ScriptedPeer<CommandRequest, CommandResponse>;
using Answer = absl::StatusOr<CommandResponse>;
using Answers = std::vector<Answer>;

CommandResponse Text(const std::string& text) {
  CommandResponse response;
  response.set_status(200);
  response.add_values()->set_string(text);
  return response;
}

class ScriptedPeerTest : public ::testing::Test {
 protected:
  void MakePeer() {
    auto ends = MakeMemoryPipe(time_.get_executor());
    client_.emplace(std::move(ends.first));
    peer_.emplace("server", std::move(ends.second), time_.clock());
  }

  Answer Execute(CommandRequest request) {
    std::optional<Answer> answer;
    client_->Execute(std::move(request),
                     [&](Answer result) { answer = std::move(result); });
    EXPECT_TRUE(time_.RunUntil([&] { return answer.has_value(); }));
    return answer.value_or(absl::InternalError("hangs"));
  }

  VirtualTime time_;
  std::optional<ClientStream<MemoryPipe>> client_;
  std::optional<Peer> peer_;
};

TEST_F(ScriptedPeerTest, SaysWhatItsScriptSays) {
  MakePeer();
  peer_->Expect(EqualsProto("hget { table: 't' key: 'a' }")).Reply(Text("1"));
  peer_->Expect(_).Reply(Text("2")).After(milliseconds(50)).Chunked({1, 3, 2});
  EXPECT_EQ(Execute(MakeHget("t", "a"))->values(0).string(), "1");
  const auto start = time_.Now();
  EXPECT_FALSE(peer_->done());
  EXPECT_EQ(Execute(MakeHget("t", "b"))->values(0).string(), "2");
  EXPECT_TRUE(peer_->done());
  EXPECT_EQ(time_.Now() - start,
            milliseconds(50) + 3 * std::chrono::nanoseconds(1))
      << "each piece apart from the one before";
}

TEST_F(ScriptedPeerTest, EndsInTheMiddleOfAFrame) {
  for (const bool reset : {false, true}) {
    MakePeer();
    auto step = peer_->Expect(_);
    step.Reply(Text("1"));
    reset ? step.ThenReset(5) : step.ThenEof(5);
    EXPECT_THAT(Execute(MakeHget("t", "a")).status(),
                StatusIs(reset ? absl::StatusCode::kUnavailable
                               : absl::StatusCode::kDataLoss));
  }
}

TEST_F(ScriptedPeerTest, NeverAnswers) {
  MakePeer();
  peer_->Expect(_).Never();
  std::optional<Answer> answer;
  client_->Execute(MakeHget("t", "a"),
                   [&](Answer result) { answer = std::move(result); });
  time_.RunFor(std::chrono::hours(1));
  EXPECT_FALSE(answer);
  EXPECT_TRUE(peer_->done());
  client_->framed().next_layer().close();
  time_.RunReady();
}

TEST_F(ScriptedPeerTest, AnswersOutOfOrderAndOfItself) {
  MakePeer();
  peer_->Push(Text("greeting"));
  peer_->Expect(_).Reply(Text("first")).OutOfOrder();
  peer_->Expect(_).Reply(Text("second"));
  auto& framed = client_->framed();
  std::vector<std::string> got;
  const auto talk = [&]() -> awaitable<void> {
    constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(framed.Feed(MakeHget("t", "a")).ok());
    }
    auto [flushed] = co_await framed.Flush(kTuple);
    EXPECT_FALSE(flushed);
    while (got.size() < 3) {
      auto [error, answer] = co_await framed.Next(kTuple);
      EXPECT_FALSE(error);
      got.push_back(answer.values(0).string());
    }
  };
  asio::co_spawn(time_.io(), talk, [](std::exception_ptr) {});
  time_.RunUntil([&] { return got.size() == 3; });
  EXPECT_THAT(got, ElementsAre("greeting", "second", "first"));
}

TEST_F(ScriptedPeerTest, ExpectsTheEnd) {
  MakePeer();
  peer_->Expect(_).Reply(Text("1"));
  peer_->ExpectEnd().ThenEof();
  EXPECT_TRUE(Execute(MakeHget("t", "a")).ok());
  std::optional<absl::Status> closed;
  client_->Close([&](absl::Status status) { closed = status; });
  time_.RunUntil([&] { return closed.has_value(); });
  time_.RunReady();
  EXPECT_TRUE(peer_->done());
}

// Deliberately wrong programs, and what is said of them.

TEST_F(ScriptedPeerTest, AnotherMessageFailsAtOnceAndNobodyHangs) {
  MakePeer();
  CapturedFailures captured;
  peer_->Expect(_).Reply(Text("1"));
  const int line = __LINE__ + 1;
  peer_->Expect(EqualsProto("hget { table: 't' key: 'b' }")).Reply(Text("2"));
  peer_->Expect(_);
  EXPECT_TRUE(Execute(MakeHget("t", "a")).ok());
  // A program that asks for the same again.
  EXPECT_THAT(Execute(MakeHget("t", "a")).status(),
              StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_THAT(captured.Get(), SizeIs(1));
  EXPECT_THAT(captured.Get()[0].message,
              AllOf(HasSubstr("server: at step 2 of 3: got another message: "
                              "hget { table: \"t\" key: \"a\" }"),
                    HasSubstr("The script goes on:\n  2. expects a message"),
                    HasSubstr("\n  3. expects a message that is anything"),
                    HasSubstr("scripted_peer_test.cc:")));
  EXPECT_EQ(captured.Get()[0].line, line);
  peer_.reset();
  EXPECT_THAT(captured.Get(), SizeIs(1)) << "once is enough";
}

TEST_F(ScriptedPeerTest, AMessageTooManyFails) {
  MakePeer();
  peer_->Expect(_).Reply(Text("1"));
  EXPECT_TRUE(Execute(MakeHget("t", "a")).ok());
  CapturedFailures captured;
  EXPECT_FALSE(Execute(MakeHget("t", "b")).ok());
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("server: after all 1 steps: an "
                                          "unexpected message: hget"))));
}

TEST_F(ScriptedPeerTest, ALeaverFailsAtOnce) {
  MakePeer();
  peer_->Expect(_);
  CapturedFailures captured;
  client_.reset();
  time_.RunReady();
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("the other side has ended its "
                                          "sending"))));
}

TEST_F(ScriptedPeerTest, StepsThatWereNotReachedFailAtTheEnd) {
  MakePeer();
  peer_->Expect(_).Reply(Text("1"));
  peer_->Expect(_).Reply(Text("2"));
  EXPECT_TRUE(Execute(MakeHget("t", "a")).ok());
  CapturedFailures captured;
  peer_.reset();
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("server: at step 2 of 2: it was not "
                                          "reached"))));
}

TEST_F(ScriptedPeerTest, WhatIsNoFrameFailsBehindTheLastStepToo) {
  for (const bool truncated : {false, true}) {
    MakePeer();
    MemoryPipe& pipe = client_->framed().next_layer();
    const std::string bytes = truncated ? "\x01\x02" : "\xff\xff\xff\xff";
    CapturedFailures captured;
    pipe.async_write_some(asio::buffer(bytes), [](auto...) {});
    time_.RunReady();
    if (truncated) pipe.shutdown_send();
    time_.RunReady();
    EXPECT_THAT(captured.Get(),
                ElementsAre(Field(&CapturedFailures::Failure::message,
                                  HasSubstr("server: after all 0 steps: the "
                                            "other side's input ends: "))));
  }
}

TEST_F(ScriptedPeerTest, SeveralOutOfOrderComeTheOtherWayRound) {
  MakePeer();
  peer_->Expect(_).Reply(Text("1")).OutOfOrder();
  peer_->Expect(_).Reply(Text("2")).OutOfOrder();
  peer_->Expect(_).Reply(Text("3"));
  auto& framed = client_->framed();
  std::vector<std::string> got;
  const auto talk = [&]() -> awaitable<void> {
    constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(framed.Feed(MakeHget("t", "a")).ok());
    }
    co_await framed.Flush(kTuple);
    while (got.size() < 3) {
      auto [error, answer] = co_await framed.Next(kTuple);
      EXPECT_FALSE(error);
      got.push_back(answer.values(0).string());
    }
  };
  asio::co_spawn(time_.io(), talk, [](std::exception_ptr) {});
  time_.RunUntil([&] { return got.size() == 3; });
  EXPECT_THAT(got, ElementsAre("3", "2", "1"));
}

TEST_F(ScriptedPeerTest, OutOfOrderWithoutANextStepFailsAtTheEnd) {
  MakePeer();
  const int line = __LINE__ + 1;
  peer_->Expect(_).Reply(Text("1")).OutOfOrder();
  client_->Execute(MakeHget("t", "a"), [](const Answer&) {});
  time_.RunReady();
  EXPECT_TRUE(peer_->done());
  CapturedFailures captured;
  peer_.reset();
  ASSERT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("server: the reply of this step is "
                                          "OutOfOrder, and was never said"))));
  EXPECT_EQ(captured.Get()[0].line, line);
  time_.RunReady();
}

TEST_F(ScriptedPeerTest, AStepThatHasComeTrueTakesNoMore) {
  MakePeer();
  auto step = peer_->Expect(_);
  step.Reply(Text("1"));
  EXPECT_TRUE(Execute(MakeHget("t", "a")).ok());
  CapturedFailures captured;
  step.Reply(Text("2")).After(milliseconds(1)).OutOfOrder();
  step.ThenEof();
  const auto too_late =
      Field(&CapturedFailures::Failure::message,
            HasSubstr("a step of a script: it has come true already"));
  EXPECT_THAT(captured.Get(),
              ElementsAre(too_late, too_late, too_late, too_late));
}

// Takes the first answer to be that to its first question.
TEST_F(ScriptedPeerTest, AnswersTakenInTheOrderOfTheQuestions) {
  MakePeer();
  peer_->Expect(_).Reply(Text("a")).OutOfOrder();
  peer_->Expect(_).Reply(Text("b"));
  auto& framed = client_->framed();
  std::string first;
  const auto talk = [&]() -> awaitable<void> {
    constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
    EXPECT_TRUE(framed.Feed(MakeHget("t", "a")).ok());
    EXPECT_TRUE(framed.Feed(MakeHget("t", "b")).ok());
    co_await framed.Flush(kTuple);
    auto [error, answer] = co_await framed.Next(kTuple);
    first = answer.values(0).string();
  };
  asio::co_spawn(time_.io(), talk, [](std::exception_ptr) {});
  time_.RunUntil([&] { return !first.empty(); });
  EXPECT_EQ(first, "b") << "not a";
}

TEST_F(ScriptedPeerTest, MisusedStepsNameTheirLine) {
  MakePeer();
  CapturedFailures captured;
  peer_->Expect(_).After(milliseconds(1));
  peer_->Expect(_).Reply(Text("1")).ThenEof(1000);
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("After, without a reply before it")),
                          Field(&CapturedFailures::Failure::message,
                                HasSubstr("behind the end of the reply"))));
  peer_.reset();
}

}  // namespace
}  // namespace coffer_testing
