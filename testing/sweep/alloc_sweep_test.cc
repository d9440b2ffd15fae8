#include "coffer/testing/sweep/alloc_sweep.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
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

const std::string kLong(100, 'x');

// Keys and their values, each in its column. Put is all or nothing.
class RightTable {
 public:
  void Put(const std::string& key, const std::string& value) {
    keys_.reserve(keys_.size() + 1);
    values_.reserve(values_.size() + 1);
    std::string new_key = key;
    std::string new_value = value;
    keys_.push_back(std::move(new_key));
    values_.push_back(std::move(new_value));
  }
  bool consistent() const { return keys_.size() == values_.size(); }
  size_t size() const { return keys_.size(); }

 protected:
  std::vector<std::string> keys_;
  std::vector<std::string> values_;
};

// Has the key and no value, if there is no memory for the value.
class UnsafeTable : public RightTable {
 public:
  void Put(const std::string& key, const std::string& value) {
    keys_.push_back(key);
    values_.push_back(value);
  }
};

template <class Table>
void PutIsAllOrNothing(AllocPoint& point) {
  Table table;
  table.Put("a", "b");
  const bool put = point.Run([&] { table.Put(kLong, kLong); });
  EXPECT_EQ(put, !point.fired());
  EXPECT_TRUE(table.consistent());
  EXPECT_EQ(table.size(), put ? 2u : 1u);
}

TEST(AllocSweepTest, SafeCodePassesInTheExactNumberOfRuns) {
  // Two columns and two strings, one-shot and sticky.
  EXPECT_EQ(AllocSweep(PutIsAllOrNothing<RightTable>),
            (SweepReport{.runs = 2 * (4 + 1), .fired = 2 * 4}));
}

TEST(AllocSweepTest, FindsCodeThatIsNotExceptionSafe) {
  SweepReport report;
  const Failures failures =
      FailuresOf([&] { report = AllocSweep(PutIsAllOrNothing<UnsafeTable>); });
  // The column of keys grows, the key is copied, and then there is a key.
  EXPECT_EQ(report, (SweepReport{.runs = 5, .fired = 5}));
  ASSERT_THAT(failures, SizeIs(3));
  EXPECT_THAT(failures[0].message,
              AllOf(HasSubstr("table.consistent()"),
                    HasSubstr("AllocSweep: --alloc=2:one_shot")));
  EXPECT_THAT(failures[2].message,
              AllOf(HasSubstr("AllocSweep: stopped: run 5 failed, with "
                              "--alloc=2:one_shot\nFirst failure: "),
                    HasSubstr("bazel test //testing/sweep:alloc_sweep_test "
                              "--test_filter=AllocSweepTest."
                              "FindsCodeThatIsNotExceptionSafe "
                              "--test_arg=--alloc=2:one_shot")));
}

TEST(AllocSweepTest, OneShotGoesOnAndStickyDoesNot) {
  std::vector<std::pair<bool, bool>> results;
  int* one = nullptr;
  int* two = nullptr;
  EXPECT_EQ(AllocSweep([&](AllocPoint& point) {
              EXPECT_TRUE(point.Run([&] {
                one = new (std::nothrow) int(1);
                two = new (std::nothrow) int(2);
              })) << "nothing is thrown";
              results.emplace_back(one != nullptr, two != nullptr);
              delete one;
              delete two;
            }),
            (SweepReport{.runs = 6, .fired = 4}));
  EXPECT_THAT(results,
              ElementsAre(std::pair(false, true), std::pair(false, false),
                          std::pair(true, false), std::pair(true, false),
                          std::pair(true, true), std::pair(true, true)));
}

TEST(AllocSweepTest, OnlyWhatIsInsideRunIsSwept) {
  const SweepReport report = AllocSweep(
      [&](AllocPoint& point) {
        std::vector<std::string> strings(3, kLong);
        point.Run([&] { strings.emplace_back(); });
        strings.push_back(kLong);
        point.Run([&] { const std::string copy = kLong; });
      },
      {.modes = {FaultMode::kOneShot}});
  EXPECT_EQ(report, (SweepReport{.runs = 3, .fired = 2}));
}

TEST(AllocSweepTest, HandlersOfAsioFailToo) {
  const SweepReport report = AllocSweep(
      [](AllocPoint& point) {
        boost::asio::io_context io;
        const std::array<char, 256> large = {};
        bool ran = false;
        const bool posted = point.Run([&] {
          boost::asio::post(io, [&ran, large] { ran = large[0] == 0; });
        });
        io.run();
        EXPECT_EQ(ran, posted);
      },
      {.modes = {FaultMode::kOneShot}});
  EXPECT_EQ(report, (SweepReport{.runs = 2, .fired = 1}));
}

TEST(AllocSweepTest, CodeThatTriesForEverIsGivenUp) {
  const Failures failures = FailuresOf([] {
    AllocSweep(
        [](AllocPoint& point) {
          point.Run([] {
            while (true) {
              try {
                const std::string copy = kLong;
                return;
              } catch (const std::bad_alloc&) {
              }
            }
          });
        },
        {.allocations_max = 1000});
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("AllocSweep: gave up after 1000 allocations in all, "
                        "999 of them in the last of 2 runs, with "
                        "--alloc=0:sticky"));
}

TEST(AllocSweepTest, SweepThatTestedNothingFails) {
  const Failures failures = FailuresOf([] {
    AllocSweep([](AllocPoint& point) {
      const std::string outside = kLong;
      point.Run([] {});
    });
  });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message, HasSubstr("AllocSweep: nothing was tested"));
}

TEST(AllocSweepTest, OtherExceptionsAreFailures) {
  const Failures failures = FailuresOf([] {
    AllocSweep([](AllocPoint& point) {
      point.Run([] { throw std::runtime_error("no luck"); });
    });
  });
  ASSERT_THAT(failures, SizeIs(3));
  EXPECT_THAT(failures[0].message, HasSubstr("the run threw: no luck"));
  EXPECT_THAT(failures[2].message,
              HasSubstr("in that run the fault was not reached"));
}

TEST(AllocSweepDeathTest, NoexceptFunctionTellsTheRun) {
  const auto copies = []() noexcept { const std::string copy = kLong; };
  EXPECT_DEATH(AllocSweep([&](AllocPoint& point) { point.Run(copies); }),
               "AllocSweep: died with --alloc=0:one_shot; to make that run "
               "alone:\n  bazel test .*--test_arg=--alloc=0:one_shot\n");
}

}  // namespace
}  // namespace coffer_testing
