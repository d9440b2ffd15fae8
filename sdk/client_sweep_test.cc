// A client's whole life, from connecting to closing, the server told to stop in
// between, with each operation on its connections failing, stalling and being
// cancelled in turn. A connection that
// is lost is made anew: one fault costs no call its result.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/sweep/cancel_sweep.h"
#include "coffer/testing/sweep/fail_sweep.h"
#include "coffer/testing/sweep/stall_sweep.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::CancelPoint;
using coffer_testing::CancelSweep;
using coffer_testing::FailSweep;
using coffer_testing::FakeServer;
using coffer_testing::FaultInjector;
using coffer_testing::FaultStream;
using coffer_testing::MemoryPipe;
using coffer_testing::StallSweep;
using coffer_testing::SweepReport;
using coffer_testing::VirtualTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kCallTimeout(5);

class LifeRun {
 public:
  explicit LifeRun(std::shared_ptr<FaultInjector> faults) {
    fake_.WrapDialed([faults = std::move(faults)](MemoryPipe pipe) {
      return AnyStream(FaultStream(std::move(pipe), faults));
    });
  }

  void Start(asio::cancellation_slot slot = {}) {
    internal::Spawn<absl::Status>(
        time_.get_executor(), [this] { return Life(); },
        asio::bind_cancellation_slot(
            slot, [this](absl::Status status) { status_ = status; }));
  }

  // Of the first call that failed, or OK.
  absl::Status Result() {
    EXPECT_TRUE(time_.RunUntil([this] { return status_.has_value(); }));
    return status_.value_or(absl::InternalError("hangs"));
  }

  void CheckAfterwards() {
    time_.RunFor(seconds(5));
    EXPECT_EQ(fake_.connections(), 0u);
    EXPECT_EQ(time_.Pending(), "Pending:\n  nothing\n");
  }

  // What was written in a life without an error.
  void CheckStored() { EXPECT_EQ(fake_.Contents()["t"]["k"].integer(), 3); }

  VirtualTime& time() { return time_; }

 private:
  asio::awaitable<absl::Status> Life() {
    ConnectionOptions options;
    options.clock = &time_.clock();
    options.seed = 1;
    options.call_timeout = kCallTimeout;
    options.connect_timeout = seconds(1);
    options.ping_interval = milliseconds(500);
    options.retry = std::make_shared<UntilDeadline>();
    Client client(
        MakeConnection(time_.get_executor(), DialerOf(fake_), options));
    for (int value = 1; value <= 2; ++value) {
      const auto start = time_.Now();
      auto before = co_await client.GetAndSet<std::int64_t>("t", "k", value);
      EXPECT_LE(time_.Now() - start, kCallTimeout);
      if (!before.ok()) co_return before.status();
      EXPECT_LT(before->value_or(0), value) << "applied twice";
    }
    auto news = co_await client.Subscribe("news");
    if (!news.ok()) co_return news.status();
    for (int value = 1; value <= 2; ++value) {
      absl::Status published = co_await client.Publish("news", value);
      if (!published.ok()) co_return published;
      // Waiting for an event has no deadline of its own.
      auto next = news->Next(asio::use_awaitable);
      auto event = co_await internal::WithinTimeout(
          &time_.clock(), 4 * kCallTimeout, "the event", std::move(next));
      if (!event.ok()) co_return event.status();
      EXPECT_EQ(event->kind, Event::Kind::kData);
      EXPECT_EQ(event->data[0].integer(), value);
      // The next event and the calls are for the one that takes its place.
      if (value == 1) fake_.DrainConnections();
    }
    auto changes = co_await client.Watch<std::int64_t>("t");
    if (!changes.ok()) co_return changes.status();
    for (int value = 2; value <= 3; ++value) {
      absl::Status set = co_await client.Set("t", "k", value);
      if (!set.ok()) co_return set;
      auto next = changes->Next(asio::use_awaitable);
      auto change = co_await internal::WithinTimeout(
          &time_.clock(), 4 * kCallTimeout, "the change", std::move(next));
      if (!change.ok()) co_return change.status();
      EXPECT_EQ(change->kind, ChangeKind::kSet);
      EXPECT_EQ(change->value, value) << "twice, or not at all";
      if (value == 2) fake_.DrainConnections();
    }
    absl::Status pinged = co_await client.Ping();
    if (!pinged.ok()) co_return pinged;
    co_return co_await client.Close();
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
  std::optional<absl::Status> status_;
};

TEST(ClientSweepTest, OneFailureCostsNoCallItsResult) {
  const SweepReport report =
      FailSweep([](std::shared_ptr<FaultInjector> faults) {
        LifeRun run(faults);
        run.Start();
        const absl::Status status = run.Result();
        const bool sticky =
            absl::StrContains(faults->plan().ToString(), "sticky");
        if (sticky) {
          EXPECT_TRUE(status.ok() || absl::IsUnavailable(status) ||
                      absl::IsDeadlineExceeded(status))
              << status;
        } else {
          EXPECT_TRUE(status.ok()) << status;
        }
        if (status.ok()) run.CheckStored();
        run.CheckAfterwards();
      });
  std::cout << "client, fail: " << report.ToString() << "\n";
}

TEST(ClientSweepTest, WhatStallsIsFoundOut) {
  const SweepReport report =
      StallSweep([](std::shared_ptr<FaultInjector> faults) {
        LifeRun run(faults);
        run.Start();
        const absl::Status status = run.Result();
        EXPECT_TRUE(status.ok()) << status;
        if (status.ok()) run.CheckStored();
        run.CheckAfterwards();
      });
  std::cout << "client, stall: " << report.ToString() << "\n";
}

TEST(ClientSweepTest, IsCancelledAnywhere) {
  int cancelled = 0;
  const SweepReport report = CancelSweep([&](CancelPoint& cancel) {
    LifeRun run(cancel.injector());
    run.Start(cancel.slot(run.time().io()));
    const absl::Status status = run.Result();
    EXPECT_TRUE(status.ok() || (cancel.fired() && absl::IsCancelled(status)))
        << status;
    if (absl::IsCancelled(status)) ++cancelled;
    run.CheckAfterwards();
  });
  EXPECT_GT(cancelled, 10);
  std::cout << "client, cancel: " << report.ToString() << ", " << cancelled
            << " calls cancelled\n";
}

}  // namespace
}  // namespace coffer
