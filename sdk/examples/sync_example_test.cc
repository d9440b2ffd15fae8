// What docs/sdk.md shows of SyncClient, compiled and run against a server in
// this process.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/sync_client.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
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

TEST(SyncExample, BlocksAndReturns) {
  coffer::server::MemoryStorage storage;
  coffer::server::Service service(&storage);
  coffer::server::ServerOptions options;
  options.listen = {{"127.0.0.1", 0}};
  auto server = coffer::server::Server::Start(options, &service);
  ASSERT_THAT(server, IsOk());
  const std::string target = ToString((*server)->endpoints()[0]);
  EXPECT_THAT(AddAge(target), IsOkAndHolds(36));
  coffer::SyncClient client(target);
  const auto event = First(client);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->data[0].string(), "hello");
}

}  // namespace
