// Every flow of client and server, with each of its operations failing,
// stalling, and being cancelled: handshake, hello, execute, process, pipelined
// batches, close, drain. After each: the flow ends in time, its error is one
// that tells what happened, the server is rid of the connection, nothing is
// pending, and what was answered is stored.

#include <iostream>
#include <memory>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "coffer/server/flow_harness.h"
#include "coffer/server/flows.h"
#include "coffer/testing/sweep/cancel_sweep.h"
#include "coffer/testing/sweep/fail_sweep.h"
#include "coffer/testing/sweep/stall_sweep.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using coffer_testing::CancelPoint;
using coffer_testing::CancelSweep;
using coffer_testing::FailSweep;
using coffer_testing::FaultInjector;
using coffer_testing::StallSweep;
using coffer_testing::SweepReport;

void Tell(const std::string& sweep, const SweepReport& report) {
  std::cout << sweep << ": " << report.ToString() << "\n";
}

class FlowSweepTest
    : public ::testing::TestWithParam<std::tuple<FlowTransport, FlowSide>> {
 protected:
  static FlowTransport transport() { return std::get<0>(GetParam()); }

  // Runs the flow to its end, and checks everything afterwards.
  static void RunToItsEnd(std::shared_ptr<FaultInjector> faults, Flow flow,
                          coffer_testing::MemoryPipeOptions pipe) {
    FlowHarness harness(transport(), std::get<1>(GetParam()), faults, pipe);
    harness.Spawn([&] { return flow(harness); });
    const absl::Status status = harness.Result();
    if (faults->fired()) {
      EXPECT_TRUE(status.ok() || TellsOfTheConnection(status)) << status;
    } else {
      EXPECT_TRUE(status.ok()) << status;
    }
    harness.CheckAfterwards();
  }

  static void Fail(const std::string& name, Flow flow,
                   coffer_testing::MemoryPipeOptions pipe = {}) {
    Tell(name + ", fail", FailSweep([&](std::shared_ptr<FaultInjector> faults) {
           RunToItsEnd(faults, flow, pipe);
         }));
  }

  static void Stall(const std::string& name, Flow flow,
                    coffer_testing::MemoryPipeOptions pipe = {}) {
    Tell(name + ", stall",
         StallSweep([&](std::shared_ptr<FaultInjector> faults) {
           RunToItsEnd(faults, flow, pipe);
         }));
  }
};

std::string NameOf(
    const ::testing::TestParamInfo<std::tuple<FlowTransport, FlowSide>>& kind) {
  const auto [transport, side] = kind.param;
  return absl::StrCat(transport == FlowTransport::kPlain ? "Plain" : "Tls",
                      side == FlowSide::kClient ? "Client" : "Server");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FlowSweepTest,
    ::testing::Combine(::testing::Values(FlowTransport::kPlain,
                                         FlowTransport::kTls),
                       ::testing::Values(FlowSide::kClient, FlowSide::kServer)),
    NameOf);

TEST_P(FlowSweepTest, ConversationFails) { Fail("conversation", Conversation); }

TEST_P(FlowSweepTest, ConversationStalls) {
  Stall("conversation", Conversation);
}

TEST_P(FlowSweepTest, PipelineFails) { Fail("pipeline", Pipeline); }

TEST_P(FlowSweepTest, PipelineStalls) { Stall("pipeline", Pipeline); }

TEST_P(FlowSweepTest, DrainFails) { Fail("drain", Drain); }

TEST_P(FlowSweepTest, DrainStalls) { Stall("drain", Drain); }

TEST_P(FlowSweepTest, NarrowConversationFails) {
  Fail("narrow conversation", Conversation, NarrowPipe(transport()));
}

TEST_P(FlowSweepTest, NarrowConversationStalls) {
  Stall("narrow conversation", Conversation, NarrowPipe(transport()));
}

// Cancelled anywhere, the flow ends as cancelled, or in spite of it: some runs
// do the one, for each type of cancellation. A conversation's connection, once
// it is greeted, is good for further calls, whose answers are their own.
void CancelAnywhere(const std::string& name, FlowTransport transport, Flow flow,
                    coffer_testing::MemoryPipeOptions pipe = {}) {
  coffer_testing::CancelTally tally;
  const SweepReport report = CancelSweep([&](CancelPoint& cancel) {
    FlowHarness harness(transport, FlowSide::kClient, cancel.injector(), pipe);
    harness.Spawn([&] { return flow(harness); },
                  cancel.slot(harness.time().io()));
    const absl::Status status = harness.Result();
    EXPECT_TRUE(status.ok() || (cancel.fired() && absl::IsCancelled(status)))
        << status;
    tally.Count(cancel, absl::IsCancelled(status));
    if (flow == Conversation && !status.ok() && harness.has_client() &&
        !harness.closing()) {
      harness.Spawn([&harness]() -> asio::awaitable<absl::Status> {
        absl::Status again = co_await harness.Write("c", "3");
        if (again.ok()) again = co_await harness.Read("c", "3");
        co_return again;
      });
      const absl::Status again = harness.Result();
      EXPECT_TRUE(again.ok()) << again;
    }
    harness.CheckAfterwards();
  });
  tally.ExpectSomeOfEach();
  Tell(name + ", cancel", report);
}

TEST(FlowCancelSweepTest, Plain) {
  constexpr auto kPlain = FlowTransport::kPlain;
  CancelAnywhere("plain conversation", kPlain, Conversation);
  CancelAnywhere("plain and narrow conversation", kPlain, Conversation,
                 NarrowPipe(kPlain));
}

TEST(FlowCancelSweepTest, Tls) {
  constexpr auto kTls = FlowTransport::kTls;
  CancelAnywhere("TLS conversation", kTls, Conversation);
  CancelAnywhere("TLS and narrow conversation", kTls, Conversation,
                 NarrowPipe(kTls));
}

TEST(FlowCancelSweepTest, Pipeline) {
  CancelAnywhere("plain pipeline", FlowTransport::kPlain, Pipeline);
  CancelAnywhere("TLS pipeline", FlowTransport::kTls, Pipeline);
}

TEST(FlowCancelSweepTest, Drain) {
  CancelAnywhere("plain drain", FlowTransport::kPlain, Drain);
  CancelAnywhere("TLS drain", FlowTransport::kTls, Drain);
}

}  // namespace
}  // namespace coffer::server
