// Programs that are wrong on purpose, each in one way that no stream which
// gives and takes everything at once would show; a FaultStream shows it. Each
// has its right twin, which the same plan leaves alone.

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
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using asio::awaitable;

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

// Ends the line at its fifth character, and trusts what it has got.
awaitable<std::string> TrustsItsInput(Stream& stream) {
  return ReadsALine(stream);
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

FaultPlan SplitReads() {
  return FaultPlan().SplitReads(SplitPolicy::Sizes({2, 3}));
}

TEST(FaultStreamExposesTest, AReadTakenForAMessage) {
  EXPECT_EQ(RunProgram(ReadsOnce, FaultPlan()).returned, "hello");
  EXPECT_EQ(RunProgram(ReadsOnce, SplitReads()).returned, "he");
  EXPECT_EQ(RunProgram(ReadsALine, SplitReads()).returned, "hello");
}

TEST(FaultStreamExposesTest, BytesThatComeWithTheEnd) {
  const auto plan = FaultPlan().EofAfterBytes(5).ErrorWithData();
  EXPECT_EQ(RunProgram(DropsTheLastBytes, FaultPlan()).returned, "hello");
  EXPECT_EQ(RunProgram(DropsTheLastBytes, plan).returned, "hel");
  EXPECT_EQ(RunProgram(KeepsTheLastBytes, plan).returned, "hello");
}

TEST(FaultStreamExposesTest, AWriteTakenForAll) {
  const auto plan = FaultPlan().SplitWrites(SplitPolicy::Half());
  EXPECT_EQ(RunProgram(WritesOnce, FaultPlan()).written, "hello");
  EXPECT_EQ(RunProgram(WritesOnce, plan).written, "he");
  EXPECT_EQ(RunProgram(WritesAll, plan).written, "hello");
}

TEST(FaultStreamExposesTest, AnErrorThatIsIgnored) {
  const auto plan = FaultPlan().FailAt(FaultOp::kWrite, 0, error::broken_pipe);
  EXPECT_EQ(RunProgram(IgnoresTheError, plan).returned, "done");
  EXPECT_EQ(RunProgram(IgnoresTheError, plan).written, "");
  EXPECT_EQ(RunProgram(TellsTheError, plan).returned, "failed");
  EXPECT_EQ(RunProgram(TellsTheError, FaultPlan()).returned, "done");
}

TEST(FaultStreamExposesTest, BytesThatNobodyChecks) {
  const auto plan = FaultPlan().CorruptByte(FaultOp::kRead, 1, 0x04);
  EXPECT_EQ(RunProgram(TrustsItsInput, FaultPlan()).returned, "hello");
  EXPECT_EQ(RunProgram(TrustsItsInput, plan).returned, "hallo");
}

}  // namespace
}  // namespace coffer_testing
