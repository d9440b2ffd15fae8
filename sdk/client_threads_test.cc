// A client on a strand of an io_context that several threads run, with calls
// from several others, against a server in this process over real sockets: the
// rule of make_connection.h, for the thread sanitizer to watch.

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::IsOk;
using coffer_testing::StatusIs;
using ::testing::AnyOf;

constexpr auto kFuture = asio::use_future;
constexpr int kLoopThreads = 3;
constexpr int kCallers = 4;

// The parameter: connections of the client.
class ClientThreadsTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    server::ServerOptions options;
    options.listen = {{"127.0.0.1", 0}};
    options.threads = 2;
    auto started = server::Server::Start(std::move(options), &service_);
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
    for (int i = 0; i < kLoopThreads; ++i) {
      loops_.emplace_back([this] { io_.run(); });
    }
    ConnectionOptions connection;
    connection.connections = GetParam();
    client_.emplace(MakeConnection(
        asio::make_strand(io_),
        MakeTcpDialer(ToString(server_->endpoints()[0])), connection));
  }

  void TearDown() override {
    client_.reset();
    work_.reset();
    for (std::thread& loop : loops_) loop.join();
  }

  // On threads of their own, each with its number, all at the same time.
  static void RunCallers(const std::function<void(int)>& caller) {
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&caller, i] { caller(i); });
    }
    for (std::thread& thread : callers) thread.join();
  }

  server::MemoryStorage storage_;
  server::Service service_{&storage_};
  std::unique_ptr<server::Server> server_;
  asio::io_context io_{kLoopThreads};
  asio::executor_work_guard<asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::vector<std::thread> loops_;
  std::optional<Client> client_;
};

INSTANTIATE_TEST_SUITE_P(Connections, ClientThreadsTest,
                         ::testing::Values(1, 3));

TEST_P(ClientThreadsTest, CallsOfSeveralThreads) {
  std::atomic<int> right{0};
  RunCallers([&](int caller) {
    Client client = *client_;
    const std::string table = absl::StrCat("t", caller);
    for (int i = 0; i < 100; ++i) {
      auto other = client.Set(table, "other", i, kFuture);
      auto stored = client.Set(table, "k", i, kFuture);
      if (!other.get().ok() || !stored.get().ok()) return;
      EXPECT_TRUE(client.server_info().has_value());
      const auto value = client.Get<std::int64_t>(table, "k", kFuture).get();
      if (value.ok() && *value == i) ++right;
    }
  });
  EXPECT_EQ(right, 100 * kCallers);
}

TEST_P(ClientThreadsTest, EventsThatSeveralThreadsPublish) {
  auto opened = client_->Subscribe("news", SubscribeOptions(), kFuture).get();
  ASSERT_THAT(opened, IsOk());
  Subscription news = *std::move(opened);
  RunCallers([&](int) {
    Client client = *client_;
    for (int i = 0; i < 50; ++i) {
      EXPECT_THAT(client.Publish("news", i, kFuture).get(), IsOk());
    }
  });
  std::optional<std::uint64_t> last;
  for (int i = 0; i < 50 * kCallers; ++i) {
    const absl::StatusOr<Event> event = news.Next(kFuture).get();
    ASSERT_THAT(event, IsOk());
    ASSERT_EQ(event->kind, Event::Kind::kData);
    if (last.has_value()) {
      EXPECT_EQ(event->sequence, *last + 1);
    }
    last = event->sequence;
  }
}

TEST_P(ClientThreadsTest, EveryCallCompletesWhenAnotherThreadCloses) {
  std::atomic<int> completed{0};
  std::promise<void> under_way;
  std::thread closer([&, begun = under_way.get_future()] {
    begun.wait();
    EXPECT_THAT(client_->Close(kFuture).get(), IsOk());
  });
  RunCallers([&](int caller) {
    Client client = *client_;
    for (int i = 0; i < 200; ++i) {
      if (caller == 0 && i == 20) under_way.set_value();
      const absl::Status status = client.Set("t", "k", i, kFuture).get();
      EXPECT_THAT(status,
                  AnyOf(IsOk(), StatusIs(absl::StatusCode::kCancelled)));
      ++completed;
    }
  });
  closer.join();
  EXPECT_EQ(completed, 200 * kCallers);
}

}  // namespace
}  // namespace coffer
