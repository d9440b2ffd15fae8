#include "coffer/testing/sweep/cancel_sweep.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/sweep/failures_of.h"
#include "coffer/testing/sweep/sample_flows.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::cancellation_type;
using boost::system::error_code;
using internal::FailuresOf;
using Failures = std::vector<internal::CapturedFailures::Failure>;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr uint64_t kFlowOperations = kFlowReads + kFlowWrites;

// What a flow must keep: it ends, it says so if it was cancelled, and it leaves
// nothing behind.
auto Checked(Flow flow) {
  return [flow](CancelPoint& cancel) {
    FlowRun run(cancel.injector());
    run.Start(flow, cancel.slot(run.io()));
    run.io().poll();
    ASSERT_TRUE(run.result()) << "hangs";
    EXPECT_EQ(run.left_pending(), 0u);
    // async_read and async_write do not take total cancellation: the flow may
    // go on.
    if (!cancel.fired()) {
      EXPECT_FALSE(*run.result());
    } else if (cancel.type() != cancellation_type::total) {
      EXPECT_EQ(*run.result(), asio::error::operation_aborted);
    }
  };
}

TEST(CancelSweepTest, RightFlowPassesInTheExactNumberOfRuns) {
  EXPECT_EQ(CancelSweep(Checked(RightFlow)),
            (SweepReport{.runs = 3 * (kFlowOperations + 1),
                         .fired = 3 * kFlowOperations}));
}

TEST(CancelSweepTest, RunsAreWhatTheOptionsSay) {
  std::vector<cancellation_type> types;
  const SweepReport report = CancelSweep(
      [&](CancelPoint& cancel) {
        types.push_back(cancel.type());
        Checked(RightFlow)(cancel);
      },
      {.types = {cancellation_type::partial}});
  EXPECT_EQ(report, (SweepReport{.runs = 5, .fired = 4}));
  EXPECT_THAT(types, ::testing::Each(cancellation_type::partial));
}

// A flow of one read, which cannot complete.
TEST(CancelSweepTest, EmitsAfterTheInitiationAndNotInside) {
  std::vector<cancellation_type> emitted;
  const SweepReport report = CancelSweep(
      [&](CancelPoint& cancel) {
        asio::io_context io;
        auto [near, far] = MakeMemoryPipe(io.get_executor());
        FaultStream<MemoryPipe> stream(std::move(near), cancel.injector());
        bool initiating = true;
        cancel.slot(io).assign([&](cancellation_type type) {
          EXPECT_FALSE(initiating);
          emitted.push_back(type);
        });
        std::array<char, 8> buffer;
        stream.async_read_some(asio::buffer(buffer), [](error_code, size_t) {});
        initiating = false;
        stream.close();
        io.poll();
      },
      {.operations_max = 100});
  EXPECT_THAT(emitted, ElementsAre(cancellation_type::terminal,
                                   cancellation_type::partial,
                                   cancellation_type::total));
  EXPECT_EQ(report, (SweepReport{.runs = 6, .fired = 3}));
}

TEST(CancelSweepTest, OperationsBeforeTheSlotAreASetUp) {
  const SweepReport report = CancelSweep([](CancelPoint& cancel) {
    FlowRun run(cancel.injector());
    run.Start(RightFlow);
    run.io().poll();
    ASSERT_TRUE(run.result());
    ASSERT_FALSE(*run.result()) << "not cancelled";
    run.Start(RightFlow, cancel.slot(run.io()));
    run.io().restart();
    run.io().poll();
    ASSERT_TRUE(run.result());
  });
  EXPECT_EQ(report, (SweepReport{.runs = 3 * (kFlowOperations + 1),
                                 .fired = 3 * kFlowOperations}));
}

TEST(CancelSweepTest, FindsTheOneStepThatLeavesAnOperationPending) {
  SweepReport report;
  const Failures failures =
      FailuresOf([&] { report = CancelSweep(Checked(ForgetsItsRead)); });
  EXPECT_EQ(report, (SweepReport{.runs = 7, .fired = 7}))
      << "two steps in three ways, and this";
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              AllOf(HasSubstr("run.left_pending()"), HasSubstr("Which is: 1"),
                    HasSubstr("CancelSweep: --cancel=2:terminal")));
  EXPECT_THAT(failures[1].message,
              AllOf(HasSubstr("CancelSweep: stopped: run 7 failed, with "
                              "--cancel=2:terminal\nFirst failure: "),
                    HasSubstr("bazel test //testing/sweep:cancel_sweep_test "
                              "--test_filter=CancelSweepTest."
                              "FindsTheOneStepThatLeavesAnOperationPending "
                              "--test_arg=--cancel=2:terminal")));
}

TEST(CancelSweepTest, FlowWithoutEndIsGivenUp) {
  const Failures failures = FailuresOf([] {
    CancelSweep(
        [](CancelPoint& cancel) {
          FlowRun run(cancel.injector());
          auto slot = cancel.slot(run.io());
          while (true) {
            run.Start(RightFlow, std::exchange(slot, {}));
            run.io().restart();
            run.io().poll();
          }
        },
        {.operations_max = 1000});
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("CancelSweep: gave up after 1000 operations in all"));
}

TEST(CancelSweepTest, SweepThatTestedNothingFails) {
  const Failures failures = FailuresOf([] {
    // Never asks for the slot.
    CancelSweep([](CancelPoint& cancel) {
      FlowRun run(cancel.injector());
      run.Start(RightFlow);
      run.io().poll();
    });
  });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message,
              HasSubstr("CancelSweep: nothing was tested"));
}

// A flow that may end well passes the sweep when nobody tells it of the
// cancellation; the tally finds it out.
TEST(CancelSweepTest, FlowThatIgnoresCancellationIsFoundOut) {
  for (const bool ignores : {false, true}) {
    CancelTally tally;
    CancelSweep([&](CancelPoint& cancel) {
      FlowRun run(cancel.injector());
      const auto slot = cancel.slot(run.io());
      run.Start(RightFlow, ignores ? asio::cancellation_slot() : slot);
      run.io().poll();
      ASSERT_TRUE(run.result());
      const bool cancelled = *run.result() == asio::error::operation_aborted;
      EXPECT_TRUE(!*run.result() || cancelled);
      // async_read and async_write do not take it.
      if (cancel.type() == cancellation_type::total) return;
      tally.Count(cancel, cancelled);
    });
    const Failures failures = FailuresOf([&] { tally.ExpectSomeOfEach(); });
    ASSERT_THAT(failures, SizeIs(ignores ? 2 : 0));
    if (ignores) {
      EXPECT_THAT(failures[0].message,
                  HasSubstr("no run has ended as cancelled by terminal "
                            "cancellation: is it ignored?"));
    }
  }
  const Failures failures =
      FailuresOf([] { CancelTally().ExpectSomeOfEach(); });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message, HasSubstr("no run was counted"));
}

TEST(CancelSweepTest, SecondSlotNamesTheLine) {
  uint32_t line = 0;
  const Failures failures = FailuresOf([&] {
    CancelSweep([&](CancelPoint& cancel) {
      FlowRun run(cancel.injector());
      cancel.slot(run.io());
      line = std::source_location::current().line() + 1;
      cancel.slot(run.io());
    });
  });
  ASSERT_GE(failures.size(), 1u);
  EXPECT_THAT(failures[0].message, HasSubstr("slot() called twice"));
  EXPECT_EQ(failures[0].line, static_cast<int>(line));
}

}  // namespace
}  // namespace coffer_testing
