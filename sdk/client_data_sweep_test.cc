// A transaction, counting, and a scan of several pages, with each operation on
// the client's connections failing, stalling and being cancelled in turn. Each
// write is done once, each key is given once; a scan that is cancelled anywhere
// goes on where it was.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/internal/spawn.h"
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

constexpr int kKeys = 7;

class DataRun {
 public:
  explicit DataRun(std::shared_ptr<FaultInjector> faults) {
    fake_.WrapDialed([faults = std::move(faults)](MemoryPipe pipe) {
      return AnyStream(FaultStream(std::move(pipe), faults));
    });
    ConnectionOptions options;
    options.clock = &time_.clock();
    options.seed = 1;
    options.call_timeout = seconds(5);
    options.connect_timeout = seconds(1);
    options.ping_interval = milliseconds(500);
    options.retry = std::make_shared<UntilDeadline>();
    client_.emplace(
        MakeConnection(time_.get_executor(), DialerOf(fake_), options));
    ScanOptions pages;
    pages.page_size = 2;
    scanner_.emplace(client_->Scan("t", pages));
  }
  ~DataRun() {
    scanner_.reset();
    client_.reset();
    time_.RunFor(seconds(5));
    EXPECT_EQ(fake_.connections(), 0u);
    EXPECT_EQ(time_.Pending(), "Pending:\n  nothing\n");
  }

  // Of the first call that failed, or OK.
  absl::Status Run(asio::cancellation_slot slot = {}) {
    return Wait([this] { return Life(); }, slot);
  }
  // What is left of the scan.
  absl::Status FinishScan() {
    return Wait([this] { return ScanAll(); }, {});
  }

  void CheckFound() {
    EXPECT_EQ(found_.size(), static_cast<std::size_t>(kKeys));
    for (const auto& [key, times] : found_) EXPECT_EQ(times, 1) << key;
  }
  void CheckWritten() {
    auto contents = fake_.Contents();
    EXPECT_EQ(contents["u"]["n"].integer(), 3) << "applied twice";
    EXPECT_EQ(contents["t"].size(), static_cast<std::size_t>(kKeys));
  }
  // Each write is there once or not at all.
  void CheckNothingTwice() {
    EXPECT_LE(fake_.Contents()["u"]["n"].integer(), 3);
    for (const auto& [key, times] : found_) EXPECT_EQ(times, 1) << key;
  }
  bool filled() const { return filled_; }

  VirtualTime& time() { return time_; }

 private:
  template <class Flow>
  absl::Status Wait(Flow flow, asio::cancellation_slot slot) {
    std::optional<absl::Status> status;
    internal::Spawn<absl::Status>(
        time_.get_executor(), flow,
        asio::bind_cancellation_slot(
            slot, [&](absl::Status given) { status = given; }));
    EXPECT_TRUE(time_.RunUntil([&] { return status.has_value(); }));
    return status.value_or(absl::InternalError("hangs"));
  }

  asio::awaitable<absl::Status> Life() {
    std::vector<Operation<PutResult>> puts;
    for (int i = 0; i < kKeys; ++i) {
      puts.push_back(op::Put("t", absl::StrCat("k", i), i));
    }
    const auto fill = Transaction()
                          .If(IsAbsent("t", "k0"))
                          .Then(puts, op::Increment("u", "n", 1));
    auto filled = co_await client_->Commit(fill);
    if (!filled.ok()) co_return filled.status();
    EXPECT_TRUE(filled->held) << "stumbles over its own first attempt";
    filled_ = true;
    auto seen = co_await client_->Read<std::int64_t>("u", "n");
    if (!seen.ok()) co_return seen.status();
    auto set = co_await client_->CompareAndSet("u", "n", seen->version, 2);
    if (!set.ok()) co_return set.status();
    auto sum = co_await client_->Increment("u", "n", 1);
    if (!sum.ok()) co_return sum.status();
    EXPECT_EQ(*sum, 3);
    co_return co_await ScanAll();
  }

  asio::awaitable<absl::Status> ScanAll() {
    for (;;) {
      auto next = co_await scanner_->Next();
      if (!next.ok()) co_return next.status();
      if (!next->has_value()) co_return absl::OkStatus();
      ++found_[(*next)->key];
    }
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
  std::optional<Client> client_;
  std::optional<Scanner> scanner_;
  bool filled_ = false;
  std::map<std::string, int> found_;
};

TEST(ClientDataSweepTest, OneFailureCostsNoKeyAndNoResult) {
  const SweepReport report =
      FailSweep([](std::shared_ptr<FaultInjector> faults) {
        DataRun run(faults);
        const absl::Status status = run.Run();
        if (absl::StrContains(faults->plan().ToString(), "sticky")) {
          EXPECT_TRUE(status.ok() || absl::IsUnavailable(status) ||
                      absl::IsDeadlineExceeded(status))
              << status;
        } else {
          EXPECT_TRUE(status.ok()) << status;
        }
        run.CheckNothingTwice();
        if (!status.ok()) return;
        run.CheckFound();
        run.CheckWritten();
      });
  std::cout << "data, fail: " << report.ToString() << "\n";
}

TEST(ClientDataSweepTest, WhatStallsIsFoundOut) {
  const SweepReport report =
      StallSweep([](std::shared_ptr<FaultInjector> faults) {
        DataRun run(faults);
        const absl::Status status = run.Run();
        EXPECT_TRUE(status.ok()) << status;
        run.CheckFound();
        run.CheckWritten();
      });
  std::cout << "data, stall: " << report.ToString() << "\n";
}

TEST(ClientDataSweepTest, CancelledAnywhereAScanGoesOnWhereItWas) {
  int cancelled = 0, cancelled_in_scan = 0;
  const SweepReport report = CancelSweep([&](CancelPoint& cancel) {
    DataRun run(cancel.injector());
    const absl::Status status = run.Run(cancel.slot(run.time().io()));
    EXPECT_TRUE(status.ok() || (cancel.fired() && absl::IsCancelled(status)))
        << status;
    run.CheckNothingTwice();
    if (status.ok()) {
      run.CheckFound();
      run.CheckWritten();
      return;
    }
    ++cancelled;
    if (!run.filled()) return;
    ++cancelled_in_scan;
    const absl::Status rest = run.FinishScan();
    EXPECT_TRUE(rest.ok()) << rest;
    run.CheckFound();
  });
  EXPECT_GT(cancelled, 10);
  EXPECT_GT(cancelled_in_scan, 5);
  std::cout << "data, cancel: " << report.ToString() << ", " << cancelled
            << " flows cancelled, " << cancelled_in_scan
            << " of them after the transaction\n";
}

}  // namespace
}  // namespace coffer
