#include "coffer/sdk/latest_entries.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/proto/value.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Latest = internal::LatestEntries<std::int64_t>;

ScanEntry<> Read(std::string key, std::uint64_t version, Value value) {
  ScanEntry<> entry;
  entry.key = std::move(key);
  entry.version = version;
  entry.value = std::move(value);
  return entry;
}

// The value is the version.
ScanEntry<> Read(std::string key, std::uint64_t version) {
  return Read(std::move(key), version,
              ToValue(static_cast<std::int64_t>(version)));
}

Change<Value> Told(ChangeKind kind, std::string key, std::uint64_t version) {
  Change<Value> change;
  change.kind = kind;
  change.key = std::move(key);
  change.version = version;
  return change;
}

Change<Value> Set(std::string key, std::uint64_t version, Value value) {
  Change<Value> change = Told(ChangeKind::kSet, std::move(key), version);
  change.value = std::move(value);
  return change;
}

Change<Value> Set(std::string key, std::uint64_t version) {
  return Set(std::move(key), version,
             ToValue(static_cast<std::int64_t>(version)));
}

Change<Value> Removed(std::string key, std::uint64_t version) {
  return Told(ChangeKind::kRemoved, std::move(key), version);
}

// Each key with its version.
std::vector<std::string> Shown(const Latest& latest) {
  std::vector<std::string> shown;
  for (const auto& [key, entry] : latest.entries()) {
    EXPECT_EQ(entry.value, static_cast<std::int64_t>(entry.version));
    shown.push_back(key + std::to_string(entry.version));
  }
  return shown;
}

// How a key was, one state after the other; 0: there was none.
constexpr std::uint64_t kVersions[] = {0, 1, 3, 0, 7};
// Of the changes between them, each to the state of the same place.
constexpr std::uint64_t kChanges[] = {0, 1, 3, 5, 7};
constexpr int kStates = 5;

Change<Value> ChangeTo(int state) {
  return kVersions[state] == 0 ? Removed("k", kChanges[state])
                               : Set("k", kChanges[state]);
}

std::vector<std::string> ShownOf(int state) {
  if (kVersions[state] == 0) return {};
  return {"k" + std::to_string(kVersions[state])};
}

TEST(LatestEntries, WhateverIsKnownFirstTheLatestIsShown) {
  for (int told = 0; told < kStates; ++told) {
    for (int read = 0; read < kStates; ++read) {
      SCOPED_TRACE(testing::Message() << told << " told, then " << read);
      Latest latest;
      for (int i = 1; i <= told; ++i) {
        ASSERT_THAT(latest.Add(ChangeTo(i)), IsOk());
        EXPECT_EQ(Shown(latest), ShownOf(i));
      }
      if (kVersions[read] != 0) latest.AddRead(Read("k", kVersions[read]));
      latest.EndPage();
      // What is not there tells nothing.
      const int known = kVersions[read] == 0 ? told : std::max(told, read);
      EXPECT_EQ(Shown(latest), ShownOf(known));
      EXPECT_THAT(latest.EndReading(), IsOk());
      for (int i = told + 1; i < kStates; ++i) {
        const bool news = i > known && ShownOf(i) != Shown(latest);
        EXPECT_THAT(latest.Add(ChangeTo(i)), IsOkAndHolds(news));
      }
      EXPECT_EQ(Shown(latest), ShownOf(kStates - 1));
    }
  }
}

TEST(LatestEntries, KeyThatWentIsKnownForTheTwoPagesThatMayHaveIt) {
  Latest latest;
  latest.AddRead(Read("a", 1));
  latest.EndPage();
  ASSERT_THAT(latest.Add(Removed("k", 5)), IsOkAndHolds(false));
  for (int page = 0; page < 2; ++page) {
    latest.AddRead(Read("k", 4));
    EXPECT_THAT(Shown(latest), ElementsAre("a1"));
    latest.EndPage();
  }
  // It takes no memory any more, and no page has it.
  latest.AddRead(Read("k", 4));
  EXPECT_THAT(Shown(latest), ElementsAre("a1", "k4"));
}

TEST(LatestEntries, TableThatWentTakesWhatItHadAndNotWhatCameLater) {
  Latest latest;
  latest.AddRead(Read("a", 1));
  latest.AddRead(Read("b", 6));
  ASSERT_THAT(latest.Add(Set("c", 4)), IsOk());
  EXPECT_THAT(latest.Add(Told(ChangeKind::kTableGone, "", 5)),
              IsOkAndHolds(true));
  EXPECT_THAT(Shown(latest), ElementsAre("b6"));
  EXPECT_THAT(latest.Add(Told(ChangeKind::kTableGone, "", 5)),
              IsOkAndHolds(false));
  for (int page = 0; page < 5; ++page) latest.EndPage();
  latest.AddRead(Read("d", 2));
  latest.AddRead(Read("e", 7));
  EXPECT_THAT(Shown(latest), ElementsAre("b6", "e7"));
}

TEST(LatestEntries, AValueOfAnotherTypeIsToldIfItIsTheLatest) {
  Latest latest;
  latest.AddRead(Read("a", 1, ToValue("text")));
  latest.AddRead(Read("b", 1));
  EXPECT_THAT(latest.Add(Set("b", 2, ToValue("text"))),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key b")));
  latest.AddRead(Read("c", 1, ToValue("text")));
  ASSERT_THAT(latest.Add(Removed("c", 2)), IsOk());
  latest.AddRead(Read("d", 1, ToValue("text")));
  ASSERT_THAT(latest.Add(Told(ChangeKind::kTableGone, "", 2)), IsOk());
  ASSERT_THAT(latest.Add(Set("d", 3)), IsOk());
  for (int page = 0; page < 5; ++page) latest.EndPage();
  EXPECT_THAT(Shown(latest), ElementsAre("d3"));
  latest.AddRead(Read("b", 1));
  EXPECT_THAT(Shown(latest), ElementsAre("d3")) << "older than what is there";
  EXPECT_THAT(latest.EndReading(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key b")));
  EXPECT_THAT(latest.Add(Set("b", 4)), IsOkAndHolds(true));
}

TEST(LatestEntries, AfterTheReadingWhatWentIsForgottenAtOnce) {
  Latest latest;
  latest.AddRead(Read("a", 1));
  latest.EndPage();
  ASSERT_THAT(latest.EndReading(), IsOk());
  EXPECT_THAT(latest.Add(Removed("a", 2)), IsOkAndHolds(true));
  EXPECT_THAT(latest.Add(Removed("a", 3)), IsOkAndHolds(false));
  EXPECT_THAT(latest.entries(), IsEmpty());
  EXPECT_THAT(latest.Add(Set("a", 4)), IsOkAndHolds(true));
  EXPECT_THAT(latest.Add(Set("a", 4)), IsOkAndHolds(false));
  EXPECT_THAT(latest.Add(Told(ChangeKind::kExpired, "a", 5)),
              IsOkAndHolds(true));
}

}  // namespace
}  // namespace coffer
