// What docs/sdk.md shows of SyncClient, compiled and run against a server in
// this process.

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/sync_client.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;

// [sync]
absl::StatusOr<int64_t> AddAge(const std::string& target) {
  coffer::SyncClient client(target);
  absl::Status stored = client.Set("users", "ada", 36);
  if (!stored.ok()) return stored;
  return client.Get<int64_t>("users", "ada");
}
// [/sync]

// [sync_subscription]
// The first event of a topic, if one comes within a second.
absl::StatusOr<coffer::Event> First(coffer::SyncClient& client) {
  auto news = client.Subscribe("news");
  if (!news.ok()) return news.status();
  absl::Status published = client.Publish("news", "hello");
  if (!published.ok()) return published;
  return news->Next(std::chrono::seconds(1));
}
// [/sync_subscription]

// [sync_watch]
// Waits until the order is paid; false: nothing happens to it within the time.
absl::StatusOr<bool> IsPaid(coffer::SyncClient& client, const std::string& id,
                            std::chrono::seconds within) {
  auto changes = client.WatchKey<std::string>("orders", id);
  if (!changes.ok()) return changes.status();
  for (;;) {
    // After watching: what is paid from now on is told.
    auto order = client.Get<std::string>("orders", id);
    if (order.ok() && *order == "paid") return true;
    auto change = changes->Next(within);
    if (absl::IsDeadlineExceeded(change.status())) return false;
    if (!change.ok()) return change.status();
  }
}
// [/sync_watch]

// [sync_scan]
absl::StatusOr<int64_t> SumOfAges(coffer::SyncClient& client) {
  int64_t sum = 0;
  for (const auto& user : client.Scan<int64_t>("users")) {
    if (!user.ok()) return user.status();
    sum += user->value.value_or(0);
  }
  return sum;
}
// [/sync_scan]

TEST(SyncExample, BlocksAndReturns) {
  const auto state = std::make_shared<coffer::server::VolatileState>();
  coffer::server::MemoryStorage storage;
  state->changes.Attach(&storage);
  coffer::server::Service service(&storage, state);
  coffer::server::ServerOptions options;
  options.listen = {{"127.0.0.1", 0}};
  auto server = coffer::server::Server::Start(options, &service);
  ASSERT_THAT(server, IsOk());
  const std::string target = ToString((*server)->endpoints()[0]);
  EXPECT_THAT(AddAge(target), IsOkAndHolds(36));
  coffer::SyncClient client(target);
  EXPECT_THAT(SumOfAges(client), IsOkAndHolds(36));
  auto paid = std::async(std::launch::async, [&] {
    return IsPaid(client, "17", std::chrono::seconds(60));
  });
  EXPECT_THAT(client.Set("orders", "17", "open"), IsOk());
  EXPECT_THAT(client.Set("orders", "17", "paid"), IsOk());
  EXPECT_THAT(paid.get(), IsOkAndHolds(true));
  const auto event = First(client);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->data[0].string(), "hello");
}

}  // namespace
