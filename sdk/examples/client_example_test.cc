// What docs/sdk.md shows of a client, compiled and run.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/observer.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer_testing::FakeServer;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;
using ::testing::ElementsAre;

// [coroutine]
asio::awaitable<absl::StatusOr<int64_t>> CountVisit(coffer::Client client,
                                                    std::string page) {
  auto before = co_await client.Get<int64_t>("visits", page);
  if (absl::IsNotFound(before.status())) before = 0;
  if (!before.ok()) co_return before.status();
  const int64_t now = *before + 1;
  absl::Status stored = co_await client.Set("visits", page, now);
  if (!stored.ok()) co_return stored;
  co_return now;
}
// [/coroutine]

// [callback]
void ShowVisits(coffer::Client client, std::string page,
                std::function<void(std::string)> show) {
  client.Get<int64_t>("visits", page,
                      [show](const absl::StatusOr<int64_t>& visits) {
                        show(visits.ok() ? std::to_string(*visits)
                                         : visits.status().ToString());
                      });
}
// [/callback]

// [deadline]
asio::awaitable<absl::StatusOr<std::string>> GetTitle(coffer::Client client,
                                                      std::string page) {
  coffer::CallOptions options;
  options.timeout = std::chrono::milliseconds(200);
  options.trace_context = "request-17";
  co_return co_await client.Get<std::string>("titles", page, options);
}
// [/deadline]

// [outcome]
asio::awaitable<std::string> Pay(coffer::Client client, std::string order) {
  coffer::CallOptions once;
  once.retry = std::make_shared<coffer::LimitedAttempts>(1);
  const absl::Status paid = co_await client.Set("paid", order, true, once);
  if (paid.ok()) co_return "paid";
  if (coffer::OutcomeOf(paid) == coffer::v1::NOT_EXECUTED) {
    co_return "not paid: try again";
  }
  co_return "perhaps paid: look before trying again";
}
// [/outcome]

// [batch]
asio::awaitable<absl::Status> Fill(coffer::Client client) {
  coffer::Batch batch;
  batch.Set("users", "ada", 36).Set("ages", "36", "ada").Get("users", "bob");
  auto results = co_await client.Run(std::move(batch));
  for (const absl::StatusOr<coffer::Value>& result : results) {
    const bool absent = absl::IsNotFound(result.status());
    if (!result.ok() && !absent) co_return result.status();
  }
  co_return absl::OkStatus();
}
// [/batch]

// [subscribe]
// Where a reader of a topic has got to: kept, it resumes in another process.
struct Place {
  uint64_t epoch = 0;  // 0: from now on
  uint64_t sequence = 0;
};

asio::awaitable<absl::Status> Follow(
    coffer::Client client, Place* place,
    std::function<void(const coffer::Event&)> take) {
  coffer::SubscribeOptions options;
  options.epoch = place->epoch;
  options.after_sequence = place->sequence;
  auto news = co_await client.Subscribe("news", options);
  if (!news.ok()) co_return news.status();
  for (;;) {
    absl::StatusOr<coffer::Event> event = co_await news->Next();
    if (!event.ok()) co_return event.status();
    take(*event);  // kData, or kGap: some are missing
    *place = Place{event->epoch, event->sequence};
  }
}
// [/subscribe]

// [server]
asio::awaitable<absl::StatusOr<std::string>> ServerVersion(
    coffer::Client client) {
  absl::Status there = co_await client.Ping();
  if (!there.ok()) co_return there;
  const std::optional<coffer::ServerInfo> server = client.server_info();
  if (!server.has_value()) co_return absl::UnavailableError("lost again");
  co_return server->version;
}
// [/server]

// [observer]
class FailureCounts final : public coffer::Observer {
 public:
  void OnEnd(const coffer::CallInfo&, const absl::Status& status) override {
    ++counts_[status.code()];
  }
  int of(absl::StatusCode code) const { return counts_.at(code); }

 private:
  std::map<absl::StatusCode, int> counts_;
};
// [/observer]

class ClientExampleTest : public ::testing::Test {
 protected:
  // For the connections of clients that are gone to end.
  void TearDown() override { time_.RunFor(std::chrono::seconds(2)); }

  coffer::ConnectionOptions Options() {
    coffer::ConnectionOptions options;
    options.clock = &time_.clock();
    return options;
  }
  // The dialer belongs to the fake.
  static std::shared_ptr<coffer::Dialer> DialerOf(FakeServer& fake) {
    return {std::shared_ptr<coffer::Dialer>(), &fake.dialer()};
  }
  coffer::Client Connect() {
    return coffer::Client(coffer::MakeConnection(time_.get_executor(),
                                                 DialerOf(fake_), Options()));
  }
  template <class T>
  T Run(asio::awaitable<T> coroutine) {
    std::optional<T> result;
    asio::co_spawn(time_.io(), std::move(coroutine),
                   [&](std::exception_ptr, T given) { result = given; });
    EXPECT_TRUE(time_.RunUntil([&] { return result.has_value(); }));
    return *result;
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
};

TEST_F(ClientExampleTest, Coroutine) {
  EXPECT_THAT(Run(CountVisit(Connect(), "home")), IsOkAndHolds(1));
  EXPECT_THAT(Run(CountVisit(Connect(), "home")), IsOkAndHolds(2));
}

TEST_F(ClientExampleTest, CallbackAndFuture) {
  coffer::Client client = Connect();
  std::string shown;
  ShowVisits(client, "home", [&](std::string text) { shown = text; });
  EXPECT_TRUE(time_.RunUntil([&] { return !shown.empty(); }));
  EXPECT_THAT(shown, ::testing::HasSubstr("NOT_FOUND"));
  // [future]
  std::future<absl::Status> stored =
      client.Set("visits", "home", 7, asio::use_future);
  // [/future]
  time_.RunFor(std::chrono::seconds(1));
  EXPECT_THAT(stored.get(), IsOk());
  ShowVisits(client, "home", [&](std::string text) { shown = text; });
  EXPECT_TRUE(time_.RunUntil([&] { return shown == "7"; }));
}

TEST_F(ClientExampleTest, Deadline) {
  fake_.DelayNext(std::chrono::seconds(1));
  EXPECT_THAT(Run(GetTitle(Connect(), "home")),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(fake_.Calls().back().request.trace_context(), "request-17");
}

TEST_F(ClientExampleTest, Cancellation) {
  coffer::Client client = Connect();
  fake_.DelayNext(std::chrono::seconds(1));
  absl::Status status;
  // [cancel]
  asio::cancellation_signal cancel;
  client.Set("t", "k", 1,
             asio::bind_cancellation_slot(
                 cancel.slot(), [&](absl::Status given) { status = given; }));
  // ... on the connection's executor:
  cancel.emit(asio::cancellation_type::terminal);
  // [/cancel]
  EXPECT_TRUE(time_.RunUntil([&] { return !status.ok(); }));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled));
  // The delay is taken by a call that is made.
  EXPECT_THAT(Run(CountVisit(client, "home")), IsOk());
}

TEST_F(ClientExampleTest, Outcome) {
  coffer::Client client = Connect();
  EXPECT_EQ(Run(Pay(client, "1")), "paid");
  fake_.DropAnswer();
  EXPECT_EQ(Run(Pay(client, "2")), "perhaps paid: look before trying again");
  fake_.FailNext(absl::UnavailableError("busy"));
  EXPECT_EQ(Run(Pay(client, "3")), "not paid: try again");
}

TEST_F(ClientExampleTest, Batch) { EXPECT_THAT(Run(Fill(Connect())), IsOk()); }

TEST_F(ClientExampleTest, ServerInfo) {
  EXPECT_THAT(Run(ServerVersion(Connect())),
              IsOkAndHolds(::testing::Not(::testing::IsEmpty())));
}

TEST_F(ClientExampleTest, SubscribeAndResume) {
  coffer::Client client = Connect();
  Place place;
  std::vector<uint64_t> seen;
  const auto take = [&](const coffer::Event& event) {
    seen.push_back(event.sequence);
  };
  const auto publish = [&](int value) {
    auto published = client.Publish("news", value, asio::use_future);
    time_.RunFor(std::chrono::seconds(1));
    EXPECT_THAT(published.get(), IsOk());
  };
  asio::cancellation_signal stop;
  asio::co_spawn(time_.io(), Follow(client, &place, take),
                 asio::bind_cancellation_slot(
                     stop.slot(), [](std::exception_ptr, absl::Status) {}));
  time_.RunFor(std::chrono::seconds(1));
  publish(1);
  publish(2);
  stop.emit(asio::cancellation_type::terminal);
  time_.RunFor(std::chrono::seconds(1));
  publish(3);  // while nobody follows
  asio::cancellation_signal stop_again;
  asio::co_spawn(
      time_.io(), Follow(client, &place, take),
      asio::bind_cancellation_slot(stop_again.slot(),
                                   [](std::exception_ptr, absl::Status) {}));
  time_.RunFor(std::chrono::seconds(1));
  publish(4);
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 4));
  stop_again.emit(asio::cancellation_type::terminal);
  time_.RunFor(std::chrono::seconds(1));
}

TEST_F(ClientExampleTest, ObserverAndSeveralServers) {
  FakeServer other(time_.get_executor(), {.clock = &time_.clock()});
  fake_.Refuse(true);
  const auto executor = time_.get_executor();
  const auto first = DialerOf(fake_);
  const auto second = DialerOf(other);
  coffer::ConnectionOptions options = Options();
  // [several]
  const auto counts = std::make_shared<FailureCounts>();
  options.observer = counts;
  options.call_timeout = std::chrono::seconds(2);
  coffer::Client client(
      coffer::MakeConnection(executor, {first, second}, options));
  // [/several]
  EXPECT_THAT(Run(CountVisit(client, "home")), IsOkAndHolds(1));
  EXPECT_EQ(counts->of(absl::StatusCode::kNotFound), 1);
  EXPECT_EQ(counts->of(absl::StatusCode::kOk), 1);
  // Its connection ends before the server that it is to.
  client = Connect();
  time_.RunFor(std::chrono::seconds(2));
}

}  // namespace
