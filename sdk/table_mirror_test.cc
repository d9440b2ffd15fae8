// TableMirror over a MockConnection: what comes between watching and reading,
// and in what order.

#include "coffer/sdk/table_mirror.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/sdk/mocks/mock_event_source.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::EqualsProto;
using coffer_testing::IsOk;
using coffer_testing::MakeChange;
using coffer_testing::MakeGap;
using coffer_testing::MakeSet;
using coffer_testing::MockConnection;
using coffer_testing::MockEventSource;
using coffer_testing::StatusIs;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::Return;
using ::testing::StrictMock;

using Mirror = TableMirror<std::int64_t>;

struct Stored {
  const char* key;
  std::uint64_t version;
  Value value;
};

// A page of a scan, which is the last one.
v1::CommandResponse PageOf(std::initializer_list<Stored> entries) {
  v1::CommandResponse page;
  page.set_status(200);
  for (const Stored& entry : entries) {
    v1::KeyState& state = *page.add_states();
    state.set_key(entry.key);
    state.set_version(entry.version);
    *state.mutable_value() = entry.value;
  }
  return page;
}

Stored At(const char* key, std::uint64_t version, std::int64_t value) {
  return {key, version, ToValue(value)};
}

auto Entry(const char* key, std::uint64_t version, std::int64_t value) {
  using Kept = Versioned<std::int64_t>;
  return Pair(key, AllOf(Field(&Kept::version, version),
                         Field(&Kept::value, std::optional(value))));
}

class TableMirrorTest : public ::testing::Test {
 protected:
  // What the mirror is to watch next; the events are still to be said.
  MockEventSource& ExpectWatch() {
    auto source =
        std::make_unique<StrictMock<MockEventSource>>(io_.get_executor());
    MockEventSource& watched = *source;
    EXPECT_CALL(*mock_, Watch(EqualsProto("table: 't' prefix: ''"), _, _))
        .InSequence(calls_)
        .WillOnce(mock_->Opens(std::move(source)));
    EXPECT_CALL(watched, position).WillRepeatedly(Return(EventPosition{1, 4}));
    return watched;
  }

  // It is to be read next.
  void ExpectRead(absl::StatusOr<v1::CommandResponse> page) {
    EXPECT_CALL(*mock_, Execute(EqualsProto("scan { table: 't' }"), _, _))
        .InSequence(calls_)
        .WillOnce(mock_->Answers(std::move(page)));
  }

  void Begin(std::optional<Mirror::Result>* result,
             asio::cancellation_slot slot = {}) {
    internal::Spawn<Mirror::Result>(
        io_.get_executor(), [this] { return mirror_.Next(); },
        asio::bind_cancellation_slot(slot, [result](Mirror::Result given) {
          result->emplace(std::move(given));
        }));
    io_.restart();
    io_.poll();
  }

  Mirror::Result Next() {
    std::optional<Mirror::Result> result;
    Begin(&result);
    if (!result.has_value()) return absl::InternalError("hangs");
    return *std::move(result);
  }

  void ExpectNext(ChangeKind kind) {
    const auto change = Next();
    ASSERT_THAT(change, IsOk());
    EXPECT_EQ(change->kind, kind);
  }

  asio::io_context io_;
  std::shared_ptr<StrictMock<MockConnection>> mock_ =
      std::make_shared<StrictMock<MockConnection>>(io_.get_executor());
  ::testing::Sequence calls_;
  Mirror mirror_{Client(mock_), "t"};
};

TEST_F(TableMirrorTest, WatchesThenReadsThenApplies) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 8, 1), At("b", 3, 1)}));
  EXPECT_CALL(source, Next)
      .WillOnce(source.Gives(MakeSet(5, "a", 9, 2)))
      .WillOnce(source.Gives(MakeSet(6, "c", 10, 3)))
      .WillOnce(source.Gives(MakeChange(7, v1::Change::REMOVED, "b", 11)))
      .WillOnce(source.Gives(MakeChange(8, v1::Change::EXPIRED, "c", 12)))
      .WillOnce(source.Gives(MakeChange(9, v1::Change::TABLE_GONE, "", 13)));
  EXPECT_THAT(mirror_.entries(), IsEmpty());
  const auto read = Next();
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->kind, ChangeKind::kGap);
  EXPECT_EQ(read->sequence, 4u);
  EXPECT_THAT(mirror_.entries(),
              ElementsAre(Entry("a", 8, 1), Entry("b", 3, 1)));
  const auto set = Next();
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->key, "a");
  EXPECT_EQ(set->value, 2);
  ExpectNext(ChangeKind::kSet);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("a", 9, 2), Entry("b", 3, 1),
                                             Entry("c", 10, 3)));
  ExpectNext(ChangeKind::kRemoved);
  ExpectNext(ChangeKind::kExpired);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("a", 9, 2)));
  ExpectNext(ChangeKind::kTableGone);
  EXPECT_THAT(mirror_.entries(), IsEmpty());
}

TEST_F(TableMirrorTest, WhatIsOlderThanWhatWasReadIsNoNews) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 8, 1), At("b", 3, 1)}));
  EXPECT_CALL(source, Next)
      .WillOnce(source.Gives(MakeSet(5, "a", 7, 70)))
      .WillOnce(source.Gives(MakeSet(6, "a", 8, 1)))
      .WillOnce(source.Gives(MakeChange(7, v1::Change::REMOVED, "b", 2)))
      .WillOnce(source.Gives(MakeChange(8, v1::Change::REMOVED, "gone", 9)))
      .WillOnce(source.Gives(MakeSet(9, "a", 10, 2)));
  ExpectNext(ChangeKind::kGap);
  const auto change = Next();
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->version, 10u);
  EXPECT_THAT(mirror_.entries(),
              ElementsAre(Entry("a", 10, 2), Entry("b", 3, 1)));
}

TEST_F(TableMirrorTest, TableThatWentTakesWhatItHadAndNotWhatCameLater) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 5, 1), At("b", 9, 2)}));
  EXPECT_CALL(source, Next)
      .WillOnce(source.Gives(MakeChange(5, v1::Change::TABLE_GONE, "", 4)))
      .WillOnce(source.Gives(MakeChange(6, v1::Change::TABLE_GONE, "", 8)));
  ExpectNext(ChangeKind::kGap);
  const auto gone = Next();
  ASSERT_THAT(gone, IsOk());
  EXPECT_EQ(gone->version, 8u) << "what went before is no news";
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("b", 9, 2)));
}

TEST_F(TableMirrorTest, AfterAGapOrARenameItReadsAgain) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1), At("b", 2, 2)}));
  ExpectRead(PageOf({At("b", 3, 3)}));
  ExpectRead(PageOf({At("c", 4, 4)}));
  EXPECT_CALL(source, Next)
      .WillOnce(source.Gives(MakeGap(5)))
      .WillOnce(source.Gives(MakeChange(6, v1::Change::TABLE_CAME, "", 4)));
  ExpectNext(ChangeKind::kGap);
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("b", 3, 3)));
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("c", 4, 4)));
}

TEST_F(TableMirrorTest, ValueOfAnotherTypeIsToldAndLeftOut) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1), {"b", 2, ToValue("text")}, At("c", 3, 3)}));
  EXPECT_CALL(source, Next)
      .WillOnce(source.Gives(MakeSet(5, "a", 4, "text")))
      .WillOnce(source.Gives(MakeSet(6, "b", 5, 5)));
  EXPECT_THAT(Next(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key b")));
  EXPECT_THAT(mirror_.entries(),
              ElementsAre(Entry("a", 1, 1), Entry("c", 3, 3)));
  EXPECT_THAT(Next(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key a")));
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("c", 3, 3)));
  ExpectNext(ChangeKind::kSet);
  EXPECT_THAT(mirror_.entries(),
              ElementsAre(Entry("b", 5, 5), Entry("c", 3, 3)));
}

TEST_F(TableMirrorTest, ReadingThatFailedIsDoneOver) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1)}));
  EXPECT_CALL(source, Next).WillOnce(source.Gives(MakeGap(5)));
  ExpectRead(absl::UnavailableError("lost"));
  ExpectRead(PageOf({At("b", 2, 2)}));
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(Next(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("a", 1, 1)));
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("b", 2, 2)));
}

TEST_F(TableMirrorTest, WatcherThatEndedIsReplaced) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1)}));
  EXPECT_CALL(source, Next)
      .WillOnce(source.Gives(absl::ResourceExhaustedError("fell behind")));
  ExpectWatch();
  ExpectRead(PageOf({At("b", 2, 2)}));
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(Next(), StatusIs(absl::StatusCode::kResourceExhausted));
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("b", 2, 2)));
}

TEST_F(TableMirrorTest, CancelledItLosesNothing) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1)}));
  EXPECT_CALL(source, Next)
      .WillOnce(source.Waits())
      .WillOnce(source.Gives(MakeSet(5, "a", 2, 2)));
  ExpectNext(ChangeKind::kGap);
  asio::cancellation_signal cancel;
  std::optional<Mirror::Result> waits;
  Begin(&waits, cancel.slot());
  EXPECT_FALSE(waits.has_value());
  cancel.emit(asio::cancellation_type::terminal);
  io_.restart();
  io_.poll();
  ASSERT_TRUE(waits.has_value());
  EXPECT_THAT(*waits, StatusIs(absl::StatusCode::kCancelled));
  ExpectNext(ChangeKind::kSet);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("a", 2, 2)));
}

}  // namespace
}  // namespace coffer
