// The same cases over Client, whose calls give futures, and over SyncClient:
// both against a server in this process, over real sockets.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/sync_client.h"
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
using coffer_testing::IsOkAndHolds;
using coffer_testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::Optional;
using ::testing::Pair;

// Client, on a loop that a thread runs, as if it blocked.
class FutureClient {
 public:
  explicit FutureClient(const std::string& target)
      : thread_([this] { io_.run(); }),
        client_(MakeConnection(io_.get_executor(), MakeTcpDialer(target))) {}
  ~FutureClient() {
    client_ = Client(nullptr);
    work_.reset();
    thread_.join();
  }

  template <class T = Value, class... A>
  auto Get(A&&... a) {
    return client_.Get<T>(std::forward<A>(a)..., kFuture).get();
  }
  template <class... A>
  auto Set(A&&... a) {
    return client_.Set(std::forward<A>(a)..., kFuture).get();
  }
  template <class T = Value, class... A>
  auto GetAndSet(A&&... a) {
    return client_.GetAndSet<T>(std::forward<A>(a)..., kFuture).get();
  }
  template <class... A>
  auto Delete(A&&... a) {
    return client_.Delete(std::forward<A>(a)..., kFuture).get();
  }
  template <class T = Value, class... A>
  auto GetAndDelete(A&&... a) {
    return client_.GetAndDelete<T>(std::forward<A>(a)..., kFuture).get();
  }
  template <class... A>
  auto Exists(A&&... a) {
    return client_.Exists(std::forward<A>(a)..., kFuture).get();
  }
  template <class T = Value>
  auto MultiGet(TextArg table, KeyList keys) {
    return client_.MultiGet<T>(table, keys, kFuture).get();
  }
  template <class T = Value, KeyRange Keys>
  auto MultiGet(TextArg table, const Keys& keys) {
    return client_.MultiGet<T>(table, keys, kFuture).get();
  }
  auto MultiSet(TextArg table, std::initializer_list<KeyValue> pairs) {
    return client_.MultiSet(table, pairs, kFuture).get();
  }
  template <PairRange Pairs>
  auto MultiSet(TextArg table, const Pairs& pairs) {
    return client_.MultiSet(table, pairs, kFuture).get();
  }
  auto MultiDelete(TextArg table, KeyList keys) {
    return client_.MultiDelete(table, keys, kFuture).get();
  }
  template <KeyRange Keys>
  auto MultiDelete(TextArg table, const Keys& keys) {
    return client_.MultiDelete(table, keys, kFuture).get();
  }
  auto MultiExists(TextArg table, KeyList keys) {
    return client_.MultiExists(table, keys, kFuture).get();
  }
  template <KeyRange Keys>
  auto MultiExists(TextArg table, const Keys& keys) {
    return client_.MultiExists(table, keys, kFuture).get();
  }
  template <class T = Value>
  auto GetAll(TextArg table) {
    return client_.GetAll<T>(table, kFuture).get();
  }
  auto Run(Batch batch) { return client_.Run(std::move(batch), kFuture).get(); }
  template <class... A>
  auto Publish(A&&... a) {
    return client_.Publish(std::forward<A>(a)..., kFuture).get();
  }
  class Events {
   public:
    explicit Events(Subscription subscription)
        : subscription_(std::move(subscription)) {}
    auto Next() { return subscription_.Next(kFuture).get(); }

   private:
    Subscription subscription_;
  };
  absl::StatusOr<Events> Subscribe(std::string topic) {
    auto subscription =
        client_.Subscribe(std::move(topic), SubscribeOptions(), kFuture).get();
    if (!subscription.ok()) return subscription.status();
    return Events(*std::move(subscription));
  }
  auto Ping() { return client_.Ping(kFuture).get(); }
  auto Execute(CommandRequest request) {
    return client_.Execute(std::move(request), kFuture).get();
  }
  auto Close() { return client_.Close(kFuture).get(); }

 private:
  static constexpr auto kFuture = asio::use_future;

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::thread thread_;
  Client client_;
};

template <class AnyClient>
class ClientCasesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server::ServerOptions options;
    options.listen = {{"127.0.0.1", 0}};
    auto started = server::Server::Start(std::move(options), &service_);
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
    client_ = std::make_unique<AnyClient>(ToString(server_->endpoints()[0]));
  }

  server::MemoryStorage storage_;
  server::Service service_{&storage_};
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<AnyClient> client_;
};

using Clients = ::testing::Types<FutureClient, SyncClient>;
TYPED_TEST_SUITE(ClientCasesTest, Clients);

TYPED_TEST(ClientCasesTest, EveryTypeComesBackAsItWas) {
  TypeParam& client = *this->client_;
  const std::string text("a\0b", 3);
  EXPECT_THAT(client.Set("t", "text", text), IsOk());
  EXPECT_THAT(client.Set("t", "int", std::numeric_limits<int64_t>::min()),
              IsOk());
  EXPECT_THAT(client.Set("t", "float", -0.5), IsOk());
  EXPECT_THAT(client.Set("t", "bool", false), IsOk());
  EXPECT_THAT(client.template Get<std::string>("t", "text"),
              IsOkAndHolds(text));
  EXPECT_THAT(client.template Get<int64_t>("t", "int"),
              IsOkAndHolds(std::numeric_limits<int64_t>::min()));
  EXPECT_THAT(client.template Get<double>("t", "float"), IsOkAndHolds(-0.5));
  EXPECT_THAT(client.template Get<bool>("t", "bool"), IsOkAndHolds(false));
  EXPECT_THAT(client.template Get<int64_t>("t", "text"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TYPED_TEST(ClientCasesTest, AbsentKeys) {
  TypeParam& client = *this->client_;
  EXPECT_THAT(client.Get("t", "k"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client.Delete("t", "k"), IsOk());
  EXPECT_THAT(client.Exists("t", "k"), IsOkAndHolds(false));
  EXPECT_THAT(client.template GetAndDelete<int64_t>("t", "k"),
              IsOkAndHolds(std::nullopt));
  EXPECT_THAT(client.template GetAndSet<int64_t>("t", "k", 1),
              IsOkAndHolds(std::nullopt));
  EXPECT_THAT(client.template GetAndSet<int64_t>("t", "k", 2),
              IsOkAndHolds(Optional(1)));
  EXPECT_THAT(client.template GetAndDelete<int64_t>("t", "k"),
              IsOkAndHolds(Optional(2)));
}

TYPED_TEST(ClientCasesTest, SeveralKeysAsRangesAndAsLists) {
  TypeParam& client = *this->client_;
  const std::map<std::string, int> pairs = {{"a", 1}, {"b", 2}};
  EXPECT_THAT(client.MultiSet("t", pairs), IsOk());
  EXPECT_THAT(client.MultiSet("t", {{"c", 3}, {"d", 4}}), IsOk());
  const std::vector<std::string> keys = {"a", "x"};
  EXPECT_THAT(client.template MultiGet<int64_t>("t", keys),
              IsOkAndHolds(ElementsAre(Optional(1), std::nullopt)));
  EXPECT_THAT(client.template MultiGet<int64_t>("t", {"d", "c"}),
              IsOkAndHolds(ElementsAre(Optional(4), Optional(3))));
  EXPECT_THAT(client.MultiExists("t", keys),
              IsOkAndHolds(ElementsAre(true, false)));
  EXPECT_THAT(client.MultiExists("t", {"x", "b"}),
              IsOkAndHolds(ElementsAre(false, true)));
  EXPECT_THAT(client.MultiDelete("t", keys), IsOk());
  EXPECT_THAT(client.MultiDelete("t", {"b"}), IsOk());
  EXPECT_THAT(client.template GetAll<int64_t>("t"),
              IsOkAndHolds(ElementsAre(Pair("c", 3), Pair("d", 4))));
}

TYPED_TEST(ClientCasesTest, BatchHasAResultPerItem) {
  TypeParam& client = *this->client_;
  Batch batch;
  batch.Set("t", "a", 1).Get("t", "none").Exists("t", "none");
  const auto results = client.Run(std::move(batch));
  ASSERT_EQ(results.size(), 3u);
  EXPECT_THAT(results[0], IsOk());
  EXPECT_THAT(results[1], StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(results[2]->bool_());
  EXPECT_TRUE(client.Run(Batch()).empty());
}

TYPED_TEST(ClientCasesTest, AnAnswerWithAnErrorStatusIsAnAnswer) {
  TypeParam& client = *this->client_;
  const auto answer = client.Execute(MakeHget("t", "k"));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->status(), 404u);
  EXPECT_THAT(client.Ping(), IsOk());
}

TYPED_TEST(ClientCasesTest, WhatIsPublishedComesInOrder) {
  TypeParam& client = *this->client_;
  auto events = client.Subscribe("news");
  ASSERT_THAT(events, IsOk());
  for (int i = 0; i < 5; ++i) ASSERT_THAT(client.Publish("news", i), IsOk());
  for (int i = 0; i < 5; ++i) {
    const absl::StatusOr<Event> event = events->Next();
    ASSERT_THAT(event, IsOk());
    ASSERT_EQ(event->data.size(), 1u);
    EXPECT_EQ(event->data[0].integer(), i);
  }
}

TYPED_TEST(ClientCasesTest, NothingGoesAfterClose) {
  TypeParam& client = *this->client_;
  EXPECT_THAT(client.Set("t", "k", 1), IsOk());
  EXPECT_THAT(client.Close(), IsOk());
  EXPECT_THAT(client.Get("t", "k"), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(client.Subscribe("news"), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(client.Close(), IsOk());
}

}  // namespace
}  // namespace coffer
