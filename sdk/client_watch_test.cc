// Watchers of a client of a server by script: what is asked for, what becomes
// of what it says, and where a watcher goes on.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/ends_dialer.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/script/scripted_peer.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::EqualsProto;
using coffer_testing::IgnoringFields;
using coffer_testing::IsOk;
using coffer_testing::MemoryPipe;
using coffer_testing::ScriptedPeer;
using coffer_testing::StatusIs;
using std::chrono::seconds;
using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;

using Server = ScriptedPeer<v1::CommandRequest, v1::CommandResponse>;

v1::CommandResponse Response(const std::string& text) {
  v1::CommandResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

v1::CommandResponse Opened(std::uint64_t request_id, std::uint64_t id,
                           std::uint64_t sequence) {
  return Response(absl::StrCat("status: 200 request_id: ", request_id,
                               " subscription { subscription_id: ", id,
                               " epoch: 5 sequence: ", sequence, " }"));
}

// `event`: what it has beside its sequence.
v1::CommandResponse EventOf(std::uint64_t id, std::uint64_t sequence,
                            const std::string& event = "") {
  return Response(absl::StrCat("status: 200 subscription_id: ", id,
                               " event { sequence: ", sequence, " ", event,
                               " }"));
}

// Key k gets `sequence` as its value.
v1::CommandResponse SetOf(std::uint64_t id, std::uint64_t sequence) {
  return EventOf(id, sequence,
                 absl::StrCat("change { key: 'k' version: ", 100 + sequence,
                              " value { integer: ", sequence, " } }"));
}

auto Request(const std::string& text) {
  return IgnoringFields({"deadline_ms"}, EqualsProto(text));
}

auto Grant(std::uint64_t id, std::uint64_t credit) {
  return EqualsProto(absl::StrCat("grant_credit { subscription_id: ", id,
                                  " credit: ", credit, " }"));
}

class ClientWatchTest : public ClientFixture {
 protected:
  // The server that is connected to next.
  std::unique_ptr<Server> NextServer(const std::string& features =
                                         "features: SUBSCRIPTIONS features: "
                                         "WATCH") {
    auto server = std::make_unique<Server>(
        "server", dialer_->Next(time_.get_executor()), time_.clock());
    server->Expect(_).Reply(Response(absl::StrCat(
        "status: 200 hello { protocol_version: 1 epoch: 5 ", features, " }")));
    return server;
  }

  Client Connect() {
    return Client(MakeConnection(time_.get_executor(), dialer_, Options()));
  }

  template <class T = std::int64_t>
  absl::StatusOr<Watcher<T>> Watch(
      Client& client, SubscribeOptions options = SubscribeOptions(),
      std::string table = "t") {
    return Wait<absl::StatusOr<Watcher<T>>>([&](auto handler) {
      client.Watch<T>(table, options, std::move(handler));
    });
  }

  template <class T>
  absl::StatusOr<Change<T>> Next(Watcher<T>& watcher) {
    return Wait<absl::StatusOr<Change<T>>>(
        [&](auto handler) { watcher.Next(std::move(handler)); });
  }

  void ExpectSet(Watcher<std::int64_t>& watcher, std::int64_t value) {
    const auto change = Next(watcher);
    ASSERT_THAT(change, IsOk());
    ASSERT_EQ(change->kind, ChangeKind::kSet);
    EXPECT_EQ(change->value, value);
    EXPECT_EQ(change->sequence, static_cast<std::uint64_t>(value));
  }

  const std::shared_ptr<EndsDialer> dialer_ = std::make_shared<EndsDialer>();
};

TEST_F(ClientWatchTest, AsksForATableAKeyOrAPrefix) {
  const auto server = NextServer();
  server
      ->Expect(Request("request_id: 1 open_watch { table: 't' all: true "
                       "credit: 64 }"))
      .Reply(Opened(1, 7, 10));
  server
      ->Expect(Request("request_id: 2 open_watch { table: 't' key: '' "
                       "credit: 1 slow_policy: DISCONNECT epoch: 4 "
                       "after_sequence: 9 }"))
      .Reply(Opened(2, 8, 9));
  server
      ->Expect(Request("request_id: 3 open_watch { table: 't' prefix: 'a/' "
                       "credit: 64 epoch: 5 after_sequence: 10 }"))
      .Reply(Opened(3, 9, 10));
  Client client = Connect();
  auto all = Watch(client);
  ASSERT_THAT(all, IsOk());
  SubscribeOptions key_options;
  key_options.events_max = 0;  // at least 1
  key_options.slow_policy = SubscribeOptions::SlowPolicy::kDisconnect;
  key_options.epoch = 4;
  key_options.after_sequence = 9;
  auto key = Wait<absl::StatusOr<Watcher<>>>([&](auto handler) {
    client.WatchKey("t", "", key_options, std::move(handler));
  });
  ASSERT_THAT(key, IsOk());
  SubscribeOptions prefix_options;
  prefix_options.GoOnAfter(all->position());
  auto prefix = Wait<absl::StatusOr<Watcher<>>>([&](auto handler) {
    client.WatchPrefix("t", "a/", prefix_options, std::move(handler));
  });
  ASSERT_THAT(prefix, IsOk());
  EXPECT_TRUE(server->done());
}

TEST_F(ClientWatchTest, GivesWhatTheServerTells) {
  const auto server = NextServer();
  server->Expect(_)
      .Reply(Opened(1, 7, 10))
      .Reply(EventOf(7, 11,
                     "change { key: 'k' version: 3 value { integer: 5 } "
                     "expires_at_ms: 1500 }"))
      .Reply(EventOf(7, 12, "change { key: 'l' version: 4 value {} }"))
      .Reply(EventOf(7, 14, "change { kind: REMOVED key: 'k' version: 6 }"))
      .Reply(EventOf(7, 15, "change { kind: EXPIRED key: 'l' version: 7 }"))
      .Reply(EventOf(7, 16, "change { kind: TABLE_GONE version: 8 }"))
      .Reply(EventOf(7, 17, "change { kind: TABLE_CAME version: 9 }"))
      .Reply(EventOf(7, 20, "gap { reason: EVICTED epoch: 5 }"))
      .Reply(EventOf(7, 21, "change { kind: REMOVED key: 'm' version: 10 }"))
      .Reply(EventOf(7, 3, "gap { reason: NEW_EPOCH epoch: 6 }"));
  Client client = Connect();
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  EXPECT_EQ(watcher->position(), (EventPosition{5, 10}));

  const auto set = Next(*watcher);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->kind, ChangeKind::kSet);
  EXPECT_EQ(set->epoch, 5u);
  EXPECT_EQ(set->sequence, 11u);
  EXPECT_EQ(set->key, "k");
  EXPECT_EQ(set->version, 3u);
  EXPECT_EQ(set->value, 5);
  EXPECT_EQ(set->expires_at, absl::FromUnixMillis(1500));

  const auto empty = Next(*watcher);
  ASSERT_THAT(empty, IsOk());
  EXPECT_EQ(empty->kind, ChangeKind::kSet);
  EXPECT_FALSE(empty->value.has_value());
  EXPECT_FALSE(empty->expires_at.has_value());

  const struct {
    ChangeKind kind;
    const char* key;
    std::uint64_t version;
    EventPosition position;
    bool new_epoch;
  } others[] = {
      {ChangeKind::kRemoved, "k", 6, {5, 14}, false},
      {ChangeKind::kExpired, "l", 7, {5, 15}, false},
      {ChangeKind::kTableGone, "", 8, {5, 16}, false},
      {ChangeKind::kTableCame, "", 9, {5, 17}, false},
      {ChangeKind::kGap, "", 0, {5, 20}, false},
      {ChangeKind::kRemoved, "m", 10, {5, 21}, false},
      {ChangeKind::kGap, "", 0, {6, 3}, true},
  };
  for (const auto& expected : others) {
    const auto change = Next(*watcher);
    ASSERT_THAT(change, IsOk());
    EXPECT_EQ(change->kind, expected.kind);
    EXPECT_EQ(change->key, expected.key);
    EXPECT_EQ(change->version, expected.version);
    EXPECT_EQ(static_cast<const EventPosition&>(*change), expected.position);
    EXPECT_EQ(change->new_epoch, expected.new_epoch);
    EXPECT_FALSE(change->value.has_value());
  }
  EXPECT_EQ(watcher->position(), (EventPosition{6, 3}));
}

// What a later server tells may be anything: whoever keeps a copy reads again.
TEST_F(ClientWatchTest, ChangeOfAnUnknownKindIsAGap) {
  const auto server = NextServer();
  v1::CommandResponse unknown =
      EventOf(7, 11, "change { key: 'k' version: 3 }");
  unknown.mutable_event()->mutable_change()->set_kind(
      static_cast<v1::Change::Kind>(99));
  server->Expect(_).Reply(Opened(1, 7, 10)).Reply(unknown).Reply(SetOf(7, 12));
  Client client = Connect();
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  const auto gap = Next(*watcher);
  ASSERT_THAT(gap, IsOk());
  EXPECT_EQ(gap->kind, ChangeKind::kGap);
  EXPECT_FALSE(gap->new_epoch);
  EXPECT_EQ(gap->sequence, 11u);
  EXPECT_EQ(gap->key, "");
  ExpectSet(*watcher, 12);
}

TEST_F(ClientWatchTest, ValueOfAnotherTypeIsPassedOver) {
  const auto server = NextServer();
  server->Expect(_)
      .Reply(Opened(1, 7, 10))
      .Reply(EventOf(7, 11,
                     "change { key: 'ada' version: 3 value { string: 'x' } }"))
      .Reply(SetOf(7, 12));
  Client client = Connect();
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  EXPECT_THAT(Next(*watcher),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("key ada"), HasSubstr("is text"))));
  ExpectSet(*watcher, 12);
}

TEST_F(ClientWatchTest, GoesOnAfterWhatItHasHadOrWhatHasPassed) {
  const auto first = NextServer();
  first
      ->Expect(Request("request_id: 1 open_watch { table: 't' all: true "
                       "credit: 64 }"))
      .Reply(Opened(1, 7, 10))
      .Reply(SetOf(7, 13))
      .ThenEof();
  const auto second = NextServer();
  second
      ->Expect(Request("request_id: 2 open_watch { table: 't' all: true "
                       "credit: 64 epoch: 5 after_sequence: 13 }"))
      .Reply(Opened(2, 8, 13))
      .Reply(EventOf(8, 30))
      .ThenEof();
  const auto third = NextServer();
  third
      ->Expect(Request("request_id: 3 open_watch { table: 't' all: true "
                       "credit: 64 epoch: 5 after_sequence: 30 }"))
      .Reply(Opened(3, 9, 30))
      .Reply(EventOf(9, 2, "gap { reason: NEW_EPOCH epoch: 6 }"))
      .ThenEof();
  const auto fourth = NextServer();
  fourth
      ->Expect(Request("request_id: 4 open_watch { table: 't' all: true "
                       "credit: 64 epoch: 6 after_sequence: 2 }"))
      .Reply(Opened(4, 1, 2))
      .Reply(SetOf(1, 3));
  Client client = Connect();
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  ExpectSet(*watcher, 13);
  const auto gap = Next(*watcher);
  ASSERT_THAT(gap, IsOk());
  EXPECT_EQ(gap->kind, ChangeKind::kGap);
  ExpectSet(*watcher, 3);
  EXPECT_EQ(watcher->position(), (EventPosition{6, 3}));
}

TEST_F(ClientWatchTest, PositionPassesWithChangesOfOtherKeys) {
  const auto server = NextServer();
  server->Expect(_)
      .Reply(Opened(1, 7, 10))
      .Reply(SetOf(7, 13))
      .Reply(EventOf(7, 30));
  Client client = Connect();
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  time_.RunFor(seconds(1));
  EXPECT_EQ(watcher->position(), (EventPosition{5, 10})) << "13 is not taken";
  ExpectSet(*watcher, 13);
  EXPECT_EQ(watcher->position(), (EventPosition{5, 30}));
}

TEST_F(ClientWatchTest, OnlyChangesTakeCredit) {
  const auto server = NextServer();
  server
      ->Expect(Request("request_id: 1 open_watch { table: 't' all: true "
                       "credit: 2 }"))
      .Reply(Opened(1, 7, 10))
      .Reply(EventOf(7, 11))
      .Reply(EventOf(7, 12))
      .Reply(EventOf(7, 15, "gap { reason: OVERSIZE epoch: 5 }"))
      .Reply(SetOf(7, 16))
      .Reply(EventOf(7, 17))
      .Reply(SetOf(7, 18))
      .Reply(EventOf(7, 19));
  server->Expect(Grant(7, 1));
  server->Expect(Grant(7, 1));
  Client client = Connect();
  SubscribeOptions two;
  two.events_max = 2;
  auto watcher = Watch(client, two);
  ASSERT_THAT(watcher, IsOk());
  time_.RunFor(seconds(1));
  const auto gap = Next(*watcher);
  ASSERT_THAT(gap, IsOk());
  EXPECT_EQ(gap->kind, ChangeKind::kGap);
  EXPECT_EQ(gap->sequence, 15u);
  ExpectSet(*watcher, 16);
  ExpectSet(*watcher, 18);
  time_.RunReady();
  EXPECT_TRUE(server->done());
}

// Else it would wait for ever for credit that nobody grants.
TEST_F(ClientWatchTest, CreditOfAChangeThatComesTwiceIsGrantedAgain) {
  const auto server = NextServer();
  server->Expect(_).Reply(Opened(1, 7, 10)).Reply(SetOf(7, 11));
  server->Expect(Grant(7, 1)).Reply(SetOf(7, 11));
  server->Expect(Grant(7, 1)).Reply(SetOf(7, 12));
  server->Expect(Grant(7, 1));
  Client client = Connect();
  SubscribeOptions one;
  one.events_max = 1;
  auto watcher = Watch(client, one);
  ASSERT_THAT(watcher, IsOk());
  ExpectSet(*watcher, 11);
  ExpectSet(*watcher, 12);
  time_.RunReady();
  EXPECT_TRUE(server->done());
}

TEST_F(ClientWatchTest, ServerThatSendsWithoutCreditIsLeft) {
  const auto server = NextServer();
  server->Expect(_)
      .Reply(Opened(1, 7, 10))
      .Reply(SetOf(7, 11))
      .Reply(SetOf(7, 12));
  const auto second = NextServer();
  second
      ->Expect(Request("request_id: 2 open_watch { table: 't' all: true "
                       "epoch: 5 after_sequence: 11 }"))
      .Reply(Opened(2, 8, 11));
  second->Expect(Grant(8, 1)).Reply(SetOf(8, 12));
  second->Expect(Grant(8, 1));
  Client client = Connect();
  SubscribeOptions one;
  one.events_max = 1;
  auto watcher = Watch(client, one);
  ASSERT_THAT(watcher, IsOk());
  time_.RunFor(seconds(5));
  ExpectSet(*watcher, 11);
  ExpectSet(*watcher, 12);
  time_.RunReady();
}

TEST_F(ClientWatchTest, SlowOneEndsWithWhatTheServerSays) {
  const auto server = NextServer();
  server->Expect(_)
      .Reply(Opened(1, 7, 10))
      .Reply(SetOf(7, 11))
      .Reply(Response("status: 429 message: 'fell behind' subscription_id: 7 "
                      "event { end: true }"));
  Client client = Connect();
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  ExpectSet(*watcher, 11);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Next(*watcher), StatusIs(absl::StatusCode::kResourceExhausted,
                                         HasSubstr("fell behind")));
  }
}

TEST_F(ClientWatchTest, ServerThatDoesNotKnowItIsNotAsked) {
  const auto server = NextServer("features: SUBSCRIPTIONS");
  Client client = Connect();
  EXPECT_THAT(Watch(client), StatusIs(absl::StatusCode::kUnimplemented,
                                      HasSubstr("changes of keys")));
  time_.RunReady();
}

TEST_F(ClientWatchTest, TextThatIsNotUtf8IsRefused) {
  const auto server = NextServer();
  Client client = Connect();
  EXPECT_THAT(Watch(client, SubscribeOptions(), "\xff"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  time_.RunReady();
}

TEST_F(ClientWatchTest, CancelledNextTakesNoChange) {
  const auto server = NextServer();
  server->Expect(_)
      .Reply(Opened(1, 7, 10))
      .Reply(SetOf(7, 11))
      .After(seconds(5));
  Client client = Connect();
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  asio::cancellation_signal cancel;
  std::optional<absl::Status> first;
  watcher->Next(asio::bind_cancellation_slot(
      cancel.slot(), [&](const absl::StatusOr<Change<std::int64_t>>& given) {
        first = given.status();
      }));
  time_.RunReady();
  cancel.emit(asio::cancellation_type::total);
  time_.RunReady();
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(*first, StatusIs(absl::StatusCode::kCancelled));
  ExpectSet(*watcher, 11);
}

TEST_F(ClientWatchTest, DestroyedItIsClosedAtTheServer) {
  const auto server = NextServer();
  server->Expect(_).Reply(Opened(1, 7, 10));
  server
      ->Expect(Request("request_id: 2 close_subscription { "
                       "subscription_id: 7 }"))
      .Reply(Response("status: 200 request_id: 2"));
  Client client = Connect();
  { EXPECT_THAT(Watch(client), IsOk()); }
  time_.RunReady();
  EXPECT_TRUE(server->done());
}

}  // namespace
}  // namespace coffer
