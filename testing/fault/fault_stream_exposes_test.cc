// Programs that are wrong on purpose, each in one way that no stream which
// gives and takes everything at once would show. Each passes its test until a
// FaultStream comes in between; its right twin passes it then too.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>

#include "coffer/testing/dummy_stream.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/internal/captured_failures.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using asio::awaitable;
using internal::CapturedFailures;
using ::testing::AnyOf;
using ::testing::HasSubstr;

using Stream = FaultStream<DummyStream>;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Lines of five characters.
using Program = awaitable<std::string> (*)(Stream&);

// Takes it that a read gives a line.
awaitable<std::string> ReadsOnce(Stream& stream) {
  std::array<char, 5> line;
  const auto [error, bytes] =
      co_await stream.async_read_some(asio::buffer(line), kTuple);
  co_return std::string(line.data(), bytes);
}

awaitable<std::string> ReadsALine(Stream& stream) {
  std::array<char, 5> line;
  const auto [error, bytes] =
      co_await asio::async_read(stream, asio::buffer(line), kTuple);
  co_return std::string(line.data(), bytes);
}

// Forgets that an end can come with bytes.
awaitable<std::string> DropsTheLastBytes(Stream& stream) {
  std::string all;
  while (true) {
    std::array<char, 3> piece;
    const auto [error, bytes] =
        co_await stream.async_read_some(asio::buffer(piece), kTuple);
    if (error) co_return all;
    all.append(piece.data(), bytes);
  }
}

awaitable<std::string> KeepsTheLastBytes(Stream& stream) {
  std::string all;
  while (true) {
    std::array<char, 3> piece;
    const auto [error, bytes] =
        co_await stream.async_read_some(asio::buffer(piece), kTuple);
    all.append(piece.data(), bytes);
    if (error) co_return all;
  }
}

// Takes it that a write takes all.
awaitable<std::string> WritesOnce(Stream& stream) {
  co_await stream.async_write_some(asio::buffer("hello", 5), kTuple);
  co_return "";
}

awaitable<std::string> WritesAll(Stream& stream) {
  co_await asio::async_write(stream, asio::buffer("hello", 5), kTuple);
  co_return "";
}

// Says "done", whatever came of it.
awaitable<std::string> IgnoresTheError(Stream& stream) {
  co_await asio::async_write(stream, asio::buffer("hello", 5), kTuple);
  co_return "done";
}

awaitable<std::string> TellsTheError(Stream& stream) {
  const auto [error, bytes] =
      co_await asio::async_write(stream, asio::buffer("hello", 5), kTuple);
  co_return error ? "failed" : "done";
}

// Takes what it has got for what was sent.
awaitable<std::string> TrustsItsInput(Stream& stream) {
  return ReadsALine(stream);
}

// Knows the sum of what is sent.
awaitable<std::string> ChecksItsInput(Stream& stream) {
  std::string line = co_await ReadsALine(stream);
  int sum = 0;
  for (const char letter : line) sum += letter;
  co_return sum == 'h' + 'e' + 'l' + 'l' + 'o' ? line : "damaged";
}

struct Outcome {
  std::string returned;
  std::string written;
};

Outcome RunProgram(Program program, FaultPlan plan) {
  asio::io_context io;
  Stream stream(DummyStream(io.get_executor(), "hello"), std::move(plan));
  Outcome outcome;
  asio::co_spawn(io, program(stream),
                 [&](std::exception_ptr, std::string returned) {
                   outcome.returned = std::move(returned);
                 });
  io.run();
  outcome.written = stream.next_layer().written();
  return outcome;
}

// The tests of the programs.
using TestOfAProgram = void (*)(Program, const FaultPlan&);

void ReturnsTheLine(Program program, const FaultPlan& plan) {
  EXPECT_EQ(RunProgram(program, plan).returned, "hello");
}

void WritesTheLine(Program program, const FaultPlan& plan) {
  EXPECT_EQ(RunProgram(program, plan).written, "hello");
}

void TellsWhatHappened(Program program, const FaultPlan& plan) {
  const Outcome outcome = RunProgram(program, plan);
  EXPECT_EQ(outcome.returned, outcome.written == "hello" ? "done" : "failed");
}

void KnowsAChangedByte(Program program, const FaultPlan& plan) {
  EXPECT_THAT(RunProgram(program, plan).returned, AnyOf("hello", "damaged"));
}

// What the test says of the program; nothing, if that passes.
std::string Verdict(TestOfAProgram test, Program program,
                    const FaultPlan& plan) {
  CapturedFailures captured;
  test(program, plan);
  std::string verdict;
  for (const auto& failure : captured.Get()) verdict += failure.message;
  return verdict;
}

// That a test finds out the wrong one, and says `message`, under the plan only;
// and does not find fault with the right one.
void ExpectFoundOut(TestOfAProgram test, Program wrong, Program right,
                    const FaultPlan& plan, const std::string& message) {
  EXPECT_EQ(Verdict(test, wrong, FaultPlan()), "") << "without faults";
  EXPECT_THAT(Verdict(test, wrong, plan), HasSubstr(message));
  EXPECT_EQ(Verdict(test, right, plan), "");
  EXPECT_EQ(Verdict(test, right, FaultPlan()), "");
}

TEST(FaultStreamExposesTest, AReadTakenForAMessage) {
  ExpectFoundOut(ReturnsTheLine, ReadsOnce, ReadsALine,
                 FaultPlan().SplitReads(SplitPolicy::Sizes({2, 3})),
                 "Which is: \"he\"");
}

TEST(FaultStreamExposesTest, BytesThatComeWithTheEnd) {
  ExpectFoundOut(ReturnsTheLine, DropsTheLastBytes, KeepsTheLastBytes,
                 FaultPlan().EofAfterBytes(5).ErrorWithData(),
                 "Which is: \"hel\"");
}

TEST(FaultStreamExposesTest, AWriteTakenForAll) {
  ExpectFoundOut(WritesTheLine, WritesOnce, WritesAll,
                 FaultPlan().SplitWrites(SplitPolicy::Half()),
                 "Which is: \"he\"");
}

TEST(FaultStreamExposesTest, AnErrorThatIsIgnored) {
  ExpectFoundOut(TellsWhatHappened, IgnoresTheError, TellsTheError,
                 FaultPlan().FailAt(FaultOp::kWrite, 0, error::broken_pipe),
                 "Which is: \"done\"");
}

TEST(FaultStreamExposesTest, BytesThatNobodyChecks) {
  ExpectFoundOut(KnowsAChangedByte, TrustsItsInput, ChecksItsInput,
                 FaultPlan().CorruptByte(FaultOp::kRead, 1, 0x04),
                 "Actual: \"hallo\"");
}

}  // namespace
}  // namespace coffer_testing
