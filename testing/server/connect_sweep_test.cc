// Connecting by a dialer, hello included, and a first call, with each operation
// on the connection failing, stalling and being cancelled in turn.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/sweep/cancel_sweep.h"
#include "coffer/testing/sweep/fail_sweep.h"
#include "coffer/testing/sweep/stall_sweep.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using std::chrono::seconds;

constexpr seconds kConnectTimeout(5);
constexpr seconds kCallTimeout(3);

class ConnectRun {
 public:
  explicit ConnectRun(std::shared_ptr<FaultInjector> faults) {
    fake_.WrapDialed([faults = std::move(faults)](MemoryPipe pipe) {
      return coffer::AnyStream(FaultStream(std::move(pipe), faults));
    });
  }

  void Start(asio::cancellation_slot slot = {}) {
    coffer::internal::Spawn<absl::Status>(
        time_.get_executor(), [this] { return Flow(); },
        asio::bind_cancellation_slot(
            slot, [this](absl::Status status) { status_ = status; }));
  }

  absl::Status Result() {
    const auto start = time_.Now();
    EXPECT_TRUE(time_.RunUntil([this] { return status_.has_value(); }));
    EXPECT_LE(time_.Now() - start, kConnectTimeout + kCallTimeout);
    return status_.value_or(absl::InternalError("hangs"));
  }

  // The flow's client is gone: so is its connection, and all that it waited
  // for.
  void CheckAfterwards() {
    time_.RunReady();
    EXPECT_EQ(fake_.connections(), 0u);
    EXPECT_EQ(time_.Pending(), "Pending:\n  nothing\n");
  }

  VirtualTime& time() { return time_; }

 private:
  awaitable<absl::Status> Flow() {
    coffer::ConnectOptions options;
    options.clock = &time_.clock();
    options.timeout = kConnectTimeout;
    auto client =
        co_await coffer::Connect(time_.get_executor(), fake_.dialer(), options);
    if (!client.ok()) co_return client.status();
    co_return co_await coffer::internal::WithinTimeout(
        &time_.clock(), kCallTimeout, "the call", Call(*client));
  }

  static awaitable<absl::Status> Call(coffer::AnyClient& client) {
    const auto answer = co_await client.Execute(coffer::MakeHset("t", "k", 1));
    co_return answer.ok() ? coffer::ToStatus(*answer) : answer.status();
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
  std::optional<absl::Status> status_;
};

TEST(ConnectSweepTest, FailsWithAWord) {
  const SweepReport report =
      FailSweep([](std::shared_ptr<FaultInjector> faults) {
        ConnectRun run(faults);
        run.Start();
        const absl::Status status = run.Result();
        EXPECT_TRUE(status.ok() ||
                    (faults->fired() &&
                     (absl::IsUnavailable(status) || absl::IsDataLoss(status))))
            << status;
        run.CheckAfterwards();
      });
  std::cout << "connect, fail: " << report.ToString() << "\n";
}

TEST(ConnectSweepTest, IsInTime) {
  const SweepReport report =
      StallSweep([](std::shared_ptr<FaultInjector> faults) {
        ConnectRun run(faults);
        run.Start();
        const absl::Status status = run.Result();
        EXPECT_TRUE(faults->fired() ? absl::IsDeadlineExceeded(status)
                                    : status.ok())
            << status;
        run.CheckAfterwards();
      });
  std::cout << "connect, stall: " << report.ToString() << "\n";
}

TEST(ConnectSweepTest, IsCancelled) {
  CancelTally tally;
  const SweepReport report = CancelSweep([&](CancelPoint& cancel) {
    ConnectRun run(cancel.injector());
    run.Start(cancel.slot(run.time().io()));
    const absl::Status status = run.Result();
    EXPECT_TRUE(status.ok() || (cancel.fired() && absl::IsCancelled(status)))
        << status;
    tally.Count(cancel, absl::IsCancelled(status));
    run.CheckAfterwards();
  });
  tally.ExpectSomeOfEach();
  std::cout << "connect, cancel: " << report.ToString() << "\n";
}

// What it has moved.
std::shared_ptr<FaultInjector> ConnectDivided(const FaultPlan& plan) {
  SCOPED_TRACE(plan.ToString());
  const auto faults = std::make_shared<FaultInjector>(plan);
  ConnectRun run(faults);
  run.Start();
  const absl::Status status = run.Result();
  EXPECT_TRUE(status.ok()) << status;
  run.CheckAfterwards();
  return faults;
}

TEST(ConnectSweepTest, IsDividedAnywhere) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    ConnectDivided(FaultPlan()
                       .SplitReads(SplitPolicy::Seeded(seed))
                       .SplitWrites(SplitPolicy::Seeded(seed + 1000)));
  }
  ConnectDivided(FaultPlan()
                     .SplitReads(SplitPolicy::OneByte())
                     .SplitWrites(SplitPolicy::OneByte()));
  const auto whole = ConnectDivided(FaultPlan());
  uint64_t runs = 0;
  for (uint64_t at = 1; at < whole->bytes(FaultOp::kRead); ++at, ++runs) {
    ConnectDivided(FaultPlan().SplitReads(SplitPolicy::AtOffsets({at})));
  }
  for (uint64_t at = 1; at < whole->bytes(FaultOp::kWrite); ++at, ++runs) {
    ConnectDivided(FaultPlan().SplitWrites(SplitPolicy::AtOffsets({at})));
  }
  EXPECT_GT(runs, 50u);
  std::cout << "connect, cut at each byte: " << runs << " runs\n";
}

}  // namespace
}  // namespace coffer_testing
