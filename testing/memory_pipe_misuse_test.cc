// What is a failure of the test, and that it names the line: operations that
// overlap, streams moved with operations pending, operations never completed.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/internal/op_recorder.h"
#include "coffer/testing/memory_pipe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using internal::CapturedFailures;
using internal::Pending;
using internal::Record;
using internal::Result;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t ThisLine(
    std::source_location where = std::source_location::current()) {
  return where.line();
}

std::string Place(uint32_t line) {
  return absl::StrCat(std::source_location::current().file_name(), ":", line);
}

class MemoryPipeMisuseTest : public ::testing::Test {
 protected:
  asio::io_context io_;
  std::pair<MemoryPipe, MemoryPipe> ends_ =
      MakeMemoryPipe(io_.get_executor(), {.capacity = 1});
  MemoryPipe& a_ = ends_.first;
  MemoryPipe& b_ = ends_.second;
  std::array<char, 8> buffer_;
};

TEST_F(MemoryPipeMisuseTest, SecondReadNamesBothLinesAndFails) {
  Pending first, second;
  std::vector<CapturedFailures::Failure> failures;
  const uint32_t first_line = ThisLine() + 1;
  a_.async_read_some(asio::buffer(buffer_), Record(first));
  const uint32_t second_line = ThisLine() + 3;
  {
    CapturedFailures captured;
    a_.async_read_some(asio::buffer(buffer_), Record(second));
    failures = captured.Get();
  }
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message,
              AllOf(HasSubstr(absl::StrCat("async_read_some started at ",
                                           Place(second_line))),
                    HasSubstr(absl::StrCat("pending: async_read_some started "
                                           "at ",
                                           Place(first_line)))));
  EXPECT_EQ(failures[0].line, static_cast<int>(second_line));
  EXPECT_THAT(failures[0].file, HasSubstr("memory_pipe_misuse_test.cc"));

  b_.async_write_some(asio::buffer("x", 1), [](auto...) {});
  io_.run();
  EXPECT_EQ(second, (Result{error::already_started, 0}));
  EXPECT_EQ(first, (Result{{}, 1})) << "the first is not disturbed";
}

TEST_F(MemoryPipeMisuseTest, SecondWriteFails) {
  Pending first, second;
  {
    CapturedFailures captured;
    a_.async_write_some(asio::buffer("xy", 2), Record(first));
    EXPECT_THAT(captured.Get(), IsEmpty());
    a_.async_write_some(asio::buffer("z", 1), Record(second));
    EXPECT_THAT(captured.Get(),
                ElementsAre(Field(&CapturedFailures::Failure::message,
                                  HasSubstr("while another is pending: "
                                            "async_write_some started at"))));
  }
  io_.run();
  EXPECT_EQ(first, (Result{{}, 1}));
  EXPECT_EQ(second, (Result{error::already_started, 0}));
}

TEST_F(MemoryPipeMisuseTest, OneReadAndOneWriteAreFine) {
  CapturedFailures captured;
  Pending read, write;
  a_.async_read_some(asio::buffer(buffer_), Record(read));
  a_.async_write_some(asio::buffer("x", 1), Record(write));
  b_.async_write_some(asio::buffer("y", 1), [](auto...) {});
  io_.run();
  EXPECT_TRUE(read && write);
  EXPECT_THAT(captured.Get(), IsEmpty());
}

TEST_F(MemoryPipeMisuseTest, NextReadMayStartInTheHandler) {
  CapturedFailures captured;
  Pending second;
  a_.async_read_some(asio::buffer(buffer_), [&](auto, size_t) {
    a_.async_read_some(asio::buffer(buffer_), Record(second));
  });
  b_.close();
  io_.run();
  EXPECT_EQ(second, (Result{error::eof, 0}));
  EXPECT_THAT(captured.Get(), IsEmpty());
}

TEST_F(MemoryPipeMisuseTest, MoveNamesThePendingOperation) {
  Pending read;
  std::vector<CapturedFailures::Failure> failures;
  const uint32_t line = ThisLine() + 1;
  a_.async_read_some(asio::buffer(buffer_), Record(read));
  {
    CapturedFailures captured;
    const MemoryPipe moved = std::move(a_);
    failures = captured.Get();
  }
  EXPECT_THAT(
      failures,
      ElementsAre(Field(&CapturedFailures::Failure::message,
                        HasSubstr(absl::StrCat("stream moved while pending: "
                                               "async_read_some started at ",
                                               Place(line))))));
  io_.run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
}

TEST_F(MemoryPipeMisuseTest, MoveAssignmentNamesThePendingOperation) {
  Pending write;
  b_.async_write_some(asio::buffer("x", 1), Record(write));
  CapturedFailures captured;
  a_ = std::move(b_);
  EXPECT_THAT(captured.Get(), SizeIs(1));
  io_.run();
}

// Of an operation that waits when its context goes, and of one that is queued.
TEST(MemoryPipeAbandonedTest, DestroyedContextNamesTheLines) {
  uint32_t made_line = 0, read_line = 0, write_line = 0;
  std::vector<CapturedFailures::Failure> failures;
  {
    CapturedFailures captured;
    {
      std::array<char, 8> buffer;
      asio::io_context io;
      made_line = ThisLine() + 1;
      auto [a, b] = MakeMemoryPipe(io.get_executor());
      // The pipe goes after the context.
      auto keep = std::make_shared<std::pair<MemoryPipe, MemoryPipe>>(
          std::move(a), std::move(b));
      auto& pipe = keep->first;
      read_line = ThisLine() + 1;
      pipe.async_read_some(asio::buffer(buffer), [keep](auto...) {});
      write_line = ThisLine() + 1;
      pipe.async_write_some(asio::buffer("x", 1), [keep](auto...) {});
    }
    failures = captured.Get();
  }
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(
      failures[0].message,
      HasSubstr(absl::StrCat("async_read_some started at ", Place(read_line),
                             " on the stream made at ", Place(made_line),
                             " never completed")));
  EXPECT_EQ(failures[0].line, static_cast<int>(read_line));
  EXPECT_THAT(failures[1].message,
              HasSubstr(absl::StrCat("async_write_some started at ",
                                     Place(write_line))));
  EXPECT_EQ(failures[1].line, static_cast<int>(write_line));
}

// Who closes its stream, or destroys it, waits for nothing any more.
TEST(MemoryPipeAbandonedTest, ClosedAndDestroyedStreamsAreNoFailure) {
  CapturedFailures captured;
  {
    std::array<char, 8> buffer;
    asio::io_context io;
    auto [a, b] = MakeMemoryPipe(io.get_executor(), {.capacity = 1});
    a.async_read_some(asio::buffer(buffer), [](auto...) {});
    a.async_write_some(asio::buffer("x", 1), [](auto...) {});
    io.poll();
    a.async_write_some(asio::buffer("y", 1), [](auto...) {});
    a.close();
    a.async_write_some(asio::buffer("z", 1), [](auto...) {});
    b.async_read_some(asio::buffer(buffer), [](auto...) {});
  }
  EXPECT_THAT(captured.Get(), IsEmpty());
}

TEST(MemoryPipeAbandonedTest, StreamMayOutliveItsContext) {
  std::array<char, 8> buffer;
  auto io = std::make_unique<asio::io_context>();
  auto [a, b] =
      MakeMemoryPipe(io->get_executor(), {.fail_if_abandoned = false});
  a.async_read_some(asio::buffer(buffer), [](auto...) { ADD_FAILURE(); });
  a.async_write_some(asio::buffer("x", 1), [](auto...) { ADD_FAILURE(); });
  io.reset();
  EXPECT_EQ(a.pending_reads(), 0u);
  EXPECT_EQ(a.pending_writes(), 0u);
  a.close();
}

// The frame of the coroutine owns the stream whose operation owns the frame.
TEST(MemoryPipeAbandonedTest, DestroyedContextDestroysWaitingCoroutines) {
  auto witness = std::make_shared<int>(0);
  {
    asio::io_context io;
    auto [a, b] =
        MakeMemoryPipe(io.get_executor(), {.fail_if_abandoned = false});
    const auto session = [](MemoryPipe pipe,
                            std::shared_ptr<int>) -> asio::awaitable<void> {
      std::array<char, 8> buffer;
      co_await pipe.async_read_some(asio::buffer(buffer),
                                    asio::as_tuple(asio::use_awaitable));
    };
    asio::co_spawn(io, session(std::move(a), witness), asio::detached);
    io.poll();
    EXPECT_GT(witness.use_count(), 1);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace coffer_testing
