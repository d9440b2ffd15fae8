// Publishers and subscribers on the connections of a real server, whose threads
// wake each other's sessions.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "coffer/sdk/stream/client_stream.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/session/topic_requests.h"
#include "coffer/server/storage/memory_storage.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using Client = ClientStream<tcp::socket>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr int kSubscribers = 6;
constexpr int kPublishers = 3;
constexpr int kEvents = 500;  // of each publisher

class TopicsServerTest : public ::testing::Test {
 protected:
  TopicsServerTest() {
    ServerOptions options;
    options.listen = {{"127.0.0.1", 0}};
    options.threads = 4;
    auto started = Server::Start(std::move(options), &service_);
    EXPECT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }

  Client Connect() {
    tcp::socket socket(io_);
    socket.connect(
        {asio::ip::address_v4::loopback(), server_->endpoints()[0].port});
    return Client(std::move(socket));
  }

  // Half of the subscribers are older peers, which half-close.
  static awaitable<void> Subscribe(Client& client, bool older) {
    auto& framed = client.framed();
    if (!older) {
      const absl::Status greeted = co_await client.Hello();
      EXPECT_TRUE(greeted.ok()) << greeted;
    }
    const v1::CommandRequest request =
        older ? SubscribeTo("t")
              : WithId(OpenSubscriptionTo("t", 1000000), 100);
    auto [sent] = co_await framed.Send(request, kTuple);
    EXPECT_FALSE(sent) << sent.message();
    auto [error, answer] = co_await framed.Next(kTuple);
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(answer.status(), 200u);
    EXPECT_NE(answer.has_subscription(), older);
    if (older) co_await framed.Close(kTuple);
  }

  static awaitable<void> Publish(Client& client, int publisher) {
    auto& framed = client.framed();
    for (int i = 0; i < kEvents; ++i) {
      EXPECT_TRUE(framed.Feed(PublishTo("t", publisher * kEvents + i)).ok());
    }
    auto [flushed] = co_await framed.Flush(kTuple);
    EXPECT_FALSE(flushed) << flushed.message();
    for (int i = 0; i < kEvents; ++i) {
      auto [error, answer] = co_await framed.Next(kTuple);
      EXPECT_FALSE(error) << error.message();
      EXPECT_EQ(answer.status(), 200u);
    }
  }

  // All events, each publisher's in its order.
  static awaitable<void> Receive(Client& client) {
    std::map<std::int64_t, std::int64_t> next;
    for (int i = 0; i < kPublishers * kEvents; ++i) {
      auto [error, event] = co_await client.framed().Next(kTuple);
      EXPECT_FALSE(error) << error.message();
      if (error) co_return;
      const std::int64_t value = event.values(0).integer();
      EXPECT_EQ(value % kEvents, next[value / kEvents]++);
    }
  }

  // Nothing more comes but the ends of the subscription and of the stream.
  static awaitable<void> WaitForEnd(Client& client, bool older) {
    if (!older) {
      auto [error, end] = co_await client.framed().Next(kTuple);
      EXPECT_FALSE(error) << error.message();
      EXPECT_TRUE(end.event().end());
      EXPECT_EQ(end.status(), 503u);
    }
    auto [error, nothing] = co_await client.framed().Next(kTuple);
    EXPECT_EQ(error, asio::error::eof);
  }

  static bool IsOlder(int subscriber) { return subscriber % 2 == 0; }

  awaitable<void> Everything() {
    std::vector<Client> subscribers;
    for (int s = 0; s < kSubscribers; ++s) {
      subscribers.push_back(Connect());
      co_await Subscribe(subscribers.back(), IsOlder(s));
    }
    std::vector<Client> publishers;
    std::vector<std::future<void>> published;
    for (int p = 0; p < kPublishers; ++p) publishers.push_back(Connect());
    for (int p = 0; p < kPublishers; ++p) {
      published.push_back(
          asio::co_spawn(io_, Publish(publishers[p], p), asio::use_future));
    }
    for (Client& subscriber : subscribers) co_await Receive(subscriber);
    server_->Drain([] {});
    for (int s = 0; s < kSubscribers; ++s) {
      co_await WaitForEnd(subscribers[s], IsOlder(s));
    }
  }

  MemoryStorage storage_;
  std::shared_ptr<VolatileState> state_ = std::make_shared<VolatileState>(
      1, RetryLimits(), TopicLimits{.ring_events_max = 10000});
  Service service_{&storage_, state_};
  std::unique_ptr<Server> server_;
  asio::io_context io_;
};

TEST_F(TopicsServerTest, EventsCrossThreadsInOrderAndDrainEndsThem) {
  auto done = asio::co_spawn(io_, Everything(), asio::use_future);
  io_.run();
  done.get();
  server_.reset();
  EXPECT_EQ(state_->topics.counts().subscriptions, 0u);
  EXPECT_EQ(state_->topics.counts().fell_behind, 0u);
}

}  // namespace
}  // namespace coffer::server
