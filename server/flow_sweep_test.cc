// Every flow of client and server, with each of its operations failing,
// stalling, and being cancelled: handshake, hello, execute, process, pipelined
// batches, close, drain. After each: the flow ends in time, its error is one
// that tells what happened, the server is rid of the connection, nothing is
// pending, and what was answered is stored.

#include <iostream>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/match.h"
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

enum class Side { kClient, kServer };

template <bool kOverTls, Side kSide>
struct Kind {
  static constexpr bool kIsTls = kOverTls;
  static constexpr Side kFaultySide = kSide;

  struct Flow : FlowHarness<kOverTls> {
    explicit Flow(std::shared_ptr<FaultInjector> faults,
                  coffer_testing::MemoryPipeOptions pipe = {})
        : FlowHarness<kOverTls>(kSide == Side::kClient ? faults : NoFaults(),
                                kSide == Side::kServer ? faults : NoFaults(),
                                pipe) {}
  };
};

// An error of the transport or of time: not of the program, and no answer that
// was somebody else's. A server whose input ends in a frame says so.
bool TellsOfTheConnection(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) {
    return absl::StrContains(status.message(), "input ends after");
  }
  return absl::IsUnavailable(status) || absl::IsDataLoss(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

void Tell(const char* sweep, const SweepReport& report) {
  std::cout << sweep << ": " << report.ToString() << "\n";
}

template <class KindOfFlow>
class FlowSweepTest : public ::testing::Test {
 protected:
  using Flow = typename KindOfFlow::Flow;

  // Runs `start(flow)` to its end, and checks everything afterwards.
  template <class Start>
  static void RunToItsEnd(std::shared_ptr<FaultInjector> faults, Start start,
                          coffer_testing::MemoryPipeOptions pipe = {}) {
    Flow flow(faults, pipe);
    start(flow);
    const absl::Status status = flow.Result();
    if (faults->fired()) {
      EXPECT_TRUE(status.ok() || TellsOfTheConnection(status)) << status;
    } else {
      EXPECT_TRUE(status.ok()) << status;
    }
    flow.CheckAfterwards();
  }

  // The same of one of the flows of flows.h.
  template <class FlowKind>
  static void RunFlowToItsEnd(std::shared_ptr<FaultInjector> faults) {
    RunToItsEnd(faults, [](auto& flow) {
      flow.Spawn([&flow] { return FlowKind::Run(flow); });
    });
  }
};

using Kinds =
    ::testing::Types<Kind<kPlain, Side::kClient>, Kind<kPlain, Side::kServer>,
                     Kind<kTls, Side::kClient>, Kind<kTls, Side::kServer>>;

struct KindNames {
  template <class KindOfFlow>
  static std::string GetName(int i) {
    return std::string(i < 2 ? "Plain" : "Tls") +
           (KindOfFlow::kFaultySide == Side::kClient ? "Client" : "Server");
  }
};
TYPED_TEST_SUITE(FlowSweepTest, Kinds, KindNames);

TYPED_TEST(FlowSweepTest, ConversationFails) {
  Tell("conversation, fail", FailSweep([](auto faults) {
         TestFixture::RunToItsEnd(faults, [](auto& flow) { flow.Start(); });
       }));
}

TYPED_TEST(FlowSweepTest, ConversationStalls) {
  Tell("conversation, stall", StallSweep([](auto faults) {
         TestFixture::RunToItsEnd(faults, [](auto& flow) { flow.Start(); });
       }));
}

TYPED_TEST(FlowSweepTest, PipelineFails) {
  Tell("pipeline, fail", FailSweep([](auto faults) {
         TestFixture::template RunFlowToItsEnd<Pipeline>(faults);
       }));
}

TYPED_TEST(FlowSweepTest, PipelineStalls) {
  Tell("pipeline, stall", StallSweep([](auto faults) {
         TestFixture::template RunFlowToItsEnd<Pipeline>(faults);
       }));
}

TYPED_TEST(FlowSweepTest, DrainFails) {
  Tell("drain, fail", FailSweep([](auto faults) {
         TestFixture::template RunFlowToItsEnd<Drain>(faults);
       }));
}

TYPED_TEST(FlowSweepTest, DrainStalls) {
  Tell("drain, stall", StallSweep([](auto faults) {
         TestFixture::template RunFlowToItsEnd<Drain>(faults);
       }));
}

// Many small operations in the place of a few: 16 bytes each, or 200 where TLS
// has kilobytes to shake hands.
constexpr size_t NarrowBytes(bool tls) { return tls ? 200 : 16; }

TYPED_TEST(FlowSweepTest, NarrowConversationFails) {
  Tell("narrow conversation, fail", FailSweep([](auto faults) {
         TestFixture::RunToItsEnd(faults, [](auto& flow) { flow.Start(); },
                                  {.capacity = NarrowBytes(TypeParam::kIsTls)});
       }));
}

TYPED_TEST(FlowSweepTest, NarrowConversationStalls) {
  Tell("narrow conversation, stall", StallSweep([](auto faults) {
         TestFixture::RunToItsEnd(faults, [](auto& flow) { flow.Start(); },
                                  {.capacity = NarrowBytes(TypeParam::kIsTls)});
       }));
}

// Cancelled anywhere, the flow ends as cancelled, or in spite of it: some runs
// do the one, for each type of cancellation. A conversation's connection, once
// it is greeted, is good for further calls, whose answers are their own.
template <bool kOverTls, class FlowKind>
void CancelAnywhere(const std::string& name,
                    coffer_testing::MemoryPipeOptions pipe = {}) {
  coffer_testing::CancelTally tally;
  const SweepReport report = CancelSweep([&](CancelPoint& cancel) {
    typename Kind<kOverTls, Side::kClient>::Flow flow(cancel.injector(), pipe);
    flow.Spawn([&flow] { return FlowKind::Run(flow); },
               cancel.slot(flow.time().io()));
    const absl::Status status = flow.Result();
    EXPECT_TRUE(status.ok() || (cancel.fired() && absl::IsCancelled(status)))
        << status;
    tally.Count(cancel, absl::IsCancelled(status));
    if (std::is_same_v<FlowKind, Conversation> && !status.ok() &&
        flow.has_client() && !flow.closing()) {
      flow.Spawn([&flow]() -> asio::awaitable<absl::Status> {
        absl::Status again = co_await flow.Write("c", "3");
        if (again.ok()) again = co_await flow.Read("c", "3");
        co_return again;
      });
      const absl::Status again = flow.Result();
      EXPECT_TRUE(again.ok()) << again;
    }
    flow.CheckAfterwards();
  });
  tally.ExpectSomeOfEach();
  Tell((name + ", cancel").c_str(), report);
}

TEST(FlowCancelSweepTest, Plain) {
  CancelAnywhere<kPlain, Conversation>("plain conversation");
  CancelAnywhere<kPlain, Conversation>("plain and narrow conversation",
                                       {.capacity = NarrowBytes(kPlain)});
}

TEST(FlowCancelSweepTest, Tls) {
  CancelAnywhere<kTls, Conversation>("TLS conversation");
  CancelAnywhere<kTls, Conversation>("TLS and narrow conversation",
                                     {.capacity = NarrowBytes(kTls)});
}

TEST(FlowCancelSweepTest, Pipeline) {
  CancelAnywhere<kPlain, Pipeline>("plain pipeline");
  CancelAnywhere<kTls, Pipeline>("TLS pipeline");
}

TEST(FlowCancelSweepTest, Drain) {
  CancelAnywhere<kPlain, Drain>("plain drain");
  CancelAnywhere<kTls, Drain>("TLS drain");
}

}  // namespace
}  // namespace coffer::server
