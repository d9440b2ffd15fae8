// How to test code that talks to Coffer: no server, no sockets, no sleeping.
// The doubles are those of @coffer//:sdk_mocks and @coffer//:testing.

#include "settings.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "coffer/sdk/mocks/call_sequencer.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer_testing::CallSequencer;
using coffer_testing::EqualsProto;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeAnswer;
using coffer_testing::MakeErrorAnswer;
using coffer_testing::MockConnection;
using coffer_testing::StatusIs;
using ::testing::_;

// [test]
TEST(GetSetting, AbsentKeyGivesTheFallback) {
  asio::io_context io;
  const auto connection = std::make_shared<MockConnection>(io.get_executor());
  EXPECT_CALL(
      *connection,
      Execute(EqualsProto("hget { table: 'settings' key: 'color' }"), _, _))
      .WillOnce(connection->Answers(MakeErrorAnswer(404, "no such key")));
  coffer::Client client(connection);
  auto color =
      asio::co_spawn(io, GetSetting(client, "color", "blue"), asio::use_future);
  io.run();
  EXPECT_THAT(color.get(), IsOkAndHolds("blue"));
}
// [/test]

class SettingsTest : public ::testing::Test {
 protected:
  std::future<absl::StatusOr<std::string>> Get(std::string key) {
    return asio::co_spawn(
        io_,
        GetSettingWithin(client_, std::chrono::seconds(5), key, "fallback"),
        asio::use_future);
  }

  asio::io_context io_;
  std::shared_ptr<MockConnection> connection_ =
      std::make_shared<MockConnection>(io_.get_executor());
  coffer::Client client_{connection_};
};

TEST_F(SettingsTest, OtherErrorsAreNotHidden) {
  EXPECT_CALL(*connection_, Execute)
      .WillOnce(connection_->Answers(MakeErrorAnswer(503, "full")))
      .WillOnce(connection_->Answers(absl::UnavailableError("lost")));
  auto refused = Get("color");
  auto lost = Get("color");
  io_.run();
  EXPECT_THAT(refused.get(), StatusIs(absl::StatusCode::kUnavailable, "full"));
  EXPECT_THAT(lost.get(), StatusIs(absl::StatusCode::kUnavailable, "lost"));
}

TEST_F(SettingsTest, NumberWhereTextBelongsIsAnError) {
  EXPECT_CALL(*connection_, Execute)
      .WillOnce(connection_->Answers(MakeAnswer(5)));
  auto color = Get("color");
  io_.run();
  EXPECT_THAT(color.get(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SettingsTest, EachGetsItsOwnAnswerAndHasItsTime) {
  CallSequencer sequencer(io_.get_executor());
  EXPECT_CALL(*connection_, Execute).WillRepeatedly(sequencer.Holds());
  auto color = Get("color");
  auto size = Get("size");
  io_.poll();
  const auto color_call = sequencer.Pop();
  const auto size_call = sequencer.Pop();
  EXPECT_EQ(color_call.options().timeout, std::chrono::seconds(5));
  size_call.Complete(MakeAnswer("12"));
  color_call.Complete(MakeAnswer("red"));
  io_.run();
  EXPECT_THAT(color.get(), IsOkAndHolds("red"));
  EXPECT_THAT(size.get(), IsOkAndHolds("12"));
}

}  // namespace
