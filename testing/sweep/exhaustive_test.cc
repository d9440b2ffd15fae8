#include "coffer/testing/sweep/exhaustive.h"

#include <cstddef>
#include <set>
#include <source_location>
#include <stdexcept>
#include <string>
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

enum class Event { kConnected, kCancel, kClose };

// Connecting from the start; must be closed once all three events have come.
class RightConnection {
 public:
  void On(Event event) {
    if (event == Event::kConnected && state_ == State::kConnecting) {
      state_ = State::kOpen;
    }
    if (event != Event::kConnected) state_ = State::kClosed;
  }
  bool closed() const { return state_ == State::kClosed; }

 protected:
  enum class State { kConnecting, kCancelling, kOpen, kClosed };
  State state_ = State::kConnecting;
};

// A cancelled attempt waits for its outcome, and a close does not end that
// wait. So it opens what was closed: if it is cancelled, closed and connected,
// in this order.
class WrongConnection : public RightConnection {
 public:
  void On(Event event) {
    switch (event) {
      case Event::kCancel:
        state_ =
            state_ == State::kConnecting ? State::kCancelling : State::kClosed;
        return;
      case Event::kClose:
        close_seen_ = true;
        if (state_ != State::kCancelling) state_ = State::kClosed;
        return;
      case Event::kConnected:
        if (state_ == State::kClosed) return;
        state_ = state_ == State::kCancelling && !close_seen_ ? State::kClosed
                                                              : State::kOpen;
        return;
    }
  }

 private:
  bool close_seen_ = false;
};

template <class Connection>
uint64_t EveryOrderCloses(Failures* failures) {
  uint64_t runs = 0;
  *failures = FailuresOf([&] {
    Exhaustive g;
    while (g.NextRun()) {
      Connection connection;
      std::vector<Event> left = {Event::kConnected, Event::kCancel,
                                 Event::kClose};
      while (!left.empty()) connection.On(g.Take(left));
      EXPECT_TRUE(connection.closed());
    }
    runs = g.runs();
  });
  return runs;
}

TEST(ExhaustiveTest, EverySequenceOnce) {
  std::vector<std::string> seen;
  Exhaustive g;
  while (g.NextRun()) {
    const size_t a = g.Choose(3);
    // What is asked depends on the answer.
    if (a == 1) g.Coin();
    if (a == 2) g.Choose(1);
    seen.push_back(g.ToString());
  }
  EXPECT_THAT(seen, ElementsAre("0 of 3", "1 of 3, 0 of 2", "1 of 3, 1 of 2",
                                "2 of 3, 0 of 1"));
  EXPECT_EQ(g.runs(), 4u);
  EXPECT_FALSE(g.NextRun()) << "stays at its end";
}

TEST(ExhaustiveTest, NoChoiceIsOneRun) {
  Exhaustive g;
  uint64_t runs = 0;
  while (g.NextRun()) ++runs;
  EXPECT_EQ(runs, 1u);
  EXPECT_EQ(g.ToString(), "");
}

TEST(ExhaustiveTest, AllCombinations) {
  std::set<std::vector<size_t>> seen;
  Exhaustive g;
  while (g.NextRun()) {
    const size_t a = g.Choose(3);
    const bool b = g.Coin();
    const int c = g.Pick(std::vector<int>{5, 6, 7, 8});
    EXPECT_TRUE(seen.insert({a, b, static_cast<size_t>(c)}).second);
  }
  EXPECT_EQ(seen.size(), 3u * 2u * 4u);
  EXPECT_EQ(g.runs(), 24u);
}

TEST(ExhaustiveTest, TakeGivesEveryOrder) {
  std::set<std::string> orders;
  Exhaustive g;
  while (g.NextRun()) {
    std::vector<char> left = {'a', 'b', 'c', 'd'};
    std::string order;
    while (!left.empty()) order += g.Take(left);
    orders.insert(order);
  }
  EXPECT_THAT(orders, SizeIs(24));
  EXPECT_EQ(g.runs(), 24u);
}

TEST(ExhaustiveTest, RightStateMachinePasses) {
  Failures failures;
  EXPECT_EQ(EveryOrderCloses<RightConnection>(&failures), 6u);
  EXPECT_THAT(failures, SizeIs(0));
}

TEST(ExhaustiveTest, FindsTheOneOrderThatBreaks) {
  Failures failures;
  // Cancel (1 of 3), then close (1 of 2), then connected.
  EXPECT_EQ(EveryOrderCloses<WrongConnection>(&failures), 4u);
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message, HasSubstr("connection.closed()"));
  EXPECT_THAT(
      failures[1].message,
      AllOf(HasSubstr("Exhaustive: stopped: run 4 failed, with the choices "
                      "1 of 3, 1 of 2, 0 of 1\n"),
            HasSubstr("First failure: "),
            HasSubstr("--test_filter=ExhaustiveTest.FindsTheOneOrderThatBreaks "
                      "--test_arg=--choices=1,1,0")));
}

// As an ASSERT does.
TEST(ExhaustiveTest, LeavingTheLoopOnAFailureTellsTheChoicesToo) {
  const Failures failures = FailuresOf([] {
    Exhaustive g;
    while (g.NextRun()) {
      const bool coin = g.Coin();
      ASSERT_FALSE(coin);
    }
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[1].message,
              AllOf(HasSubstr("run 2 failed"), HasSubstr("1 of 2"),
                    HasSubstr("--choices=1")));
}

TEST(ExhaustiveTest, LeavingTheLoopWithoutOneIsFine) {
  const Failures failures = FailuresOf([] {
    Exhaustive g;
    while (g.NextRun()) {
      if (g.Coin()) break;
    }
  });
  EXPECT_THAT(failures, SizeIs(0));
}

TEST(ExhaustiveTest, FailuresOutsideOfTheRunsAreNotTheirs) {
  uint64_t runs = 0;
  const Failures failures = FailuresOf([&] {
    Exhaustive g;
    ADD_FAILURE() << "mine";
    while (g.NextRun()) {
      g.Coin();
      ++runs;
    }
  });
  EXPECT_EQ(runs, 2u);
  EXPECT_THAT(failures, SizeIs(1));
}

TEST(ExhaustiveTest, ARunThatIsNotTheSameTwiceFails) {
  int line = 0;
  bool thrown = false;
  const Failures failures = FailuresOf([&] {
    Exhaustive g;
    try {
      while (g.NextRun()) {
        g.Coin();
        line = std::source_location::current().line() + 1;
        g.Choose(3 + g.runs() % 2);
      }
    } catch (const std::logic_error&) {
      thrown = true;
    }
  });
  EXPECT_TRUE(thrown);
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("not the same run twice: after 0 of 2, a choice among "
                        "4 before and among 3 now"));
  EXPECT_EQ(failures[0].line, line);
  EXPECT_THAT(failures[1].message, HasSubstr("run 2 failed"));
}

TEST(ExhaustiveTest, ARunThatAsksForLessFails) {
  uint64_t runs = 0;
  const Failures failures = FailuresOf([&] {
    Exhaustive g;
    while (g.NextRun()) {
      if (++runs == 1) g.Coin();
    }
  });
  EXPECT_EQ(runs, 2u);
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message,
              HasSubstr("not the same run twice: 1 choices are due"));
}

TEST(ExhaustiveTest, ChoicesWithoutEndFail) {
  bool thrown = false;
  const Failures failures = FailuresOf([&] {
    Exhaustive g({.choices_max = 100});
    try {
      while (g.NextRun()) {
        while (!g.Coin()) {
        }
      }
    } catch (const std::logic_error&) {
      thrown = true;
    }
  });
  EXPECT_TRUE(thrown);
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("more than 100 choices in a run (choices_max)"));
}

TEST(ExhaustiveTest, RunsWithoutEndFail) {
  uint64_t runs = 0;
  const Failures failures = FailuresOf([&] {
    Exhaustive g({.runs_max = 50});
    while (g.NextRun()) {
      ++runs;
      while (g.Coin()) {
      }
    }
  });
  EXPECT_EQ(runs, 50u);
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message,
              HasSubstr("gave up after 50 runs (runs_max); the next would "
                        "begin with 1,1,"));
}

TEST(ExhaustiveTest, ChoiceOutsideOfARunNamesTheLine) {
  const int line = std::source_location::current().line() + 4;
  const Failures failures = FailuresOf([] {
    Exhaustive g;
    try {
      g.Choose(2);
    } catch (const std::logic_error&) {
    }
  });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message, HasSubstr("call NextRun first"));
  EXPECT_EQ(failures[0].line, line);
}

TEST(ExhaustiveTest, ChoiceAmongNothingNamesTheLine) {
  int line = 0;
  const Failures failures = FailuresOf([&] {
    Exhaustive g;
    std::vector<int> none;
    try {
      while (g.NextRun()) {
        line = std::source_location::current().line() + 1;
        g.Take(none);
      }
    } catch (const std::logic_error&) {
    }
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message, HasSubstr("a choice among nothing"));
  EXPECT_EQ(failures[0].line, line);
}

TEST(ExhaustiveDeathTest, ACrashTellsTheChoices) {
  EXPECT_DEATH(
      {
        Exhaustive g;
        while (g.NextRun()) {
          g.Choose(3);
          if (g.Coin() && g.Choose(4) == 2) std::terminate();
        }
      },
      "Exhaustive: died; to make that run alone, up to there:\n"
      ".*--choices=0,1,2\n");
}

}  // namespace
}  // namespace coffer_testing
