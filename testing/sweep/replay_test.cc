// The run that a flag on the command line asks for is made, and no other. The
// flags are in this test's BUILD rule.

#include <boost/asio/error.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/sweep/alloc_sweep.h"
#include "coffer/testing/sweep/cancel_sweep.h"
#include "coffer/testing/sweep/exhaustive.h"
#include "coffer/testing/sweep/fail_sweep.h"
#include "coffer/testing/sweep/failures_of.h"
#include "coffer/testing/sweep/for_each_split.h"
#include "coffer/testing/sweep/sample_flows.h"
#include "coffer/testing/sweep/stall_sweep.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using boost::asio::cancellation_type;
using internal::FailuresOf;
using Failures = std::vector<internal::CapturedFailures::Failure>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr SweepReport kOneRun{.runs = 1, .fired = 1};

TEST(ReplayTest, FailSweep) {
  std::string plan;
  EXPECT_EQ(FailSweep([&](std::shared_ptr<FaultInjector> injector) {
              plan = injector->plan().ToString();
              FlowRun run(injector);
              run.Start(RightFlow);
              run.io().poll();
              EXPECT_EQ(run.result(), boost::asio::error::broken_pipe);
              EXPECT_EQ(run.received(), "hello");
            }),
            kOneRun);
  EXPECT_EQ(plan, "write:fail=1:broken_pipe:one_shot");
}

// It fails again, and says the same.
TEST(ReplayTest, FailSweepOfAWrongFlow) {
  SweepReport report;
  const Failures failures = FailuresOf([&] {
    report = FailSweep([](std::shared_ptr<FaultInjector> injector) {
      FlowRun run(injector);
      run.Start(SwallowsAWriteError);
      run.io().poll();
      EXPECT_EQ(run.received(), "hellobye");
    });
  });
  EXPECT_EQ(report, kOneRun);
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[1].message,
              HasSubstr("--test_arg=--fault=write:fail=1:broken_pipe:"
                        "one_shot"));
}

TEST(ReplayTest, CancelSweep) {
  EXPECT_EQ(CancelSweep([](CancelPoint& cancel) {
              EXPECT_EQ(cancel.type(), cancellation_type::partial);
              FlowRun run(cancel.injector());
              run.Start(RightFlow, cancel.slot(run.io()));
              run.io().poll();
              EXPECT_EQ(run.result(), boost::asio::error::operation_aborted);
              EXPECT_EQ(run.received(), "hello") << "the second write is off";
            }),
            kOneRun);
}

TEST(ReplayTest, StallSweep) {
  EXPECT_EQ(StallSweep([](std::shared_ptr<FaultInjector> injector) {
              FlowRun run(injector);
              run.Start(RightFlow);
              run.io().poll();
              EXPECT_FALSE(run.result());
              EXPECT_EQ(run.received(), "hello");
            }),
            kOneRun);
}

TEST(ReplayTest, AllocSweep) {
  std::vector<bool> allocated;
  EXPECT_EQ(AllocSweep([&](AllocPoint& point) {
              std::unique_ptr<int> memory[4];
              point.Run([&] {
                for (auto& each : memory) {
                  each.reset(new (std::nothrow) int(1));
                }
              });
              for (const auto& each : memory) {
                allocated.push_back(each != nullptr);
              }
            }),
            kOneRun);
  EXPECT_THAT(allocated, ElementsAre(true, false, false, false));
}

TEST(ReplayTest, ForEachSplit) {
  std::vector<size_t> sizes;
  const std::string bytes(40, 'x');
  EXPECT_EQ(ForEachSplit(bytes,
                         [&](const std::vector<std::string_view>& pieces) {
                           for (const std::string_view piece : pieces) {
                             sizes.push_back(piece.size());
                           }
                         }),
            1u);
  EXPECT_THAT(sizes, ElementsAre(3, 14, 23));
}

TEST(ReplayTest, ForEachSplitOfBytesThatAreTooShort) {
  const Failures failures = FailuresOf([] {
    ForEachSplit("short", [](const std::vector<std::string_view>&) {});
  });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message, HasSubstr("no run is --split=3,17: "));
}

TEST(ReplayTest, Exhaustive) {
  std::vector<size_t> answers;
  Exhaustive g;
  while (g.NextRun()) {
    for (const size_t count : {3, 2, 4}) answers.push_back(g.Choose(count));
  }
  EXPECT_EQ(g.runs(), 1u);
  EXPECT_THAT(answers, ElementsAre(2, 1, 0)) << "0 where the flag says nothing";
  EXPECT_EQ(g.ToString(), "2 of 3, 1 of 2, 0 of 4");
}

TEST(ReplayTest, ExhaustiveWithFewerAnswers) {
  bool thrown = false;
  const Failures failures = FailuresOf([&] {
    Exhaustive g;
    try {
      while (g.NextRun()) g.Choose(2);
    } catch (const std::logic_error&) {
      thrown = true;
    }
  });
  EXPECT_TRUE(thrown);
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("--choices=2,1 answers 2 to a choice among 2"));
}

}  // namespace
}  // namespace coffer_testing
