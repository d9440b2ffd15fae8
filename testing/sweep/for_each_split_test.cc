#include "coffer/testing/sweep/for_each_split.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/testing/sweep/failures_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using internal::FailuresOf;
using Failures = std::vector<internal::CapturedFailures::Failure>;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Pieces = std::vector<std::string_view>;

std::string Joined(const Pieces& pieces) {
  std::string joined;
  for (const std::string_view piece : pieces) joined += piece;
  return joined;
}

// Counts the lines that end in "\r\n".
class RightLineCounter {
 public:
  void Consume(std::string_view piece) {
    for (const char c : piece) {
      if (c == '\n' && last_ == '\r') ++lines_;
      last_ = c;
    }
  }
  int lines() const { return lines_; }

 private:
  char last_ = 0;
  int lines_ = 0;
};

// Looks for both bytes in one piece: wrong if they are cut apart.
class LineCounterForWholeEnds {
 public:
  void Consume(std::string_view piece) {
    for (size_t at = 0; (at = piece.find("\r\n", at)) != piece.npos; ++at) {
      ++lines_;
    }
  }
  int lines() const { return lines_; }

 private:
  int lines_ = 0;
};

// A header of four bytes, the number big-endian. `Wrong`: keeps what came of an
// unfinished header, but for `kept` times only.
class HeaderParser {
 public:
  explicit HeaderParser(int kept) : kept_(kept) {}

  void Consume(std::string_view piece) {
    if (header_.size() == 4) return;
    if (!header_.empty() && kept_-- == 0) header_.clear();
    header_ += piece.substr(0, 4 - header_.size());
  }
  unsigned value() const {
    unsigned value = 0;
    for (const unsigned char c : header_) value = value << 8 | c;
    return value;
  }

 private:
  int kept_;
  std::string header_;
};

Failures FailuresOfHeaderParser(int kept, ForEachSplitOptions options,
                                uint64_t* runs) {
  return FailuresOf([&] {
    *runs = ForEachSplit(
        std::string_view("\1\2\3\4body", 8),
        [&](const Pieces& pieces) {
          HeaderParser parser(kept);
          for (const std::string_view piece : pieces) parser.Consume(piece);
          EXPECT_EQ(parser.value(), 0x01020304u);
        },
        options);
  });
}

TEST(ForEachSplitTest, FortyBytesAre780Runs) {
  const std::string bytes(40, 'x');
  uint64_t single = 0, pairs = 0;
  std::set<std::vector<size_t>> seen;
  const uint64_t runs = ForEachSplit(bytes, [&](const Pieces& pieces) {
    EXPECT_EQ(Joined(pieces), bytes);
    std::vector<size_t> sizes;
    for (const std::string_view piece : pieces) {
      EXPECT_FALSE(piece.empty());
      sizes.push_back(piece.size());
    }
    EXPECT_TRUE(seen.insert(sizes).second) << "twice";
    ++(pieces.size() == 2 ? single : pairs);
  });
  EXPECT_EQ(single, 39u);
  EXPECT_EQ(pairs, 741u);
  EXPECT_EQ(runs, 780u);
}

TEST(ForEachSplitTest, SimplestFirst) {
  std::vector<Pieces> seen;
  ForEachSplit("abcd", [&](const Pieces& pieces) { seen.push_back(pieces); },
               {.header_bytes = 4});
  EXPECT_THAT(
      seen,
      ElementsAre(ElementsAre("a", "bcd"), ElementsAre("ab", "cd"),
                  ElementsAre("abc", "d"), ElementsAre("a", "b", "cd"),
                  ElementsAre("a", "bc", "d"), ElementsAre("ab", "c", "d"),
                  ElementsAre("a", "b", "c", "d")));
}

TEST(ForEachSplitTest, HeaderGetsEveryTriple) {
  const std::string bytes(20, 'x');
  uint64_t triples = 0;
  const auto count = [&](const Pieces& pieces) {
    if (pieces.size() != 4) return;
    ++triples;
    EXPECT_LE(bytes.size() - pieces.back().size(), 6u);
  };
  // Cuts after 1 to 6 bytes: 6 over 3.
  EXPECT_EQ(ForEachSplit(bytes, count, {.header_bytes = 6}), 19u + 171u + 20u);
  EXPECT_EQ(triples, 20u);
}

TEST(ForEachSplitTest, CutsMaxIsAnyNumber) {
  const auto nothing = [](const Pieces&) {};
  EXPECT_EQ(ForEachSplit("abcdef", nothing, {.cuts_max = 1}), 5u);
  EXPECT_EQ(ForEachSplit("abcdef", nothing, {.cuts_max = 3}), 5u + 10u + 10u);
  EXPECT_EQ(ForEachSplit("abcdef", nothing, {.cuts_max = 3, .header_bytes = 6}),
            5u + 10u + 10u)
      << "no triple twice";
  EXPECT_EQ(ForEachSplit("abcdef", nothing, {.cuts_max = 9}), 31u)
      << "every subset of 5 places but none";
}

TEST(ForEachSplitTest, RightParserPasses) {
  const uint64_t runs = ForEachSplit("ab\r\ncd\r\n", [](const Pieces& pieces) {
    RightLineCounter counter;
    for (const std::string_view piece : pieces) counter.Consume(piece);
    EXPECT_EQ(counter.lines(), 2);
  });
  EXPECT_EQ(runs, 7u + 21u);
}

TEST(ForEachSplitTest, FindsTheTwoBytesThatMustNotBeCutApart) {
  uint64_t runs = 0;
  const Failures failures = FailuresOf([&] {
    runs = ForEachSplit("ab\r\ncd", [](const Pieces& pieces) {
      LineCounterForWholeEnds counter;
      for (const std::string_view piece : pieces) counter.Consume(piece);
      EXPECT_EQ(counter.lines(), 1);
    });
  });
  EXPECT_EQ(runs, 3u) << "stops at once";
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message, AllOf(HasSubstr("counter.lines()"),
                                         HasSubstr("ForEachSplit: --split=3")));
  EXPECT_THAT(
      failures[1].message,
      AllOf(HasSubstr("ForEachSplit: stopped: run 3 failed, with --split=3\n"),
            HasSubstr("First failure: "), HasSubstr("counter.lines()"),
            HasSubstr("--test_filter=ForEachSplitTest."
                      "FindsTheTwoBytesThatMustNotBeCutApart "
                      "--test_arg=--split=3")));
}

TEST(ForEachSplitTest, FindsWhatOnlyTwoCutsBreak) {
  uint64_t runs = 0;
  const auto failures = FailuresOfHeaderParser(/*kept=*/1, {}, &runs);
  EXPECT_EQ(runs, 7u + 1u) << "no single cut breaks it";
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[1].message, HasSubstr("with --split=1,2\n"));
}

TEST(ForEachSplitTest, FindsInTheHeaderWhatOnlyThreeCutsBreak) {
  uint64_t runs = 0;
  EXPECT_THAT(FailuresOfHeaderParser(/*kept=*/2, {}, &runs), SizeIs(0));
  EXPECT_EQ(runs, 7u + 21u);
  const auto failures =
      FailuresOfHeaderParser(/*kept=*/2, {.header_bytes = 4}, &runs);
  EXPECT_EQ(runs, 7u + 21u + 1u);
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[1].message, HasSubstr("with --split=1,2,3\n"));
}

TEST(ForEachSplitTest, FewerThanTwoBytesFail) {
  for (const std::string_view bytes : {"", "x"}) {
    const Failures failures =
        FailuresOf([&] { ForEachSplit(bytes, [](const Pieces&) {}); });
    ASSERT_THAT(failures, SizeIs(1));
    EXPECT_THAT(failures[0].message, HasSubstr("nothing was tested"));
    EXPECT_THAT(failures[0].file, HasSubstr("for_each_split_test.cc"));
  }
}

TEST(ForEachSplitTest, TooManyRunsAreRefusedBeforeTheFirst) {
  const std::string bytes(1'000'000, 'x');
  uint64_t runs = 0;
  const Failures failures =
      FailuresOf([&] { ForEachSplit(bytes, [&](const Pieces&) { ++runs; }); });
  EXPECT_EQ(runs, 0u);
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message, HasSubstr("1000000 bytes with 2 cuts are"));
}

}  // namespace
}  // namespace coffer_testing
