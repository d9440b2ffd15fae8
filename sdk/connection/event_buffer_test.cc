#include "coffer/sdk/connection/event_buffer.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

using ::testing::HasSubstr;

v1::CommandResponse Data(std::uint64_t sequence) {
  v1::CommandResponse message;
  message.set_status(200);
  message.add_values()->set_integer(static_cast<std::int64_t>(sequence));
  message.mutable_event()->set_sequence(sequence);
  return message;
}

v1::CommandResponse Gap(std::uint64_t sequence, std::uint64_t epoch) {
  v1::CommandResponse message;
  message.mutable_event()->set_sequence(sequence);
  message.mutable_event()->mutable_gap()->set_epoch(epoch);
  return message;
}

EventBuffer Begun(std::size_t events_max = 8) {
  EventBuffer buffer(events_max, 0, 0);
  buffer.Begin(7, 10);
  buffer.InitialCredit();
  return buffer;
}

void ExpectData(EventBuffer& buffer, std::uint64_t sequence) {
  const auto event = buffer.Take();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, Event::Kind::kData);
  EXPECT_EQ(event->sequence, sequence);
  ASSERT_EQ(event->data.size(), 1u);
  EXPECT_EQ(event->data[0].integer(), static_cast<std::int64_t>(sequence));
}

void ExpectGap(EventBuffer& buffer, std::uint64_t sequence, bool new_epoch) {
  const auto event = buffer.Take();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, Event::Kind::kGap);
  EXPECT_EQ(event->sequence, sequence);
  EXPECT_EQ(event->new_epoch, new_epoch);
}

TEST(EventBuffer, GivesWhatCameInOrder) {
  auto buffer = Begun();
  ASSERT_TRUE(buffer.Add(Data(11)).ok());
  ASSERT_TRUE(buffer.Add(Data(12)).ok());
  ExpectData(buffer, 11);
  ExpectData(buffer, 12);
  EXPECT_FALSE(buffer.Take().has_value());
  EXPECT_EQ(buffer.epoch(), 7u);
  EXPECT_EQ(buffer.sequence(), 12u);
}

TEST(EventBuffer, WhatComesTwiceIsDroppedWhatIsMissingIsTold) {
  auto buffer = Begun();
  ASSERT_TRUE(buffer.Add(Data(11)).ok());
  ASSERT_TRUE(buffer.Add(Data(11)).ok());
  ASSERT_TRUE(buffer.Add(Data(14)).ok());
  ExpectData(buffer, 11);
  ExpectGap(buffer, 13, false);
  ExpectData(buffer, 14);
  EXPECT_TRUE(buffer.empty());
}

TEST(EventBuffer, GapsOfTheServerAreTold) {
  auto buffer = Begun();
  ASSERT_TRUE(buffer.Add(Gap(20, 7)).ok());
  ASSERT_TRUE(buffer.Add(Data(21)).ok());
  ASSERT_TRUE(buffer.Add(Gap(3, 8)).ok());
  ASSERT_TRUE(buffer.Add(Gap(5, 8)).ok());
  ASSERT_TRUE(buffer.Add(Data(6)).ok());
  ExpectGap(buffer, 20, false);
  ExpectData(buffer, 21);
  ExpectGap(buffer, 5, true);
  ExpectData(buffer, 6);
  EXPECT_EQ(buffer.epoch(), 8u);
}

TEST(EventBuffer, OnlyTheFirstBeginningCounts) {
  auto buffer = Begun();
  ASSERT_TRUE(buffer.Add(Data(11)).ok());
  buffer.Begin(9, 99);
  EXPECT_EQ(buffer.epoch(), 7u);
  EXPECT_EQ(buffer.sequence(), 11u);
  EventBuffer resumed(4, 5, 50);
  resumed.Begin(6, 1);
  EXPECT_EQ(resumed.epoch(), 5u);
  EXPECT_EQ(resumed.sequence(), 50u);
}

TEST(EventBuffer, CreditIsWhatThereIsRoomFor) {
  EventBuffer buffer(4, 0, 0);
  buffer.Begin(1, 0);
  EXPECT_EQ(buffer.InitialCredit(), 4u);
  EXPECT_EQ(buffer.CreditToGrant(), 0u);
  for (std::uint64_t i = 1; i <= 4; ++i) ASSERT_TRUE(buffer.Add(Data(i)).ok());
  const absl::Status over = buffer.Add(Data(5));
  EXPECT_EQ(over.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(over.message()), HasSubstr("without credit"));
  buffer.Take();
  EXPECT_EQ(buffer.CreditToGrant(), 0u) << "not for one";
  buffer.Take();
  EXPECT_EQ(buffer.CreditToGrant(), 2u);
  EXPECT_EQ(buffer.CreditToGrant(), 0u) << "not twice";
  ASSERT_TRUE(buffer.Add(Data(5)).ok());
  // A new session knows of no credit.
  EXPECT_EQ(buffer.InitialCredit(), 1u);
}

TEST(EventBuffer, RoomForOneIsGrantedOneByOne) {
  EventBuffer buffer(1, 0, 0);
  buffer.Begin(1, 0);
  EXPECT_EQ(buffer.InitialCredit(), 1u);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(buffer.Add(Data(i)).ok());
    EXPECT_EQ(buffer.CreditToGrant(), 0u);
    ExpectData(buffer, i);
    EXPECT_EQ(buffer.CreditToGrant(), 1u);
  }
}

// Held events never exceed the room, whatever the server sends within its
// credit.
TEST(EventBuffer, NeverHoldsMoreThanItsRoom) {
  EventBuffer buffer(10, 0, 0);
  buffer.Begin(1, 0);
  std::uint64_t credit = buffer.InitialCredit();
  std::uint64_t sent = 0, held = 0;
  for (int i = 0; i < 1000; ++i) {
    for (; credit > 0; --credit, ++held) {
      ASSERT_TRUE(buffer.Add(Data(++sent)).ok());
    }
    ASSERT_LE(held, 10u);
    for (int n = i % 7; n > 0 && held > 0; --n, --held) {
      ASSERT_TRUE(buffer.Take().has_value());
    }
    credit += buffer.CreditToGrant();
  }
  EXPECT_GT(sent, 1000u);
}

// --- Of a table

v1::CommandResponse Changed(std::uint64_t sequence) {
  v1::CommandResponse message;
  message.set_status(200);
  message.mutable_event()->set_sequence(sequence);
  message.mutable_event()->mutable_change()->set_version(100 + sequence);
  return message;
}

v1::CommandResponse Bookmark(std::uint64_t sequence) {
  v1::CommandResponse message;
  message.set_status(200);
  message.mutable_event()->set_sequence(sequence);
  return message;
}

EventBuffer BegunWatch(std::size_t events_max = 8) {
  EventBuffer buffer(events_max, 0, 0, EventBuffer::Of::kTable);
  buffer.Begin(7, 10);
  buffer.InitialCredit();
  return buffer;
}

void ExpectChange(EventBuffer& buffer, std::uint64_t sequence) {
  const auto event = buffer.Take();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, Event::Kind::kChange);
  EXPECT_EQ(event->epoch, 7u);
  EXPECT_EQ(event->sequence, sequence);
  EXPECT_EQ(event->change.version(), 100 + sequence);
}

TEST(EventBufferOfATable, NumbersMayHaveHolesAndOnlyTheServerTellsOfGaps) {
  auto buffer = BegunWatch();
  ASSERT_TRUE(buffer.Add(Changed(13)).ok());
  ASSERT_TRUE(buffer.Add(Changed(13)).ok());
  ASSERT_TRUE(buffer.Add(Changed(20)).ok());
  ASSERT_TRUE(buffer.Add(Gap(30, 7)).ok());
  ASSERT_TRUE(buffer.Add(Changed(40)).ok());
  ExpectChange(buffer, 13);
  ExpectChange(buffer, 20);
  ExpectGap(buffer, 30, false);
  ExpectChange(buffer, 40);
  EXPECT_TRUE(buffer.empty());
}

TEST(EventBufferOfATable, WhatPassesMovesThePlaceAndNothingElse) {
  auto buffer = BegunWatch(1);
  for (std::uint64_t i = 11; i < 50; ++i) {
    ASSERT_TRUE(buffer.Add(Bookmark(i)).ok()) << "takes no credit";
  }
  ASSERT_TRUE(buffer.Add(Bookmark(30)).ok());
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.epoch(), 7u);
  EXPECT_EQ(buffer.sequence(), 49u) << "never back";
  ASSERT_TRUE(buffer.Add(Changed(50)).ok());
  ExpectChange(buffer, 50);
  EXPECT_EQ(buffer.CreditToGrant(), 1u);
}

TEST(EventBufferOfATable, GapsTakeNoCreditWhateverTheirReason) {
  auto buffer = BegunWatch(1);
  for (const auto reason :
       {v1::Gap::EVICTED, v1::Gap::OVERSIZE, v1::Gap::NEW_EPOCH}) {
    v1::CommandResponse gap = Gap(60, reason == v1::Gap::NEW_EPOCH ? 8 : 7);
    gap.mutable_event()->mutable_gap()->set_reason(reason);
    if (reason == v1::Gap::OVERSIZE) gap.mutable_event()->set_sequence(61);
    ASSERT_TRUE(buffer.Add(std::move(gap)).ok());
    if (reason == v1::Gap::EVICTED) {
      ExpectGap(buffer, 60, false);
    } else if (reason == v1::Gap::OVERSIZE) {
      ExpectGap(buffer, 61, false);
    }
  }
  ExpectGap(buffer, 60, true);
  EXPECT_EQ(buffer.epoch(), 8u);
  EXPECT_EQ(buffer.CreditToGrant(), 0u);
}

TEST(EventBufferOfATable, ChangesAreNotTakenWithoutCredit) {
  auto buffer = BegunWatch(2);
  ASSERT_TRUE(buffer.Add(Changed(11)).ok());
  ASSERT_TRUE(buffer.Add(Changed(12)).ok());
  EXPECT_EQ(buffer.Add(Changed(13)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(buffer.InitialCredit(), 0u);
}

// --- Where its user is

TEST(EventBuffer, PositionIsThatOfWhatWasTaken) {
  EventBuffer buffer(8, 0, 0, EventBuffer::Of::kTable);
  EXPECT_EQ(buffer.position(), (EventPosition{0, 0}));
  buffer.Begin(7, 10);
  buffer.InitialCredit();
  EXPECT_EQ(buffer.position(), (EventPosition{7, 10}));
  ASSERT_TRUE(buffer.Add(Changed(11)).ok());
  ASSERT_TRUE(buffer.Add(Changed(15)).ok());
  EXPECT_EQ(buffer.position(), (EventPosition{7, 10}));
  ASSERT_TRUE(buffer.Add(Bookmark(20)).ok());
  buffer.Take();
  EXPECT_EQ(buffer.position(), (EventPosition{7, 11}));
  buffer.Take();
  EXPECT_EQ(buffer.position(), (EventPosition{7, 20}))
      << "nothing is left before what passed";
  ASSERT_TRUE(buffer.Add(Gap(3, 8)).ok());
  EXPECT_EQ(buffer.position(), (EventPosition{7, 20}));
  buffer.Take();
  EXPECT_EQ(buffer.position(), (EventPosition{8, 3}));
}

TEST(EventBuffer, PositionOfOneThatGoesOnIsWhereItWas) {
  EventBuffer buffer(8, 5, 50);
  EXPECT_EQ(buffer.position(), (EventPosition{5, 50}));
  buffer.Begin(6, 1);
  EXPECT_EQ(buffer.position(), (EventPosition{5, 50}));
}

}  // namespace
}  // namespace coffer::internal
