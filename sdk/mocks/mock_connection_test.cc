#include "coffer/sdk/mocks/mock_connection.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_event_source.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using coffer::Event;
using ::testing::_;
using ::testing::HasSubstr;
using ::testing::NiceMock;
using ::testing::Optional;
using ::testing::Return;
using ::testing::StrictMock;

// A result that a handler is given.
template <class Result>
struct Given {
  std::optional<Result> result;
  int times = 0;

  auto Handler() {
    return [this](Result given) {
      ++times;
      result.emplace(std::move(given));
    };
  }
};

class MockConnectionTest : public ::testing::Test {
 protected:
  asio::io_context io_;
  std::shared_ptr<StrictMock<MockConnection>> mock_ =
      std::make_shared<StrictMock<MockConnection>>(io_.get_executor());
  coffer::Client client_{mock_};
};

TEST_F(MockConnectionTest, AnswersTheExpectedCallLater) {
  EXPECT_CALL(*mock_,
              Execute(EqualsProto("hget { table: 't' key: 'k' }"), _, _))
      .WillOnce(mock_->Answers(MakeAnswer(36)));
  Given<absl::StatusOr<int64_t>> age;
  client_.Get<int64_t>("t", "k", age.Handler());
  EXPECT_EQ(age.times, 0) << "inside the call";
  io_.run();
  EXPECT_EQ(age.times, 1);
  EXPECT_THAT(*age.result, IsOkAndHolds(36));
}

TEST_F(MockConnectionTest, ErrorsAreThoseOfTheAnswerOrOfTheCall) {
  EXPECT_CALL(*mock_, Execute)
      .WillOnce(mock_->Answers(MakeErrorAnswer(404, "no such key")))
      .WillOnce(mock_->Answers(absl::UnavailableError("lost")));
  Given<absl::StatusOr<coffer::Value>> first, second;
  client_.Get("t", "k", first.Handler());
  client_.Get("t", "k", second.Handler());
  io_.run();
  EXPECT_THAT(*first.result,
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such key")));
  EXPECT_THAT(*second.result, StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(MockConnectionTest, OptionsArePassed) {
  coffer::CallOptions options;
  options.timeout = std::chrono::seconds(3);
  EXPECT_CALL(*mock_, Execute(_,
                              ::testing::Field(&coffer::CallOptions::timeout,
                                               Optional(options.timeout)),
                              _))
      .WillOnce(mock_->Answers(MakeAnswer()));
  Given<absl::Status> set;
  client_.Set("t", "k", 1, options, set.Handler());
  io_.run();
  EXPECT_THAT(*set.result, IsOk());
}

TEST_F(MockConnectionTest, CompletesOnTheHandlersExecutor) {
  EXPECT_CALL(*mock_, Execute).WillOnce(mock_->Answers(MakeAnswer()));
  auto strand = asio::make_strand(io_);
  bool on_strand = false;
  client_.Ping(asio::bind_executor(strand, [&](const absl::Status&) {
    on_strand = strand.running_in_this_thread();
  }));
  io_.run();
  EXPECT_TRUE(on_strand);
}

TEST_F(MockConnectionTest, SubscriptionGivesWhatItsSourceIsToldTo) {
  auto news = std::make_unique<StrictMock<MockEventSource>>(io_.get_executor());
  EXPECT_CALL(*news, Next)
      .WillOnce(news->Gives(MakeEvent(1, "first")))
      .WillOnce(news->Gives(MakeGap(7)))
      .WillOnce(news->Waits());
  EXPECT_CALL(*mock_, Subscribe("news", _, _))
      .WillOnce(mock_->Opens(std::move(news)));
  Given<absl::StatusOr<coffer::Subscription>> opened;
  client_.Subscribe("news", coffer::SubscribeOptions(), opened.Handler());
  io_.run();
  ASSERT_THAT(*opened.result, IsOk());
  coffer::Subscription subscription = **std::move(opened.result);

  Given<absl::StatusOr<Event>> data, gap, cancelled;
  subscription.Next(data.Handler());
  subscription.Next(gap.Handler());
  asio::cancellation_signal cancel;
  subscription.Next(
      asio::bind_cancellation_slot(cancel.slot(), cancelled.Handler()));
  io_.restart();
  io_.poll();
  ASSERT_THAT(*data.result, IsOk());
  EXPECT_EQ((*data.result)->data[0].string(), "first");
  EXPECT_EQ((*gap.result)->kind, Event::Kind::kGap);
  EXPECT_EQ((*gap.result)->sequence, 7u);
  EXPECT_EQ(cancelled.times, 0);
  cancel.emit(asio::cancellation_type::total);
  io_.run();
  EXPECT_THAT(*cancelled.result, StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(MockConnectionTest, WatcherGivesWhatItsSourceIsToldTo) {
  auto ada = std::make_unique<StrictMock<MockEventSource>>(io_.get_executor());
  EXPECT_CALL(*ada, Next)
      .WillOnce(ada->Gives(MakeSet(3, "ada", 8, 36)))
      .WillOnce(
          ada->Gives(MakeChange(4, coffer::v1::Change::REMOVED, "ada", 9)));
  EXPECT_CALL(*ada, position).WillOnce(Return(coffer::EventPosition{1, 4}));
  EXPECT_CALL(*mock_, Watch(EqualsProto("table: 'users' key: 'ada'"), _, _))
      .WillOnce(mock_->Opens(std::move(ada)));
  Given<absl::StatusOr<coffer::Watcher<int64_t>>> opened;
  client_.WatchKey<int64_t>("users", "ada", coffer::SubscribeOptions(),
                            opened.Handler());
  io_.run();
  ASSERT_THAT(*opened.result, IsOk());
  coffer::Watcher<int64_t> watcher = **std::move(opened.result);
  Given<absl::StatusOr<coffer::Change<int64_t>>> set, removed;
  watcher.Next(set.Handler());
  watcher.Next(removed.Handler());
  io_.restart();
  io_.run();
  ASSERT_THAT(*set.result, IsOk());
  EXPECT_EQ((*set.result)->kind, coffer::ChangeKind::kSet);
  EXPECT_EQ((*set.result)->key, "ada");
  EXPECT_EQ((*set.result)->version, 8u);
  EXPECT_EQ((*set.result)->value, 36);
  ASSERT_THAT(*removed.result, IsOk());
  EXPECT_EQ((*removed.result)->kind, coffer::ChangeKind::kRemoved);
  EXPECT_EQ(watcher.position(), (coffer::EventPosition{1, 4}));
}

TEST_F(MockConnectionTest, DestroyedSourceEndsTheNextThatWaits) {
  Given<absl::StatusOr<Event>> next;
  {
    StrictMock<MockEventSource> source(io_.get_executor());
    EXPECT_CALL(source, Next).WillOnce(source.Waits());
    source.Next(next.Handler());
  }
  io_.run();
  EXPECT_THAT(*next.result, StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(MockConnectionTest, SaysWhatServerThereIs) {
  coffer::ServerInfo server;
  server.version = "7.0";
  EXPECT_CALL(*mock_, server_info).WillOnce(Return(server));
  const std::optional<coffer::ServerInfo> said = client_.server_info();
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->version, "7.0");
}

// Nothing hangs when a test forgets an expectation.
TEST(MockConnectionDefaults, CallsFailAndCloseSucceeds) {
  asio::io_context io;
  const auto mock =
      std::make_shared<NiceMock<MockConnection>>(io.get_executor());
  NiceMock<MockEventSource> source(io.get_executor());
  coffer::Client client(mock);
  Given<absl::Status> ping, closed;
  Given<absl::StatusOr<coffer::Subscription>> opened;
  Given<absl::StatusOr<coffer::Watcher<>>> watched;
  Given<absl::StatusOr<Event>> next;
  client.Ping(ping.Handler());
  client.Subscribe("t", coffer::SubscribeOptions(), opened.Handler());
  client.Watch("t", coffer::SubscribeOptions(), watched.Handler());
  source.Next(next.Handler());
  client.Close(closed.Handler());
  io.run();
  EXPECT_THAT(*ping.result,
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("Execute")));
  EXPECT_THAT(*opened.result, StatusIs(absl::StatusCode::kUnimplemented,
                                       HasSubstr("Subscribe")));
  EXPECT_THAT(*watched.result,
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("Watch")));
  EXPECT_THAT(*next.result, StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(*closed.result, IsOk());
  EXPECT_FALSE(client.server_info().has_value());
}

}  // namespace
}  // namespace coffer_testing
