// TableMirror over a MockConnection: what comes between watching and reading,
// and in what order; and what comes while it reads, or is cancelled.

#include "coffer/sdk/table_mirror.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/mocks/call_sequencer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/sdk/mocks/mock_event_source.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::CallSequencer;
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
using ::testing::Optional;
using ::testing::Pair;
using ::testing::Return;
using ::testing::StrictMock;

using Mirror = TableMirror<std::int64_t>;

struct Stored {
  const char* key;
  std::uint64_t version;
  Value value;
};

// A page of a scan; without a cursor it is the last one.
v1::CommandResponse PageOf(std::initializer_list<Stored> entries,
                           const char* cursor = "") {
  v1::CommandResponse page;
  page.set_status(200);
  page.set_cursor(cursor);
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
  // What the mirror is to watch next, for a reading; the events are still to be
  // said, the first of them while it reads.
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
      .WillOnce(source.Waits())
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
      .WillOnce(source.Waits())
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
      .WillOnce(source.Waits())
      .WillOnce(source.Gives(MakeChange(5, v1::Change::TABLE_GONE, "", 4)))
      .WillOnce(source.Gives(MakeChange(6, v1::Change::TABLE_GONE, "", 8)));
  ExpectNext(ChangeKind::kGap);
  const auto gone = Next();
  ASSERT_THAT(gone, IsOk());
  EXPECT_EQ(gone->version, 8u) << "what went before is no news";
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("b", 9, 2)));
}

TEST_F(TableMirrorTest, AfterAGapOrARenameItWatchesAndReadsAgain) {
  MockEventSource& first = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1), At("b", 2, 2)}));
  EXPECT_CALL(first, Next)
      .WillOnce(first.Waits())
      .WillOnce(first.Gives(MakeGap(5)));
  MockEventSource& second = ExpectWatch();
  ExpectRead(PageOf({At("b", 3, 3)}));
  EXPECT_CALL(second, Next)
      .WillOnce(second.Waits())
      .WillOnce(second.Gives(MakeChange(6, v1::Change::TABLE_CAME, "", 4)));
  MockEventSource& third = ExpectWatch();
  ExpectRead(PageOf({At("c", 4, 4)}));
  EXPECT_CALL(third, Next).WillOnce(third.Waits());
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
      .WillOnce(source.Waits())
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
  MockEventSource& first = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1)}));
  EXPECT_CALL(first, Next)
      .WillOnce(first.Waits())
      .WillOnce(first.Gives(MakeGap(5)));
  MockEventSource& second = ExpectWatch();
  EXPECT_CALL(second, Next).WillOnce(second.Waits());
  ExpectRead(absl::UnavailableError("lost"));
  // What the second had still to tell could be older than what is read now.
  MockEventSource& third = ExpectWatch();
  EXPECT_CALL(third, Next).WillOnce(third.Waits());
  ExpectRead(PageOf({At("b", 2, 2)}));
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(Next(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("a", 1, 1)));
  ExpectNext(ChangeKind::kGap);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("b", 2, 2)));
}

TEST_F(TableMirrorTest, WatcherThatEndedIsReplaced) {
  MockEventSource& first = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1)}));
  EXPECT_CALL(first, Next)
      .WillOnce(first.Waits())
      .WillOnce(first.Gives(absl::ResourceExhaustedError("fell behind")));
  MockEventSource& second = ExpectWatch();
  ExpectRead(PageOf({At("b", 2, 2)}));
  EXPECT_CALL(second, Next).WillOnce(second.Waits());
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

TEST_F(TableMirrorTest, ChangesWithoutEndDoNotKeepAReadingFromItsEnd) {
  MockEventSource& source = ExpectWatch();
  ExpectRead(PageOf({At("a", 1, 1)}));
  std::uint64_t told = 10;
  EXPECT_CALL(source, Next)
      .WillRepeatedly([&](EventSource::NextHandler handler) {
        ++told;
        source.Gives(MakeSet(told, "a", told, 2))(std::move(handler));
      });
  ExpectNext(ChangeKind::kGap);
  ExpectNext(ChangeKind::kSet);
  EXPECT_THAT(mirror_.entries(), ElementsAre(Entry("a", told, 2)));
}

// Changes that a test tells when it likes: what is not taken is held, up to
// `room`; more of them is a gap.
class Feed : public std::enable_shared_from_this<Feed> {
 public:
  Feed(asio::any_io_executor executor, std::size_t room)
      : executor_(std::move(executor)), room_(room) {}

  void Tell(absl::StatusOr<Event> event) {
    if (held_.size() == room_) {
      held_.clear();
      event = MakeGap(event->sequence);
      ++gaps_;
    }
    held_.push_back(std::move(event));
    Give();
  }
  int gaps() const { return gaps_; }
  std::size_t held() const { return held_.size(); }

  std::unique_ptr<EventSource> MakeSource() {
    return std::make_unique<Source>(shared_from_this());
  }

 private:
  class Source final : public EventSource {
   public:
    explicit Source(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
    asio::any_io_executor get_executor() override { return feed_->executor_; }
    void Next(NextHandler handler) override { feed_->Next(std::move(handler)); }
    EventPosition position() const override { return {1, 4}; }

   private:
    const std::shared_ptr<Feed> feed_;
  };

  void Next(EventSource::NextHandler handler) {
    internal::OnCancel(handler, [weak = weak_from_this(), ticket = ++ticket_] {
      if (const auto feed = weak.lock()) feed->Cancel(ticket);
    });
    EXPECT_FALSE(next_) << "one Next at a time";
    next_ = {std::move(handler), executor_};
    Give();
  }
  void Give() {
    if (!next_ || held_.empty()) return;
    auto next = std::move(next_);
    next.Post(std::move(held_.front()));
    held_.pop_front();
  }
  void Cancel(int ticket) {
    if (!next_ || ticket != ticket_) return;
    auto next = std::move(next_);
    next.Post(absl::CancelledError("cancelled by the caller"));
  }

  const asio::any_io_executor executor_;
  const std::size_t room_;
  std::deque<absl::StatusOr<Event>> held_;
  internal::PendingHandler<absl::StatusOr<Event>> next_;
  int ticket_ = 0;
  int gaps_ = 0;
};

// A mirror, and a connection whose pages are answered when a test likes.
class World {
 public:
  using Pages = std::map<std::string, v1::CommandResponse>;  // by their cursors

  explicit World(std::size_t room = 100) : room_(room) {
    EXPECT_CALL(*mock_, Watch)
        .WillRepeatedly([this](const auto& what, const auto& how,
                               Connection::SubscribeHandler handler) {
          ++watches_;
          feed_ = std::make_shared<Feed>(io_.get_executor(), room_);
          for (const Event& event : told_at_once_) feed_->Tell(event);
          mock_->Opens(feed_->MakeSource())(what, how, std::move(handler));
        });
    EXPECT_CALL(*mock_, Execute).WillRepeatedly(calls_.Holds());
  }
  ~World() {
    Cancel();
    Run();
    mirror_.reset();
    Run();
  }

  // What each watcher is told before all else.
  void TellAtOnce(std::vector<Event> events) {
    told_at_once_ = std::move(events);
  }

  // The mirror's Next.
  void Begin() {
    result_.reset();
    internal::Spawn<Mirror::Result>(
        io_.get_executor(), [this] { return mirror_->Next(); },
        asio::bind_cancellation_slot(
            cancel_.slot(),
            [this](Mirror::Result given) { result_ = std::move(given); }));
  }
  void Cancel() { cancel_.emit(asio::cancellation_type::terminal); }
  // One handler; false: there is none.
  bool Step() {
    io_.restart();
    return io_.poll_one() != 0;
  }
  void Run() {
    while (Step()) {
    }
  }
  // What Next gave, if it did.
  const std::optional<Mirror::Result>& result() const { return result_; }
  // Of what kind; nullopt also for an error.
  std::optional<ChangeKind> Given() const {
    if (!result_.has_value() || !result_->ok()) return std::nullopt;
    return (*result_)->kind;
  }

  // Answers the call that waits; false: none does.
  bool Answer(const Pages& pages) {
    if (calls_.empty()) return false;
    const CallSequencer::Call call = calls_.Pop();
    ++answered_;
    call.Complete(pages.at(call.request().scan().cursor()));
    return true;
  }
  // To the end, with a page whenever it waits for one.
  void Read(const Pages& pages) {
    do {
      Run();
    } while (Answer(pages));
  }

  Feed& feed() { return *feed_; }
  CallSequencer& calls() { return calls_; }
  const Mirror::Entries& entries() const { return mirror_->entries(); }
  int watches() const { return watches_; }
  int answered() const { return answered_; }

 private:
  const std::size_t room_;
  asio::io_context io_;
  std::vector<Event> told_at_once_;
  CallSequencer calls_{io_.get_executor()};
  std::shared_ptr<StrictMock<MockConnection>> mock_ =
      std::make_shared<StrictMock<MockConnection>>(io_.get_executor());
  std::shared_ptr<Feed> feed_;
  int watches_ = 0;
  int answered_ = 0;
  asio::cancellation_signal cancel_;
  std::optional<Mirror::Result> result_;
  std::optional<Mirror> mirror_{std::in_place, Client(mock_), "t"};
};

Event Removed(std::uint64_t sequence, const char* key, std::uint64_t version) {
  return MakeChange(sequence, v1::Change::REMOVED, key, version);
}

TEST(TableMirrorReading, WhatComesWhileAPageIsAwaitedIsPartOfIt) {
  World world;
  world.Begin();
  world.Run();
  ASSERT_EQ(world.calls().size(), 1u) << "a page is awaited";
  const Event told[] = {MakeSet(5, "b", 20, 20), Removed(6, "c", 21),
                        MakeSet(7, "d", 22, 22), MakeSet(8, "d", 23, 23),
                        MakeSet(9, "e", 5, 5)};
  for (const Event& event : told) {
    world.feed().Tell(event);
    world.Run();
    EXPECT_EQ(world.feed().held(), 0u) << "taken as it comes";
  }
  EXPECT_FALSE(world.result().has_value());
  EXPECT_THAT(world.entries(), IsEmpty());
  world.Answer({{"", PageOf({At("a", 1, 1), At("b", 2, 2), At("c", 3, 3),
                             At("e", 6, 6)})}});
  world.Run();
  EXPECT_EQ(world.Given(), ChangeKind::kGap);
  EXPECT_EQ((*world.result())->sequence, 9u);
  EXPECT_THAT(world.entries(),
              ElementsAre(Entry("a", 1, 1), Entry("b", 20, 20),
                          Entry("d", 23, 23), Entry("e", 6, 6)));
}

TEST(TableMirrorReading, WhatWentBeforeItWasReadIsNeverShown) {
  // Set and removed again and again after the watch had begun and before the
  // page was read; and all of that has come when the page is answered, so many
  // steps after it was asked for.
  std::vector<Event> told;
  for (std::uint64_t i = 10; i < 30; i += 2) {
    told.push_back(MakeSet(i, "gone", i, 1));
    told.push_back(Removed(i + 1, "gone", i + 1));
  }
  const World::Pages pages = {{"", PageOf({At("a", 40, 40)})}};
  for (int steps = 0; steps < 60; ++steps) {
    World world;
    world.TellAtOnce(told);
    world.Begin();
    while (world.calls().empty()) ASSERT_TRUE(world.Step());
    for (int i = 0; i < steps; ++i) world.Step();
    world.Answer(pages);
    world.Run();
    EXPECT_EQ(world.Given(), ChangeKind::kGap);
    EXPECT_THAT(world.entries(), ElementsAre(Entry("a", 40, 40)));
    world.feed().Tell(MakeSet(41, "a", 41, 41));
    world.Begin();
    world.Run();
    ASSERT_EQ(world.Given(), ChangeKind::kSet);
    EXPECT_EQ((*world.result())->key, "a") << "nothing else was to be told";
  }
}

TEST(TableMirrorReading, WhatWasToldBeforeAGapIsNotShownAfterIt) {
  World world;
  world.Begin();
  world.Run();
  world.Answer({{"", PageOf({At("a", 1, 1)})}});
  world.Run();
  EXPECT_EQ(world.Given(), ChangeKind::kGap);
  world.feed().Tell(MakeGap(5));
  // Older than what is read next; the removal is still on its way.
  world.feed().Tell(MakeSet(6, "gone", 6, 6));
  world.Begin();
  world.Run();
  EXPECT_EQ(world.watches(), 2);
  world.Answer({{"", PageOf({At("a", 8, 8)})}});
  world.Run();
  EXPECT_EQ(world.Given(), ChangeKind::kGap);
  EXPECT_THAT(world.entries(), ElementsAre(Entry("a", 8, 8)));
  world.Begin();
  world.Run();
  EXPECT_FALSE(world.result().has_value()) << "that was all";
  world.feed().Tell(MakeSet(9, "a", 9, 9));
  world.Run();
  EXPECT_EQ(world.Given(), ChangeKind::kSet);
}

TEST(TableMirrorReading, TableThatGoesWhileItReads) {
  World world;
  world.Begin();
  world.Run();
  world.feed().Tell(MakeSet(5, "c", 4, 4));
  world.feed().Tell(MakeChange(6, v1::Change::TABLE_GONE, "", 5));
  world.feed().Tell(MakeSet(7, "d", 7, 7));
  world.Run();
  world.Answer({{"", PageOf({At("a", 3, 3), At("b", 6, 6)})}});
  world.Run();
  EXPECT_EQ(world.Given(), ChangeKind::kGap);
  EXPECT_THAT(world.entries(), ElementsAre(Entry("b", 6, 6), Entry("d", 7, 7)));
}

TEST(TableMirrorReading, GapWhileItReadsHasItReadOnceMore) {
  for (const Event& missing :
       {MakeGap(6), MakeChange(6, v1::Change::TABLE_CAME, "", 6)}) {
    World world;
    world.Begin();
    world.Run();
    world.feed().Tell(MakeSet(5, "a", 5, 5));
    world.feed().Tell(missing);
    world.feed().Tell(MakeSet(7, "b", 7, 7));
    world.Run();
    world.Answer({{"", PageOf({At("a", 1, 1), At("b", 2, 2)})}});
    world.Run();
    // What it has is given, as there may be a gap each time.
    EXPECT_EQ(world.Given(), ChangeKind::kGap);
    EXPECT_THAT(world.entries(),
                ElementsAre(Entry("a", 5, 5), Entry("b", 7, 7)));
    EXPECT_EQ(world.watches(), 1);
    world.Begin();
    world.Run();
    EXPECT_EQ(world.watches(), 2);
    world.Answer({{"", PageOf({At("b", 7, 7)})}});
    world.Run();
    EXPECT_EQ(world.Given(), ChangeKind::kGap);
    EXPECT_THAT(world.entries(), ElementsAre(Entry("b", 7, 7)));
    world.Begin();
    world.Run();
    EXPECT_FALSE(world.result().has_value()) << "and not again";
    world.feed().Tell(MakeSet(8, "b", 8, 8));
    world.Run();
    EXPECT_EQ(world.Given(), ChangeKind::kSet);
  }
}

TEST(TableMirrorReading, SteadyChangesAndLittleRoomAreReadOnce) {
  World world(1);
  world.Begin();
  world.Run();
  const World::Pages pages = {{"", PageOf({At("a", 1, 1)}, "next")},
                              {"next", PageOf({At("b", 2, 2)})}};
  std::uint64_t told = 10;
  for (int page = 0; page < 2; ++page) {
    for (int i = 0; i < 1000; ++i) {
      ++told;
      world.feed().Tell(MakeSet(told, "a", told, 7));
      world.Run();
    }
    world.Answer(pages);
    world.Run();
  }
  EXPECT_EQ(world.Given(), ChangeKind::kGap);
  EXPECT_THAT(world.entries(),
              ElementsAre(Entry("a", told, 7), Entry("b", 2, 2)));
  world.Begin();
  world.Run();
  EXPECT_FALSE(world.result().has_value());
  EXPECT_EQ(world.feed().gaps(), 0);
  EXPECT_EQ(world.watches(), 1);
  EXPECT_EQ(world.answered(), 2);
  world.feed().Tell(MakeSet(told + 1, "a", told + 1, 7));
  world.Run();
  EXPECT_EQ(world.Given(), ChangeKind::kSet);
}

TEST(TableMirrorReading, ValueOfAnotherTypeIsToldUnlessALaterOneCame) {
  for (const bool mended : {false, true}) {
    World world;
    world.Begin();
    world.Run();
    world.feed().Tell(MakeSet(5, "b", 5, "text"));
    if (mended) world.feed().Tell(MakeSet(6, "b", 6, 6));
    world.Run();
    world.Answer({{"", PageOf({At("a", 1, 1), At("b", 2, 2)})}});
    world.Run();
    if (mended) {
      EXPECT_EQ(world.Given(), ChangeKind::kGap);
      EXPECT_THAT(world.entries(),
                  ElementsAre(Entry("a", 1, 1), Entry("b", 6, 6)));
    } else {
      ASSERT_TRUE(world.result().has_value());
      EXPECT_THAT(*world.result(), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("key b")));
      EXPECT_THAT(world.entries(), ElementsAre(Entry("a", 1, 1)));
    }
  }
}

TEST(TableMirrorReading, WatcherThatEndsWhileItReadsEndsTheReading) {
  World world;
  world.Begin();
  world.Run();
  world.feed().Tell(absl::ResourceExhaustedError("fell behind"));
  world.Run();
  ASSERT_TRUE(world.result().has_value());
  EXPECT_THAT(*world.result(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(world.calls().Pop().cancelled());
  world.Begin();
  world.Run();
  EXPECT_EQ(world.watches(), 2);
  world.Answer({{"", PageOf({At("a", 1, 1)})}});
  world.Run();
  EXPECT_EQ(world.Given(), ChangeKind::kGap);
  EXPECT_THAT(world.entries(), ElementsAre(Entry("a", 1, 1)));
}

// A reading of a table of three pages that changes meanwhile, a change a step
// from a step on.
class ChangingTable {
 public:
  explicit ChangingTable(int tell_after) : tell_after_(tell_after) {}

  World& world() { return world_; }

  void AnswerWhatWaits() {
    world_.Answer(pages_);
    world_.Run();
  }
  // Lets something happen; false: there is nothing left.
  bool Step() {
    const bool told = steps_++ >= tell_after_ && Tell();
    return world_.Step() || world_.Answer(pages_) || told || Tell();
  }
  // Each state that is shown is later than the one before it.
  void CheckEntries() {
    for (auto& [key, version] : shown_) {
      if (!world_.entries().contains(key)) version = kGone;
    }
    for (const auto& [key, entry] : world_.entries()) {
      EXPECT_GE(entry.version, shown_[key]) << key;
      shown_[key] = entry.version;
    }
  }
  void CheckEnd() {
    EXPECT_THAT(world_.entries(),
                ElementsAre(Entry("b", 20, 20), Entry("d", 22, 22)));
    EXPECT_EQ(world_.watches(), 1);
    EXPECT_EQ(world_.answered(), 3) << "it goes on where it was";
  }

 private:
  static constexpr std::uint64_t kGone = 1000;  // no later state comes

  bool Tell() {
    if (changes_.empty() || world_.watches() == 0) return false;
    world_.feed().Tell(changes_.front());
    changes_.pop_front();
    return true;
  }

  const int tell_after_;
  const World::Pages pages_ = {
      {"", PageOf({At("a", 1, 1), At("b", 2, 2)}, "next")},
      {"next", PageOf({At("c", 3, 3)}, "last")},
      {"last", PageOf({At("d", 4, 4)})}};
  std::deque<Event> changes_ = {MakeSet(5, "b", 20, 20), Removed(6, "c", 21),
                                MakeSet(7, "d", 22, 22), Removed(8, "a", 23)};
  World world_;
  int steps_ = 0;
  std::map<std::string, std::uint64_t> shown_;
};

// A Next that is cancelled after so many steps. False: it was over before.
bool CancelNext(ChangingTable& table, int steps) {
  World& world = table.world();
  world.Begin();
  for (int i = 0; i < steps; ++i) {
    if (world.result().has_value()) return false;
    if (!table.Step()) break;
  }
  const bool empty = world.entries().empty();
  world.Cancel();
  world.Run();
  if (world.Given().has_value()) {
    table.CheckEntries();
    return true;
  }
  EXPECT_THAT(world.result(), Optional(StatusIs(absl::StatusCode::kCancelled)));
  EXPECT_EQ(world.entries().empty(), empty);
  return true;
}

// A reading that is cancelled after so many steps, and after so many once more,
// and all that follows. False: it was over before.
bool CancelAReading(int tell_after, int cancel_after, int again_after) {
  SCOPED_TRACE(testing::Message()
               << "changes from step " << tell_after << " on, cancelled after "
               << cancel_after << " and " << again_after);
  ChangingTable table(tell_after);
  World& world = table.world();
  if (!CancelNext(table, cancel_after)) return false;
  table.AnswerWhatWaits();
  CancelNext(table, again_after);
  if (!world.result().has_value()) return true;  // has failed
  for (;;) {
    world.Begin();
    while (!world.result().has_value() && table.Step()) {
    }
    if (!world.result().has_value()) break;
    EXPECT_THAT(*world.result(), IsOk());
    table.CheckEntries();
  }
  table.CheckEnd();
  return true;
}

TEST(TableMirrorReading, CancelledAnywhereItLosesNothingAndGoesOn) {
  int runs = 0;
  for (int tell_after = 0; tell_after < 25; tell_after += 2) {
    for (int again_after = 0; again_after < 6; ++again_after) {
      int cancel_after = 0;
      while (CancelAReading(tell_after, cancel_after, again_after)) {
        ASSERT_FALSE(testing::Test::HasFailure());
        ASSERT_LT(++cancel_after, 200) << "it never ends";
      }
      runs += cancel_after;
    }
  }
  EXPECT_GT(runs, 500);
}

TEST(TableMirrorReading, CancelledWhileAChangeIsTakenItStillEnds) {
  for (int steps = 0; steps < 20; ++steps) {
    World world;
    world.Begin();
    world.Run();
    world.Read({{"", PageOf({At("a", 8, 8)})}});
    EXPECT_EQ(world.Given(), ChangeKind::kGap);
    world.Begin();
    world.Run();
    world.feed().Tell(MakeSet(5, "a", 7, 7));  // no news: it would wait on
    for (int i = 0; i < steps; ++i) world.Step();
    world.Cancel();
    world.Run();
    ASSERT_TRUE(world.result().has_value()) << "waits on, after " << steps;
    EXPECT_THAT(*world.result(), StatusIs(absl::StatusCode::kCancelled));
  }
}

}  // namespace
}  // namespace coffer
