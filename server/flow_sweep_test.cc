// Every flow of client and server, with each of its operations failing,
// stalling, and being cancelled: handshake, hello, execute, process, pipelined
// batches, close, drain. After each: the flow ends in time, its error is one
// that tells what happened, the server is rid of the connection, nothing is
// pending, and what was answered is stored.

#include <boost/asio/as_tuple.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "coffer/server/flow_harness.h"
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

  // Eight requests in one write, and their answers.
  static asio::awaitable<absl::Status> Pipeline(Flow& flow) {
    absl::Status status = co_await flow.Greet();
    if (!status.ok()) co_return status;
    auto& framed = flow.client().framed();
    for (int i = 0; i < 8; ++i) {
      absl::Status fed =
          framed.Feed(MakeHset("p", absl::StrCat("k", i), std::string("v")));
      if (!fed.ok()) co_return fed;
    }
    constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
    auto [flushed] = co_await framed.Flush(kTuple);
    if (flushed) co_return ToStatus(flushed, "flushing");
    for (int i = 0; i < 8; ++i) {
      auto [error, answer] = co_await framed.Next(kTuple);
      if (error) co_return ToStatus(error, "reading");
      if (answer.status() != 200) {
        co_return ToStatus(answer);
      }
    }
    co_return absl::OkStatus();
  }

  // The server is told to stop while the client is in the middle.
  static asio::awaitable<absl::Status> Drained(Flow& flow) {
    absl::Status status = co_await flow.Greet();
    if (status.ok()) status = co_await flow.Write("a", "1");
    if (!status.ok()) co_return status;
    for (const auto& connection : ConnectionSet(flow.connections())) {
      connection->Drain();
    }
    // Answered or not: the connection ends.
    status = co_await flow.Write("b", "2");
    if (status.ok()) status = co_await flow.Read("b", "2");
    co_return absl::IsUnavailable(status) ? absl::OkStatus() : status;
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
         TestFixture::RunToItsEnd(faults, [](auto& flow) {
           flow.Spawn([&flow] { return TestFixture::Pipeline(flow); });
         });
       }));
}

TYPED_TEST(FlowSweepTest, PipelineStalls) {
  Tell("pipeline, stall", StallSweep([](auto faults) {
         TestFixture::RunToItsEnd(faults, [](auto& flow) {
           flow.Spawn([&flow] { return TestFixture::Pipeline(flow); });
         });
       }));
}

TYPED_TEST(FlowSweepTest, DrainFails) {
  Tell("drain, fail", FailSweep([](auto faults) {
         TestFixture::RunToItsEnd(faults, [](auto& flow) {
           flow.Spawn([&flow] { return TestFixture::Drained(flow); });
         });
       }));
}

TYPED_TEST(FlowSweepTest, DrainStalls) {
  Tell("drain, stall", StallSweep([](auto faults) {
         TestFixture::RunToItsEnd(faults, [](auto& flow) {
           flow.Spawn([&flow] { return TestFixture::Drained(flow); });
         });
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

// Cancelled anywhere, the flow ends as cancelled; and the connection, once it
// is greeted, is good for further calls, whose answers are their own.
template <class Flow>
void CancelAnywhere(CancelPoint& cancel,
                    coffer_testing::MemoryPipeOptions pipe) {
  Flow flow(cancel.injector(), pipe);
  flow.Start(cancel.slot(flow.time().io()));
  const absl::Status status = flow.Result();
  EXPECT_TRUE(status.ok() || (cancel.fired() && absl::IsCancelled(status)))
      << status;
  if (!status.ok() && flow.has_client() && !flow.closing()) {
    flow.Spawn([&flow]() -> asio::awaitable<absl::Status> {
      absl::Status again = co_await flow.Write("c", "3");
      if (again.ok()) again = co_await flow.Read("c", "3");
      co_return again;
    });
    const absl::Status again = flow.Result();
    EXPECT_TRUE(again.ok()) << again;
  }
  flow.CheckAfterwards();
}

template <bool kOverTls>
using ClientFlow = typename Kind<kOverTls, Side::kClient>::Flow;

TEST(FlowCancelSweepTest, Plain) {
  Tell("plain, cancel", CancelSweep([](CancelPoint& cancel) {
         CancelAnywhere<ClientFlow<kPlain>>(cancel, {});
       }));
  Tell("plain and narrow, cancel", CancelSweep([](CancelPoint& cancel) {
         CancelAnywhere<ClientFlow<kPlain>>(cancel,
                                            {.capacity = NarrowBytes(kPlain)});
       }));
}

TEST(FlowCancelSweepTest, Tls) {
  Tell("TLS, cancel", CancelSweep([](CancelPoint& cancel) {
         CancelAnywhere<ClientFlow<kTls>>(cancel, {});
       }));
  Tell("TLS and narrow, cancel", CancelSweep([](CancelPoint& cancel) {
         CancelAnywhere<ClientFlow<kTls>>(cancel,
                                          {.capacity = NarrowBytes(kTls)});
       }));
}

}  // namespace
}  // namespace coffer::server
