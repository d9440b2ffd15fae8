#include "coffer/server/service/watch/change_feed.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coffer/proto/value.h"
#include "coffer/server/service/topics/topics_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = KeyChange::Kind;

class ChangeFeedTest : public ::testing::Test {
 protected:
  static v1::OpenWatch All(const std::string& table) {
    v1::OpenWatch open;
    open.set_table(table);
    open.set_all(true);
    return open;
  }
  static v1::OpenWatch Prefix(const std::string& table,
                              const std::string& prefix) {
    v1::OpenWatch open;
    open.set_table(table);
    open.set_prefix(prefix);
    return open;
  }
  static v1::OpenWatch Key(const std::string& table, const std::string& key) {
    v1::OpenWatch open;
    open.set_table(table);
    open.set_key(key);
    return open;
  }
  static v1::OpenWatch From(v1::OpenWatch open, uint64_t epoch,
                            uint64_t after) {
    open.set_epoch(epoch);
    open.set_after_sequence(after);
    return open;
  }

  std::unique_ptr<ChangeFeed::Watch> Open(const v1::OpenWatch& open) {
    auto watch = feed_.Open(open, waker_);
    EXPECT_TRUE(watch.ok()) << watch.status();
    return watch.ok() ? *std::move(watch) : nullptr;
  }

  // As an engine does.
  void Tell(const std::string& table, const std::string& key,
            Kind kind = Kind::kSet) {
    ++version_;
    if (!feed_.Wants(table)) return;
    KeyChange change;
    change.kind = kind;
    change.table = table;
    change.key = key;
    change.version = version_;
    if (kind == Kind::kSet) {
      change.value = SharedBytes::Copy(
          ToValue(absl::StrCat("v", version_)).SerializeAsString());
      change.expires_at_ms = 5;
    }
    feed_.OnChanges({&change, 1});
  }

  // Each step as text: "SEQUENCE KIND KEY@VERSION=VALUE".
  static std::vector<std::string> Steps(ChangeFeed::Watch& watch) {
    std::vector<std::string> steps;
    for (;;) {
      const Subscription::Item item = watch.place().Next();
      switch (item.kind) {
        case Subscription::Item::Kind::kNothing:
          return steps;
        case Subscription::Item::Kind::kLost:
          steps.push_back(absl::StrCat("lost to ", item.lost_to));
          break;
        case Subscription::Item::Kind::kPassed:
          steps.push_back(absl::StrCat("passed to ", item.passed_to));
          break;
        case Subscription::Item::Kind::kEnded:
          steps.push_back("ended");
          return steps;
        case Subscription::Item::Kind::kEvent:
          steps.push_back(Text(*item.event));
      }
    }
  }

  static std::string Text(const Event& event) {
    const v1::CommandResponse response = ParseEvent(event);
    EXPECT_EQ(response.status(), 200u);
    EXPECT_EQ(response.event().sequence(), event.sequence());
    const v1::Change& change = response.event().change();
    EXPECT_EQ(change.has_value(), change.kind() == v1::Change::SET);
    EXPECT_EQ(change.expires_at_ms(), change.has_value() ? 5u : 0u);
    return absl::StrCat(
        event.sequence(), " ", v1::Change::Kind_Name(change.kind()), " ",
        change.key(), "@", change.version(),
        change.has_value() ? "=" + change.value().string() : "");
  }

  static constexpr uint64_t kEpoch = 9;
  coffer_testing::ManualClock clock_;
  const std::shared_ptr<CountingWaker> waker_ =
      std::make_shared<CountingWaker>();
  uint64_t version_ = 0;
  ChangeFeed feed_{{.ring_events_max = 8}, kEpoch, nullptr, &clock_};
};

TEST_F(ChangeFeedTest, WhoWatchesATableIsToldAllOfItsChangesAndNoOthers) {
  const auto watch = Open(All("t"));
  Tell("t", "a");
  Tell("other", "a");
  Tell("t", "b", Kind::kRemoved);
  Tell("t", "c", Kind::kExpired);
  EXPECT_THAT(Steps(*watch),
              ElementsAre("1 SET a@1=v1", "2 REMOVED b@3", "3 EXPIRED c@4"));
}

TEST_F(ChangeFeedTest, WhoWatchesAKeyIsToldOfIt) {
  const auto watch = Open(Key("t", "a"));
  const auto same = Open(Key("t", "a"));
  const auto no_name = Open(Key("t", ""));
  Tell("t", "ab");
  Tell("t", "a");
  Tell("u", "a");
  Tell("t", "");
  EXPECT_THAT(Steps(*watch), ElementsAre("1 SET a@2=v2"));
  EXPECT_THAT(Steps(*same), ElementsAre("1 SET a@2=v2"));
  EXPECT_THAT(Steps(*no_name), ElementsAre("1 SET @4=v4"));
}

TEST_F(ChangeFeedTest, NamesNeverMeet) {
  const auto first = Open(Key("a1", "b"));
  const auto second = Open(Key("a", "1b"));
  const auto third = Open(All("a1b"));
  const auto fourth = Open(Key("", "2:a1b"));
  Tell("a", "1b");
  EXPECT_THAT(Steps(*first), IsEmpty());
  EXPECT_THAT(Steps(*second), ElementsAre("1 SET 1b@1=v1"));
  EXPECT_THAT(Steps(*third), IsEmpty());
  EXPECT_THAT(Steps(*fourth), IsEmpty());
}

TEST_F(ChangeFeedTest, WhoWatchesAPrefixIsToldOfItsKeys) {
  const auto watch = Open(Prefix("t", "a/"));
  Tell("t", "a");
  Tell("t", "a/");
  Tell("t", "b");
  Tell("t", "a/x", Kind::kRemoved);
  EXPECT_THAT(Steps(*watch), ElementsAre("2 SET a/@2=v2", "4 REMOVED a/x@4"));
}

TEST_F(ChangeFeedTest, ChangesOfWholeTablesAreToldToAll) {
  const auto all = Open(All("t"));
  const auto prefix = Open(Prefix("t", "zz"));
  const auto key = Open(Key("t", "k"));
  Tell("t", "", Kind::kTableGone);
  Tell("t", "", Kind::kTableCame);
  for (const auto* watch : {&all, &prefix, &key}) {
    EXPECT_THAT(Steps(**watch),
                ElementsAre("1 TABLE_GONE @1", "2 TABLE_CAME @2"));
  }
}

TEST_F(ChangeFeedTest, WhatIsNotWantedWakesNobodyAndIsPassedByWithABookmark) {
  const auto watch = Open(Prefix("t", "mine"));
  EXPECT_THAT(Steps(*watch), IsEmpty());
  Tell("t", "other");
  EXPECT_EQ(waker_->wakes, 0);
  Tell("t", "other");
  EXPECT_EQ(waker_->wakes, 1) << "each quarter of a ring";
  EXPECT_THAT(Steps(*watch), ElementsAre("passed to 2"));
  // All the time there is nothing that it could miss.
  for (int i = 0; i < 100; ++i) Tell("t", "other");
  Tell("t", "mine");
  EXPECT_THAT(Steps(*watch), ElementsAre("103 SET mine@103=v103"));
}

TEST_F(ChangeFeedTest, OneThatRestsLosesOnlyWhatItWants) {
  const auto watch = Open(Prefix("t", "mine"));
  watch->place().Pause(/*until_lost=*/true);
  for (int i = 0; i < 20; ++i) Tell("t", "other");
  EXPECT_EQ(waker_->wakes, 0);
  EXPECT_FALSE(watch->place().lost());
  Tell("t", "mine");
  for (int i = 0; i < 7; ++i) Tell("t", "other");
  EXPECT_FALSE(watch->place().lost());
  EXPECT_EQ(waker_->wakes, 0);
  Tell("t", "other");
  EXPECT_TRUE(watch->place().lost());
  EXPECT_EQ(waker_->wakes, 1);
  EXPECT_THAT(Steps(*watch), ElementsAre("lost to 21", "passed to 29"));
}

TEST_F(ChangeFeedTest, OneThatRestsWithoutAWordFindsTheSame) {
  const auto watch = Open(Prefix("t", "mine"));
  watch->place().Pause(/*until_lost=*/false);
  for (int i = 0; i < 20; ++i) Tell("t", "other");
  Tell("t", "mine");
  EXPECT_THAT(Steps(*watch), ElementsAre("21 SET mine@21=v21"));
  watch->place().Pause(/*until_lost=*/false);
  Tell("t", "mine");
  for (int i = 0; i < 8; ++i) Tell("t", "other");
  EXPECT_EQ(waker_->wakes, 0);
  EXPECT_THAT(Steps(*watch), ElementsAre("lost to 22", "passed to 30"));
}

TEST_F(ChangeFeedTest, WhoComesBackGoesOnWhereHeWas) {
  auto watch = Open(Key("t", "a"));
  Tell("t", "a");
  EXPECT_THAT(Steps(*watch), ElementsAre("1 SET a@1=v1"));
  watch.reset();
  Tell("t", "a");
  Tell("t", "b");
  clock_.AdvanceBy(ChangeFeed::kReturnTime - std::chrono::milliseconds(1));
  Tell("t", "a");
  watch = Open(From(Key("t", "a"), kEpoch, 1));
  EXPECT_FALSE(watch->place().start_gap().has_value());
  EXPECT_THAT(Steps(*watch), ElementsAre("2 SET a@2=v2", "3 SET a@4=v4"));
}

TEST_F(ChangeFeedTest, BusyOthersDoNotPushAKeysChangesOut) {
  auto watch = Open(Key("t", "a"));
  const auto all = Open(All("t"));
  watch.reset();
  Tell("t", "a");
  for (int i = 0; i < 1000; ++i) Tell("t", "b");
  watch = Open(From(Key("t", "a"), kEpoch, 0));
  EXPECT_FALSE(watch->place().start_gap().has_value());
  EXPECT_THAT(Steps(*watch), ElementsAre("1 SET a@1=v1"));
}

TEST_F(ChangeFeedTest, WhoComesBackLateIsToldThatChangesAreMissing) {
  auto watch = Open(Key("t", "a"));
  Tell("t", "a");
  EXPECT_THAT(Steps(*watch), ElementsAre("1 SET a@1=v1"));
  watch.reset();
  clock_.AdvanceBy(ChangeFeed::kReturnTime);
  // Nobody is told of this one: the time was up before it.
  Tell("t", "a");
  EXPECT_EQ(feed_.feeds(), 0u);
  EXPECT_EQ(feed_.topics().counts().topics, 0u);
  EXPECT_EQ(feed_.topics().counts().bytes, 0u);
  EXPECT_FALSE(feed_.Wants("t"));
  watch = Open(From(Key("t", "a"), kEpoch, 1));
  EXPECT_EQ(watch->place().start_gap(), v1::Gap::EVICTED);
  EXPECT_THAT(Steps(*watch), IsEmpty());
}

TEST_F(ChangeFeedTest, QuietOnesComeBackWithoutAGapWhateverOthersDo) {
  auto quiet = Open(Key("t", "quiet"));
  const uint64_t start = quiet->place().start_sequence();
  quiet.reset();
  {
    const auto busy = Open(Key("t", "busy"));
    for (int i = 0; i < 100; ++i) Tell("t", "busy");
  }
  quiet = Open(From(Key("t", "quiet"), kEpoch, start));
  EXPECT_FALSE(quiet->place().start_gap().has_value());
}

TEST_F(ChangeFeedTest, AnotherEpochIsAGap) {
  const auto watch = Open(From(All("t"), kEpoch + 1, 7));
  EXPECT_EQ(watch->place().start_gap(), v1::Gap::NEW_EPOCH);
}

TEST_F(ChangeFeedTest, WhatMakesNoSenseIsRefusedAndCostsNothing) {
  v1::OpenWatch open;
  open.set_table("t");
  auto refused = feed_.Open(open, waker_);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("which keys are to be watched is not set"));
  open.set_all(false);
  EXPECT_TRUE(absl::IsInvalidArgument(feed_.Open(open, waker_).status()));
  refused = feed_.Open(From(All("t"), kEpoch, 1), waker_);
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << refused.status();
  clock_.AdvanceBy(ChangeFeed::kReturnTime);
  EXPECT_FALSE(feed_.Wants("other"));
  const auto watch = Open(All("t"));
  EXPECT_EQ(feed_.feeds(), 1u);
}

// However fast keys are watched and left, what is kept for their return is
// bounded.
TEST_F(ChangeFeedTest, ThoseThatMayComeBackAreBounded) {
  for (int i = 0; i < 20000; ++i) Open(Key("t", absl::StrCat(i)));
  EXPECT_LE(feed_.feeds(), ChangeFeed::kReturnsMax + 1);
  EXPECT_LE(feed_.topics().counts().topics, ChangeFeed::kReturnsMax + 1);
}

TEST_F(ChangeFeedTest, ChangesOfAGroupStandTogether) {
  const auto watch = Open(All("t"));
  const auto other = Open(All("u"));
  std::vector<KeyChange> changes(3);
  changes[0].table = changes[2].table = "t";
  changes[1].table = "u";
  changes[0].key = "a";
  changes[1].key = "b";
  changes[2].key = "c";
  for (KeyChange& change : changes) change.kind = Kind::kRemoved;
  feed_.OnChanges(changes);
  EXPECT_THAT(Steps(*watch), ElementsAre("1 REMOVED a@0", "2 REMOVED c@0"));
  EXPECT_THAT(Steps(*other), ElementsAre("1 REMOVED b@0"));
}

// None of those who stand at the latest change wants it: all go on behind it.
TEST_F(ChangeFeedTest, SeveralWhoStandPassAChangeThatNoneWants) {
  for (int watches = 2; watches <= 4; ++watches) {
    const std::string table = absl::StrCat("table", watches);
    std::vector<std::unique_ptr<ChangeFeed::Watch>> paused;
    for (int i = 0; i < watches; ++i) {
      paused.push_back(Open(Prefix(table, absl::StrCat(i))));
      paused.back()->place().Pause(/*until_lost=*/i % 2 == 0);
    }
    Tell(table, "x");
    Tell(table, absl::StrCat(watches - 1, "k"));
    const std::string last = absl::StrCat(watches - 1, "k@", version_);
    for (int i = 0; i < watches; ++i) {
      const std::string steps = absl::StrJoin(Steps(*paused[i]), ", ");
      if (i == watches - 1) {
        EXPECT_THAT(steps, HasSubstr(absl::StrCat("2 SET ", last)));
      } else {
        EXPECT_THAT(steps, ::testing::AnyOf("", "passed to 2")) << i;
      }
    }
    paused.clear();
  }
}

// Watches of all, of prefixes and of keys that nobody writes, which read and
// pause by chance: each is told every change that it wants, in order, or of a
// gap in which there was one.
TEST_F(ChangeFeedTest, EachIsToldWhatItWantsWhateverTheOthersDo) {
  const std::vector<std::string> prefixes = {"", "a", "b", "a", "none", "c"};
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    const std::string table = absl::StrCat("table", seed);
    std::vector<std::unique_ptr<ChangeFeed::Watch>> watches;
    for (const std::string& prefix : prefixes) {
      watches.push_back(Open(Prefix(table, prefix)));
    }
    std::vector<std::string> told;               // change n's key at n - 1
    std::vector<size_t> at(prefixes.size(), 0);  // as many are dealt with
    const auto next_wanted = [&](size_t i) {
      size_t next = at[i];
      while (next < told.size() && !absl::StartsWith(told[next], prefixes[i])) {
        ++next;
      }
      return next;
    };
    const auto read = [&](size_t i) {
      for (;;) {
        const Subscription::Item item = watches[i]->place().Next();
        const size_t wanted = next_wanted(i);
        if (item.kind == Subscription::Item::Kind::kNothing) {
          ASSERT_EQ(wanted, told.size()) << "watch " << i << " was not told";
          return;
        }
        if (item.kind == Subscription::Item::Kind::kEvent) {
          ASSERT_EQ(item.event->sequence(), wanted + 1) << "watch " << i;
          at[i] = wanted + 1;
        } else if (item.kind == Subscription::Item::Kind::kLost) {
          ASSERT_LT(wanted, item.lost_to) << "watch " << i << " lost nothing";
          at[i] = item.lost_to;
        } else {
          ASSERT_EQ(item.kind, Subscription::Item::Kind::kPassed);
          ASSERT_GE(wanted, item.passed_to) << "watch " << i;
          at[i] = std::max(at[i], static_cast<size_t>(item.passed_to));
        }
      }
    };
    for (int step = 0; step < 200 && !HasFatalFailure(); ++step) {
      const size_t i = random() % watches.size();
      switch (random() % 4) {
        case 0:
          read(i);
          break;
        case 1:
          watches[i]->place().Pause(random() % 2 == 0);
          break;
        default:
          told.push_back(std::string(1, "abcdef"[random() % 6]));
          Tell(table, told.back());
      }
    }
    for (size_t i = 0; i < watches.size() && !HasFatalFailure(); ++i) read(i);
    ASSERT_FALSE(HasFatalFailure());
  }
}

TEST_F(ChangeFeedTest, WhenChangesAreNotToldEachIsToldThatSomeAreMissing) {
  const auto waits = Open(All("t"));
  const auto waits_too = Open(Key("u", "k"));
  const auto reads = Open(Prefix("t", "a"));
  const auto paused = Open(Prefix("t", "b"));
  Tell("t", "a1");
  EXPECT_THAT(Steps(*waits), ElementsAre("1 SET a1@1=v1"));
  EXPECT_THAT(Steps(*waits_too), IsEmpty());
  paused->place().Pause(/*until_lost=*/true);
  waker_->wakes = 0;
  feed_.OnChangesLost();
  EXPECT_EQ(waker_->wakes, 3) << "those who wait, and who paused until then";
  Tell("t", "a2");
  EXPECT_THAT(Steps(*waits), ElementsAre("lost to 2", "3 SET a2@2=v2"));
  EXPECT_THAT(Steps(*waits_too), ElementsAre("lost to 1"));
  EXPECT_THAT(Steps(*reads), ElementsAre("lost to 2", "3 SET a2@2=v2"));
  EXPECT_THAT(Steps(*paused), ElementsAre("lost to 2"));
  // Who comes back from before it, and from behind it.
  EXPECT_EQ(Open(From(All("t"), kEpoch, 1))->place().start_gap(),
            v1::Gap::EVICTED);
  EXPECT_FALSE(
      Open(From(All("t"), kEpoch, 2))->place().start_gap().has_value());
}

TEST_F(ChangeFeedTest, LongNamesAreRefused) {
  const std::string longest(ChangeFeed::kNameBytesMax - 1, 'x');
  EXPECT_NE(Open(Key("t", longest)), nullptr);
  for (const v1::OpenWatch& open :
       {Key("tt", longest), Prefix("tt", longest), All(longest + "xx")}) {
    const auto refused = feed_.Open(open, waker_);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(refused.status().message(),
                HasSubstr("16385 bytes long; the limit is 16384"));
  }
}

TEST_F(ChangeFeedTest, IsAttachedToAnEngineThatTells) {
  MemoryStorage storage;
  EXPECT_FALSE(feed_.attached());
  feed_.Attach(&storage);
  EXPECT_TRUE(feed_.attached());
}

}  // namespace
}  // namespace coffer::server
