#include "coffer/tools/cli/input_lines.h"

#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Line = absl::StatusOr<std::optional<std::string>>;

class InputLinesTest : public testing::Test {
 protected:
  InputLinesTest() { EXPECT_EQ(pipe(pipe_), 0); }
  ~InputLinesTest() override {
    close(pipe_[0]);
    CloseWriter();
  }

  void Write(const std::string& text) {
    EXPECT_EQ(write(pipe_[1], text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  void CloseWriter() {
    if (pipe_[1] >= 0) close(pipe_[1]);
    pipe_[1] = -1;
  }

  // Begins a Next.
  void Next(InputLines& lines, std::optional<Line>* line,
            asio::cancellation_slot slot = {}) {
    line->reset();
    asio::co_spawn(io_, lines.Next(),
                   asio::bind_cancellation_slot(
                       slot, [line](std::exception_ptr, Line given) {
                         *line = std::move(given);
                       }));
    Poll();
  }
  void Poll() {
    io_.restart();
    io_.poll();
  }
  // Those that are there.
  std::vector<std::string> All(InputLines& lines) {
    std::vector<std::string> all;
    for (;;) {
      std::optional<Line> line;
      Next(lines, &line);
      EXPECT_TRUE(line.has_value() && line->ok());
      if (!line.has_value() || !line->ok() || !(*line)->has_value()) return all;
      all.push_back(***line);
    }
  }

  asio::io_context io_;
  int pipe_[2] = {-1, -1};
};

std::string FileOf(const std::string& text) {
  const std::string path = testing::TempDir() + "/lines";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST_F(InputLinesTest, LinesOfAFile) {
  const std::string big(200000, 'x');
  for (const auto& [text, expected] :
       std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"", {}},
           {"\n", {""}},
           {"a", {"a"}},
           {"a\nb\n", {"a", "b"}},
           {"a\n\n" + big + "\nb", {"a", "", big, "b"}}}) {
    InputLines lines(io_.get_executor());
    ASSERT_TRUE(lines.Open(FileOf(text)).ok());
    EXPECT_EQ(All(lines), expected);
    EXPECT_THAT(All(lines), IsEmpty());
  }
}

TEST_F(InputLinesTest, LinesOfAPipeAreWaitedFor) {
  InputLines lines(io_.get_executor());
  ASSERT_TRUE(lines.Open(pipe_[0]).ok());
  std::optional<Line> line;
  Next(lines, &line);
  EXPECT_FALSE(line.has_value());
  Write("a");
  Poll();
  EXPECT_FALSE(line.has_value());
  Write("b\ncd\ne");
  Poll();
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(***line, "ab");
  Next(lines, &line);
  EXPECT_EQ(***line, "cd");
  CloseWriter();
  EXPECT_THAT(All(lines), ElementsAre("e"));
}

TEST_F(InputLinesTest, CancelledNextLosesNothing) {
  InputLines lines(io_.get_executor());
  ASSERT_TRUE(lines.Open(pipe_[0]).ok());
  Write("a");
  std::optional<Line> line;
  asio::cancellation_signal cancel;
  Next(lines, &line, cancel.slot());
  EXPECT_FALSE(line.has_value());
  cancel.emit(asio::cancellation_type::terminal);
  Poll();
  ASSERT_TRUE(line.has_value());
  EXPECT_TRUE(absl::IsCancelled(line->status()));
  Write("b\n");
  CloseWriter();
  EXPECT_THAT(All(lines), ElementsAre("ab"));
}

TEST_F(InputLinesTest, WhatCannotBeReadIsAnError) {
  InputLines none(io_.get_executor());
  EXPECT_TRUE(absl::IsNotFound(none.Open("/no/such/file")));
  InputLines closed(io_.get_executor());
  EXPECT_FALSE(closed.Open(-1).ok());
  InputLines folder(io_.get_executor());
  ASSERT_TRUE(folder.Open("/").ok());
  std::optional<Line> line;
  Next(folder, &line);
  ASSERT_TRUE(line.has_value());
  EXPECT_FALSE(line->ok());
}

TEST_F(InputLinesTest, WhatNeverHasAnythingEnds) {
  InputLines lines(io_.get_executor());
  ASSERT_TRUE(lines.Open("/dev/null").ok());
  EXPECT_THAT(All(lines), IsEmpty());
}

}  // namespace
}  // namespace coffer::cli
