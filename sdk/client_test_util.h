// ClientFixture: clients of a FakeServer on virtual time, for tests of the SDK.

#ifndef COFFER_SDK_CLIENT_TEST_UTIL_H_
#define COFFER_SDK_CLIENT_TEST_UTIL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer {

// The fake's own dialer, which belongs to the fake.
inline std::shared_ptr<Dialer> DialerOf(coffer_testing::FakeServer& fake) {
  return std::shared_ptr<Dialer>(std::shared_ptr<Dialer>(), &fake.dialer());
}

class ClientFixture : public ::testing::Test {
 protected:
  // The clients of the test are gone: so is, in a while, all that they waited
  // for.
  void TearDown() override {
    time_.RunFor(std::chrono::seconds(60));
    EXPECT_EQ(fake_.connections(), 0u);
    EXPECT_EQ(time_.Pending(), "Pending:\n  nothing\n");
  }

  ConnectionOptions Options() {
    ConnectionOptions options;
    options.clock = &time_.clock();
    options.seed = 1;
    options.ping_interval = std::chrono::seconds(0);
    return options;
  }

  // With no retries: what happens to one attempt is seen.
  ConnectionOptions OneAttempt() {
    ConnectionOptions options = Options();
    options.retry = nullptr;
    return options;
  }

  Client Connect(const ConnectionOptions& options) {
    return Client(
        MakeConnection(time_.get_executor(), DialerOf(fake_), options));
  }

  // `start` is given a handler, and its result waited for.
  template <class Result, class Start>
  Result Wait(Start start) {
    std::optional<Result> result;
    start([&](Result given) {
      EXPECT_FALSE(result.has_value()) << "completed twice";
      result.emplace(std::move(given));
    });
    EXPECT_FALSE(result.has_value()) << "inside the call";
    EXPECT_TRUE(time_.RunUntil([&] { return result.has_value(); }));
    if (!result) return Result(absl::InternalError("hangs"));
    return *std::move(result);
  }

  absl::Status Set(Client& client, std::string key, std::int64_t value,
                   CallOptions options = CallOptions()) {
    return Wait<absl::Status>([&](auto handler) {
      client.Set("t", key, value, options, std::move(handler));
    });
  }

  absl::StatusOr<std::int64_t> Get(Client& client, std::string key,
                                   CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::int64_t>>([&](auto handler) {
      client.Get<std::int64_t>("t", key, options, std::move(handler));
    });
  }

  // The value before.
  absl::StatusOr<std::optional<std::int64_t>> Swap(Client& client,
                                                   std::string key,
                                                   std::int64_t value) {
    return Wait<absl::StatusOr<std::optional<std::int64_t>>>([&](auto handler) {
      client.GetAndSet<std::int64_t>("t", key, value, CallOptions(),
                                     std::move(handler));
    });
  }

  static CallOptions Within(Clock::Duration timeout) {
    CallOptions options;
    options.timeout = timeout;
    return options;
  }

  coffer_testing::VirtualTime time_;
  coffer_testing::FakeServer fake_{time_.get_executor(),
                                   {.clock = &time_.clock()}};
};

}  // namespace coffer

#endif  // COFFER_SDK_CLIENT_TEST_UTIL_H_
