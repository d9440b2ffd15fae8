#include "coffer/sdk/connection_options.h"

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using coffer_testing::IsOk;
using coffer_testing::StatusIs;
using std::chrono::nanoseconds;
using ::testing::HasSubstr;

absl::Status Check(const std::function<void(ConnectionOptions&)>& change) {
  ConnectionOptions options;
  change(options);
  return CheckConnectionOptions(options);
}

TEST(ConnectionOptions, WhatMakesNoSenseIsNamed) {
  const struct {
    std::function<void(ConnectionOptions&)> change;
    std::string says;
  } kCases[] = {
      {[](auto& o) { o.call_timeout = nanoseconds(0); },
       "call_timeout is not more than 0"},
      {[](auto& o) { o.connect_timeout = nanoseconds(0); },
       "connect_timeout is not more than 0"},
      {[](auto& o) { o.ping_interval = nanoseconds(-1); },
       "ping_interval is negative"},
      {[](auto& o) { o.connections = 0; },
       "connections is 0 instead of at least 1"},
      {[](auto& o) { o.connections = -3; },
       "connections is -3 instead of at least 1"},
      {[](auto& o) { o.calls_in_flight_max = 0; }, "calls_in_flight_max is 0"},
      {[](auto& o) { o.calls_queued_max = 0; }, "calls_queued_max is 0"},
      {[](auto& o) { o.write_low_mark_bytes = o.write_high_mark_bytes + 1; },
       "write_low_mark_bytes of 1048577 is above write_high_mark_bytes of "
       "1048576"},
      {[](auto& o) { o.reconnect_backoff = nullptr; },
       "reconnect_backoff is null"},
      {[](auto& o) { o.backoff = nullptr; }, "backoff is null"},
      {[](auto& o) { o.idempotency = nullptr; }, "idempotency is null"},
      {[](auto& o) { o.client_id = "short"; },
       "client_id of 5 bytes instead of 16"},
      {[](auto& o) { o.client_name = std::string(257, 'n'); },
       "client_name of 257 bytes exceeds the limit of 256"},
      {[](auto& o) { o.client_name = "\xff"; }, "client_name is not UTF-8"},
      {[](auto& o) { o.hello.limits.frame_bytes_max = 1023; },
       "the least is 1024"},
      {[](auto& o) { o.hello.limits.uncompressed_bytes_max = 0; },
       "the least is 1024"},
  };
  for (const auto& one : kCases) {
    EXPECT_THAT(Check(one.change), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr(one.says)));
  }
}

TEST(ConnectionOptions, WhatIsOnTheEdgeMakesSense) {
  EXPECT_THAT(Check([](ConnectionOptions&) {}), IsOk());
  EXPECT_THAT(Check([](ConnectionOptions& options) {
                options.call_timeout = nanoseconds(1);
                options.connect_timeout = nanoseconds(1);
                options.ping_interval = nanoseconds(0);
                options.calls_in_flight_max = 1;
                options.calls_queued_max = 1;
                options.bytes_queued_max = 0;
                options.write_high_mark_bytes = 0;
                options.write_low_mark_bytes = 0;
                options.retry = nullptr;
                options.client_id = std::string(16, 'i');
                options.client_name = std::string(256, 'n');
                options.hello.limits = FrameLimits{1024, 1024};
              }),
              IsOk());
}

}  // namespace
}  // namespace coffer
