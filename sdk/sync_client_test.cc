// What is SyncClient's own; the commands are in client_cases_test.cc.

#include "coffer/sdk/sync_client.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/observer.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::ManualClock;
using coffer_testing::StatusIs;
using ::testing::_;

class SyncClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    state_->changes.Attach(&storage_);
    server::ServerOptions options;
    options.listen = {{"127.0.0.1", 0}};
    auto started = server::Server::Start(std::move(options), &service_);
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
  }

  std::string target() const { return ToString(server_->endpoints()[0]); }

  const std::shared_ptr<server::VolatileState> state_ =
      std::make_shared<server::VolatileState>();
  server::MemoryStorage storage_;
  server::Service service_{&storage_, state_};
  std::unique_ptr<server::Server> server_;
};

TEST_F(SyncClientTest, SeveralThreadsAtOnce) {
  SyncClient client(target());
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string table = absl::StrCat("t", t);
      for (int i = 0; i < 100; ++i) {
        if (!client.Set(table, "k", i).ok()) return;
        const auto value = client.Get<std::int64_t>(table, "k");
        if (value.ok() && *value == i) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 400);
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(SyncClientTest, CallOptionsAreTheCalls) {
  SyncClient client(target());
  CallOptions options;
  options.timeout = std::chrono::nanoseconds(0);
  EXPECT_THAT(client.Set("t", "k", 1, options),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(client.Exists("t", "k"), IsOkAndHolds(false));
}

// Tells when the client waits for a timer, which is when a thread waits in it.
class WatchedClock final : public Clock {
 public:
  TimePoint Now() const override { return clock_.Now(); }
  absl::Time WallNow() const override { return clock_.WallNow(); }
  std::unique_ptr<Timer> MakeTimer(
      boost::asio::any_io_executor executor) override {
    ++timers_;
    timers_.notify_all();
    return clock_.MakeTimer(std::move(executor));
  }

  // Until another timer than those so far was made.
  void WaitForTimer(int so_far) { timers_.wait(so_far); }
  int timers() const { return timers_; }
  ManualClock& manual() { return clock_; }

 private:
  ManualClock clock_;
  std::atomic<int> timers_{0};
};

TEST_F(SyncClientTest, NextGivesUpInTimeAndLosesNothing) {
  WatchedClock clock;
  ConnectionOptions options;
  options.clock = &clock;
  options.ping_interval = std::chrono::nanoseconds(0);
  SyncClient client(target(), options);
  auto events = client.Subscribe("news");
  ASSERT_THAT(events, IsOk());
  const int timers = clock.timers();
  auto next = std::async(std::launch::async,
                         [&] { return events->Next(std::chrono::seconds(5)); });
  clock.WaitForTimer(timers);
  // The timer may not wait yet: move on until it has gone off.
  while (next.wait_for(std::chrono::milliseconds(0)) !=
         std::future_status::ready) {
    clock.manual().AdvanceToNextDeadline();
    std::this_thread::yield();
  }
  EXPECT_THAT(next.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));

  SyncClient other(target());
  ASSERT_THAT(other.Publish("news", "late"), IsOk());
  const auto event = events->Next();
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->data[0].string(), "late");
  EXPECT_EQ(event->sequence, 1u);
}

TEST_F(SyncClientTest, SubscriptionOutlivesItsClientAndEndsWithIt) {
  std::optional<SyncSubscription> events;
  {
    SyncClient client(target());
    auto opened = client.Subscribe("news");
    ASSERT_THAT(opened, IsOk());
    events.emplace(*std::move(opened));
  }
  EXPECT_THAT(events->Next(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(events->Next(std::chrono::hours(1)),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(SyncClientTest, ChangesOfATableAKeyAndAPrefix) {
  SyncClient client(target());
  auto all = client.Watch("users");
  auto key = client.WatchKey<std::int64_t>("users", "ada");
  auto prefix = client.WatchPrefix<std::int64_t>("users", "b");
  ASSERT_THAT(all, IsOk());
  ASSERT_THAT(key, IsOk());
  ASSERT_THAT(prefix, IsOk());
  ASSERT_THAT(client.Set("users", "ada", 36), IsOk());
  ASSERT_THAT(client.Set("users", "bob", "unknown"), IsOk());
  ASSERT_THAT(client.Delete("users", "bob"), IsOk());
  const auto any = all->Next();
  ASSERT_THAT(any, IsOk());
  EXPECT_EQ(any->key, "ada");
  const auto ada = key->Next(std::chrono::hours(1));
  ASSERT_THAT(ada, IsOk());
  EXPECT_EQ(ada->kind, ChangeKind::kSet);
  EXPECT_EQ(ada->value, 36);
  EXPECT_EQ(key->position(), static_cast<const EventPosition&>(*ada));
  EXPECT_THAT(prefix->Next(), StatusIs(absl::StatusCode::kInvalidArgument));
  const auto removed = prefix->Next();
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->kind, ChangeKind::kRemoved);

  SubscribeOptions from_there;
  from_there.GoOnAfter(*any);
  auto again = client.Watch("users", from_there);
  ASSERT_THAT(again, IsOk());
  const auto next = again->Next();
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->key, "bob");
}

TEST_F(SyncClientTest, DestroyedWhileTheServerIsAwayItDoesNotHang) {
  const std::string gone = target();
  server_.reset();
  SyncClient client(gone);
  CallOptions options;
  options.timeout = std::chrono::milliseconds(1);
  EXPECT_THAT(client.Ping(options),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(SyncClientTest, NobodyListeningIsUnavailableIfTold) {
  const std::string gone = target();
  server_.reset();
  ConnectionOptions options;
  options.fail_fast = true;
  options.retry = nullptr;
  SyncClient client(gone, options);
  EXPECT_THAT(client.Ping(), StatusIs(absl::StatusCode::kUnavailable, _));
}

TEST(SyncClientClose, WaitsForTheCallsOfOtherThreads) {
  coffer_testing::DeferredStorage storage(
      std::make_unique<server::MemoryStorage>());
  server::Service service(&storage);
  server::ServerOptions server_options;
  server_options.listen = {{"127.0.0.1", 0}};
  auto server = server::Server::Start(std::move(server_options), &service);
  ASSERT_THAT(server, IsOk());
  SyncClient client(ToString((*server)->endpoints()[0]));
  storage.Hold();
  auto set =
      std::async(std::launch::async, [&] { return client.Set("t", "k", 1); });
  while (storage.waiting() == 0) std::this_thread::yield();
  auto closed = std::async(std::launch::async, [&] { return client.Close(); });
  // Refused from the moment on when it is being closed.
  while (client.Ping().ok()) std::this_thread::yield();
  storage.Release();
  EXPECT_THAT(set.get(), IsOk());
  EXPECT_THAT(closed.get(), IsOk());
}

// Calls its client from inside the client.
class CallsBack final : public Observer {
 public:
  void OnEnd(const CallInfo&, const absl::Status&) override {
    if (client != nullptr) client->Ping().IgnoreError();
  }
  SyncClient* client = nullptr;
};

using SyncClientDeathTest = SyncClientTest;

TEST_F(SyncClientDeathTest, CallOnItsOwnThreadAsserts) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        const auto calls_back = std::make_shared<CallsBack>();
        ConnectionOptions options;
        options.observer = calls_back;
        SyncClient client(target(), options);
        calls_back->client = &client;
        client.Ping().IgnoreError();
      },
      "own thread waits for itself");
}

}  // namespace
}  // namespace coffer
