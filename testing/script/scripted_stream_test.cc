#include "coffer/testing/script/scripted_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using internal::CapturedFailures;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Asks each question and takes an answer of four characters.
template <class... Questions>
awaitable<std::string> Talk(ScriptedStream& stream, Questions... questions) {
  std::string answers;
  for (const std::string& question : {std::string(questions)...}) {
    auto [write_error, written] =
        co_await asio::async_write(stream, asio::buffer(question), kTuple);
    if (write_error) co_return answers + write_error.message();
    std::string answer(4, '.');
    auto [error, bytes] =
        co_await asio::async_read(stream, asio::buffer(answer), kTuple);
    answers += answer.substr(0, bytes);
    if (error) co_return answers + error.message();
  }
  co_return answers;
}

// Takes it that a read gives an answer.
awaitable<std::string> ReadsOnce(ScriptedStream& stream) {
  co_await asio::async_write(stream, asio::buffer("PING", 4), kTuple);
  std::string answer(4, '.');
  co_await stream.async_read_some(asio::buffer(answer), kTuple);
  co_return answer;
}

class ScriptedStreamTest : public ::testing::Test {
 protected:
  std::string Run(awaitable<std::string> program) {
    std::optional<std::string> said;
    asio::co_spawn(time_.io(), std::move(program),
                   [&](std::exception_ptr, std::string result) {
                     said = std::move(result);
                   });
    EXPECT_TRUE(time_.RunUntil([&] { return said.has_value(); }));
    return said.value_or("hangs");
  }

  VirtualTime time_;
  ScriptedStream stream_{"server", time_.get_executor(), time_.clock()};
};

TEST_F(ScriptedStreamTest, SaysWhatItsScriptSays) {
  stream_.Push("hi..");
  stream_.Expect("PING").Reply("PO").Reply("NG").After(std::chrono::hours(1));
  stream_.Expect("BYE").Reply("bye!").Chunked({1, 1, 1}).ThenEof();
  stream_.ExpectEnd();
  EXPECT_EQ(Run(Talk(stream_, "", "PING", "BYE", "")),
            "hi..PONGbye!End of file");
  stream_.shutdown_send();
  time_.RunReady();
  EXPECT_TRUE(stream_.done());
}

TEST_F(ScriptedStreamTest, BytesOfSeveralStepsMayComeTogether) {
  stream_.Expect("ONE").Reply("1");
  stream_.Expect("TWO").Reply("234");
  EXPECT_EQ(Run(Talk(stream_, "ONETWO")), "1234");
}

TEST_F(ScriptedStreamTest, StepsGoAlongWhenItIsMoved) {
  stream_.Expect("PING").Reply("PONG");
  ScriptedStream moved = std::move(stream_);
  EXPECT_EQ(Run(Talk(moved, "PING")), "PONG");
  moved = ScriptedStream("other", time_.get_executor(), time_.clock());
  moved.Expect("PING").Reply("pong");
  EXPECT_EQ(Run(Talk(moved, "PING")), "pong");
}

TEST_F(ScriptedStreamTest, MaySayNothingAndReset) {
  stream_.Expect("PING").ThenReset();
  EXPECT_EQ(Run(Talk(stream_, "PING")), "Connection reset by peer");
}

// Deliberately wrong programs.

TEST_F(ScriptedStreamTest, AByteThatDiffersFailsAtOnceAndNobodyHangs) {
  const int line = __LINE__ + 1;
  stream_.Expect("PING\r\n").Reply("PONG");
  stream_.Expect("BYE");
  CapturedFailures captured;
  EXPECT_EQ(Run(Talk(stream_, "PING\n")), "Connection reset by peer");
  ASSERT_THAT(captured.Get(), SizeIs(1));
  EXPECT_THAT(captured.Get()[0].message,
              AllOf(HasSubstr("server: at step 1 of 2: byte 4 differs: got "
                              "\"\\n\""),
                    HasSubstr("1. expects \"PING\\r\\n\" ("),
                    HasSubstr("2. expects \"BYE\" (")));
  EXPECT_EQ(captured.Get()[0].line, line);
}

TEST_F(ScriptedStreamTest, BytesTooManyFail) {
  stream_.Expect("PING").Reply("PONG");
  CapturedFailures captured;
  Run(Talk(stream_, "PINGPING"));
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("server: after all 1 steps: "
                                          "unexpected bytes: \"PING\""))));
}

TEST_F(ScriptedStreamTest, AnEndInTheMiddleFails) {
  stream_.Expect("PING").Reply("PONG");
  CapturedFailures captured;
  asio::async_write(stream_, asio::buffer("PI", 2), [](auto...) {});
  time_.RunReady();
  stream_.shutdown_send();
  time_.RunReady();
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("has ended (End of file), 2 bytes "
                                          "into the step"))));
}

TEST_F(ScriptedStreamTest, StepsThatWereNotReachedFailAtTheEnd) {
  CapturedFailures captured;
  {
    ScriptedStream stream("other", time_.get_executor(), time_.clock());
    stream.Expect("PING");
    stream.Expect("");
  }
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("Expect(\"\") expects nothing")),
                          Field(&CapturedFailures::Failure::message,
                                HasSubstr("other: at step 1 of 2: it was not "
                                          "reached"))));
}

TEST_F(ScriptedStreamTest, AReadTakenForAnAnswer) {
  stream_.Expect("PING").Reply("PONG").Chunked({1});
  {
    CapturedFailures captured;
    EXPECT_EQ(Run(ReadsOnce(stream_)), "PONG");
    EXPECT_THAT(captured.Get(),
                ElementsAre(Field(&CapturedFailures::Failure::message,
                                  HasSubstr("Which is: \"P...\""))));
  }
  ScriptedStream again("server", time_.get_executor(), time_.clock());
  again.Expect("PING").Reply("PONG").Chunked({1});
  EXPECT_EQ(Run(Talk(again, "PING")), "PONG");
}

}  // namespace
}  // namespace coffer_testing
