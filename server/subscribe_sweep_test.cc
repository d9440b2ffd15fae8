// Flows of subscribers, of ours and of older peers, with each operation of the
// connection failing, stalling and being cancelled. After each: the flow ends
// in time, what it was given is a stretch of events without a hole, the server
// is rid of the connection and of its subscriptions, and nothing is pending.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "coffer/server/flow_harness.h"
#include "coffer/server/service/topics/topics_tester.h"
#include "coffer/server/session/topic_requests.h"
#include "coffer/testing/sweep/cancel_sweep.h"
#include "coffer/testing/sweep/fail_sweep.h"
#include "coffer/testing/sweep/stall_sweep.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using coffer_testing::CancelPoint;
using coffer_testing::CancelSweep;
using coffer_testing::FailSweep;
using coffer_testing::FaultInjector;
using coffer_testing::MemoryPipeOptions;
using coffer_testing::StallSweep;
using coffer_testing::SweepReport;
using Injector = std::shared_ptr<FaultInjector>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// A subscriber's connection, and what it has been given.
class SubscriberFlow : public FlowHarness {
 public:
  using FlowHarness::FlowHarness;

  void PublishSome() {
    for (int i = 0; i < 3; ++i) {
      topics().Publish(MakePublish("t", ++published_));
    }
  }

  // Opens, publishes, is given what it has credit for, grants more, closes.
  awaitable<absl::Status> Own() {
    absl::Status status = co_await Greet();
    if (status.ok()) {
      status = co_await Send(WithId(OpenSubscriptionTo("t", 2), 10));
    }
    if (status.ok()) status = co_await ReadUntil(200);
    PublishSome();
    if (status.ok()) status = co_await ReadUntil(2);
    if (status.ok()) status = co_await Send(GrantCreditTo(id_, 5));
    if (status.ok()) status = co_await ReadUntil(3);
    if (status.ok()) status = co_await Write("k", "v");
    if (status.ok()) {
      status = co_await Send(WithId(CloseSubscriptionOf(id_), 11));
    }
    if (status.ok()) status = co_await ReadUntil(200);
    co_return status;
  }

  // Subscribes, half-closes, and listens until the server ends the stream.
  awaitable<absl::Status> Older() {
    absl::Status status = co_await GreetAsOlderPeer();
    if (status.ok()) status = co_await Send(SubscribeTo("t"));
    if (!status.ok()) co_return status;
    auto& framed = client().framed();
    auto [closed] = co_await framed.Close(kTuple);
    if (closed) co_return ToStatus(closed, "closing");
    auto [error, id] = co_await framed.Next(kTuple);
    if (error) co_return ToStatus(error, "reading");
    id_ = id.values(0).integer();
    PublishSome();
    topics().End("t", id_);
    for (int i = 1; i <= 3; ++i) {
      auto [failed, event] = co_await framed.Next(kTuple);
      if (failed) co_return ToStatus(failed, "reading");
      if (event.values(0).integer() != i || event.has_event()) {
        co_return absl::InternalError(event.ShortDebugString());
      }
    }
    auto [end, nothing] = co_await framed.Next(kTuple);
    if (end == asio::error::eof) co_return absl::OkStatus();
    co_return ToStatus(end, "waiting for the end");
  }

  // Is subscribed when the server is told to stop.
  awaitable<absl::Status> Drained() {
    absl::Status status = co_await Greet();
    if (status.ok()) {
      status = co_await Send(WithId(OpenSubscriptionTo("t", 2), 10));
    }
    if (status.ok()) status = co_await ReadUntil(200);
    if (!status.ok()) co_return status;
    for (const auto& connection : ConnectionSet(connections())) {
      connection->Drain();
    }
    auto [error, last] = co_await client().framed().Next(kTuple);
    if (error) co_return ToStatus(error, "reading");
    if (!last.event().end() || last.status() != 503) {
      co_return absl::InternalError(last.ShortDebugString());
    }
    co_return absl::OkStatus();
  }

  // As FlowHarness::CheckAfterwards. That a peer that had half-closed is gone
  // is seen when there is something to send it. `unheard`: of the peer nothing
  // is heard any more, not even its end; what finds that out is the system's
  // keepalive, in whose place the connection is aborted here.
  void CheckSubscriberAfterwards(bool unheard = false) {
    DropClient();
    PublishSome();
    time().RunReady();
    if (unheard) {
      for (const auto& connection : ConnectionSet(connections())) {
        connection->Abort();
      }
    }
    CheckAfterwards();
    EXPECT_EQ(topics().counts().subscriptions, 0u);
  }

 private:
  awaitable<absl::Status> Send(v1::CommandRequest request) {
    auto [error] = co_await client().framed().Send(request, kTuple);
    co_return error ? ToStatus(error, "sending") : absl::OkStatus();
  }

  // Up to the event with this sequence, or, for 200, the next answer.
  awaitable<absl::Status> ReadUntil(std::uint64_t until) {
    for (;;) {
      auto [error, message] = co_await client().framed().Next(kTuple);
      if (error) co_return ToStatus(error, "reading");
      if (!message.has_event()) {
        if (message.has_subscription()) {
          id_ = message.subscription().subscription_id();
        }
        const bool expected = message.status() == 200 && until == 200;
        co_return expected ? absl::OkStatus()
                           : absl::InternalError(message.ShortDebugString());
      }
      if (message.event().sequence() != ++seen_ ||
          message.subscription_id() != id_) {
        co_return absl::InternalError(absl::StrCat(
            "after event ", seen_ - 1, ": ", message.ShortDebugString()));
      }
      if (seen_ == until) co_return absl::OkStatus();
    }
  }

  std::uint64_t id_ = 0;
  std::uint64_t seen_ = 0;
  int published_ = 0;
};

using Steps = awaitable<absl::Status> (SubscriberFlow::*)();

class SubscribeSweepTest
    : public ::testing::TestWithParam<std::tuple<FlowTransport, FlowSide>> {
 protected:
  static void RunToItsEnd(Injector faults, Steps steps, MemoryPipeOptions pipe,
                          bool stalls) {
    const auto [transport, side] = GetParam();
    SubscriberFlow flow(transport, side, faults, pipe);
    flow.Spawn([&] { return (flow.*steps)(); });
    const absl::Status status = flow.Result();
    EXPECT_TRUE(status.ok() ||
                (faults->fired() && TellsOfTheConnection(status) &&
                 !absl::IsCancelled(status)))
        << status;
    flow.CheckSubscriberAfterwards(
        /*unheard=*/stalls && side == FlowSide::kServer && faults->fired());
  }

  // Each with room for everything, and with many small operations.
  static void Sweep(const char* name, Steps steps) {
    const FlowTransport transport = std::get<0>(GetParam());
    for (const MemoryPipeOptions& pipe :
         {MemoryPipeOptions(), NarrowPipe(transport)}) {
      const SweepReport failed = FailSweep(
          [&](Injector faults) { RunToItsEnd(faults, steps, pipe, false); });
      const SweepReport stalled = StallSweep(
          [&](Injector faults) { RunToItsEnd(faults, steps, pipe, true); });
      std::cout << name << ", fail: " << failed.ToString()
                << "\n  stall: " << stalled.ToString() << "\n";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, SubscribeSweepTest,
    ::testing::Combine(
        ::testing::Values(FlowTransport::kPlain, FlowTransport::kTls),
        ::testing::Values(FlowSide::kClient, FlowSide::kServer)));

TEST_P(SubscribeSweepTest, OursSurvivesEverything) {
  Sweep("ours", &SubscriberFlow::Own);
}

TEST_P(SubscribeSweepTest, OlderSurvivesEverything) {
  Sweep("older", &SubscriberFlow::Older);
}

TEST_P(SubscribeSweepTest, DrainSurvivesEverything) {
  Sweep("drain", &SubscriberFlow::Drained);
}

TEST(SubscribeCancelSweepTest, CancelledAnywhereItEndsAsThat) {
  const auto sweep = [](Steps steps) {
    return CancelSweep([steps](CancelPoint& cancel) {
      SubscriberFlow flow(FlowTransport::kPlain, FlowSide::kClient,
                          cancel.injector());
      flow.Spawn([&flow, steps] { return (flow.*steps)(); },
                 cancel.slot(flow.time().io()));
      const absl::Status status = flow.Result();
      EXPECT_TRUE(status.ok() || (cancel.fired() && absl::IsCancelled(status)))
          << status;
      flow.CheckSubscriberAfterwards();
    });
  };
  std::cout << "ours, cancel: " << sweep(&SubscriberFlow::Own).ToString()
            << "\n"
            << "older, cancel: " << sweep(&SubscriberFlow::Older).ToString()
            << "\n";
}

}  // namespace
}  // namespace coffer::server
