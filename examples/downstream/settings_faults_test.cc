// How to show that code which talks to Coffer survives what a network does: a
// fake server, a stream that fails, and time that jumps. Nothing sleeps.

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coffer/proto/requests.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/sweep/fail_sweep.h"
#include "coffer/testing/sweep/stall_sweep.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"
#include "settings.h"

namespace {

namespace asio = boost::asio;
using coffer_testing::FailSweep;
using coffer_testing::FakeServer;
using coffer_testing::FaultInjector;
using coffer_testing::FaultPlan;
using coffer_testing::FaultStream;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MemoryPipe;
using coffer_testing::SplitPolicy;
using coffer_testing::StallSweep;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;

using Setting = absl::StatusOr<std::string>;
constexpr std::chrono::seconds kTimeout(5);

// A setting that the server has, read over connections with faults.
class SettingsRun {
 public:
  explicit SettingsRun(std::shared_ptr<FaultInjector> faults) {
    fake_.WrapDialed([faults](MemoryPipe pipe) {
      return coffer::AnyStream(FaultStream(std::move(pipe), faults));
    });
  }
  ~SettingsRun() {
    client_.reset();
    time_.RunFor(kTimeout);
  }

  // What came of it: at the latest when its time is over.
  Setting Get() {
    Store();
    coffer::ConnectionOptions options;
    options.clock = &time_.clock();
    options.seed = 1;
    const std::shared_ptr<coffer::Dialer> dialer(
        std::shared_ptr<coffer::Dialer>(), &fake_.dialer());
    client_.emplace(
        coffer::MakeConnection(time_.get_executor(), dialer, options));
    std::optional<Setting> setting;
    asio::co_spawn(time_.io(),
                   GetSettingWithin(*client_, kTimeout, "color", "blue"),
                   [&](std::exception_ptr, Setting result) {
                     setting = std::move(result);
                   });
    EXPECT_TRUE(
        time_.RunUntil([&] { return setting.has_value(); }, 2 * kTimeout));
    return setting.value_or(absl::InternalError("it hangs"));
  }

  FakeServer& fake() { return fake_; }
  VirtualTime& time() { return time_; }

 private:
  // By another client, whose connection has no faults.
  void Store() {
    coffer::ClientStream<MemoryPipe> owner(fake_.Connect());
    std::optional<absl::StatusOr<coffer::CommandResponse>> stored;
    owner.Execute(coffer::MakeHset("settings", "color", "red"),
                  [&](absl::StatusOr<coffer::CommandResponse> answer) {
                    stored = std::move(answer);
                  });
    EXPECT_TRUE(time_.RunUntil([&] { return stored.has_value(); }));
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
  std::optional<coffer::Client> client_;
};

bool IsFailure(const Setting& setting) {
  return absl::IsUnavailable(setting.status()) ||
         absl::IsDataLoss(setting.status()) ||
         absl::IsDeadlineExceeded(setting.status());
}

TEST(GetSettingFaults, RightOrAnErrorWhateverFails) {
  const auto report = FailSweep([](std::shared_ptr<FaultInjector> faults) {
    const Setting setting = SettingsRun(faults).Get();
    if (faults->fired()) {
      EXPECT_TRUE(IsFailure(setting) || setting == Setting("red"));
    } else {
      EXPECT_THAT(setting, IsOkAndHolds("red"));
    }
  });
  EXPECT_GT(report.fired, 0u);
}

TEST(GetSettingFaults, InTimeWhateverStalls) {
  int late = 0;
  StallSweep([&](std::shared_ptr<FaultInjector> faults) {
    const Setting setting = SettingsRun(faults).Get();
    late += absl::IsDeadlineExceeded(setting.status());
    if (!faults->fired()) {
      EXPECT_THAT(setting, IsOkAndHolds("red"));
    } else {
      EXPECT_TRUE(IsFailure(setting) || setting == Setting("red"));
    }
  });
  EXPECT_GT(late, 0);
}

TEST(GetSettingFaults, InAnyPieces) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SettingsRun run(std::make_shared<FaultInjector>(
        FaultPlan()
            .SplitReads(SplitPolicy::Seeded(seed))
            .SplitWrites(SplitPolicy::OneByte())));
    EXPECT_THAT(run.Get(), IsOkAndHolds("red"));
  }
}

TEST(GetSettingFaults, SlowAnswerIsGivenUpInTime) {
  SettingsRun run(std::make_shared<FaultInjector>(FaultPlan()));
  run.fake().DelayNext(
      2 * kTimeout,
      ::testing::ResultOf(
          [](const coffer::CommandRequest& call) { return call.has_hget(); },
          true));
  const auto start = run.time().Now();
  EXPECT_THAT(run.Get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(run.time().Now() - start, kTimeout);
}

}  // namespace
