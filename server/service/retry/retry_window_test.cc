#include "coffer/server/service/retry/retry_window.h"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace coffer::server {
namespace {

void Answer(RetryWindow& window, std::uint64_t id, bool retried = false) {
  RetryWindow::Entry& entry = window.Add(id);
  entry.retried = retried;
  entry.answer = std::to_string(id);
  window.SetAnswered(entry);
}

TEST(RetryWindow, WhatWasNeverAddedIsNotFound) {
  RetryWindow window(4, 0);
  EXPECT_EQ(window.Find(1), nullptr);
  Answer(window, 1);
  EXPECT_EQ(window.Find(2), nullptr);
  EXPECT_EQ(window.Find(0), nullptr);
}

TEST(RetryWindow, RunsThenHoldsItsAnswer) {
  RetryWindow window(4, 0);
  RetryWindow::Entry& added = window.Add(7);
  EXPECT_TRUE(added.running);
  EXPECT_EQ(window.Find(7), &added);
  added.answer = "seven";
  window.SetAnswered(added);
  EXPECT_FALSE(window.Find(7)->running);
  EXPECT_EQ(window.Find(7)->answer, "seven");
  EXPECT_EQ(window.answered(), 1u);
}

TEST(RetryWindow, OldestAnswerLeavesAndRaisesTheFloor) {
  RetryWindow window(3, 0);
  for (const std::uint64_t id : {5, 9, 6, 7}) Answer(window, id);
  EXPECT_EQ(window.Find(5), nullptr);
  EXPECT_EQ(window.floor(), 5u);
  EXPECT_NE(window.Find(9), nullptr);
  Answer(window, 8);
  EXPECT_EQ(window.Find(9), nullptr) << "by age, not by number";
  EXPECT_EQ(window.floor(), 9u);
  Answer(window, 10);  // takes 6
  EXPECT_EQ(window.floor(), 9u) << "never goes down";
  EXPECT_EQ(window.answered(), 3u);
}

TEST(RetryWindow, FloorBeginsWhereItIsTold) {
  RetryWindow window(3, 41);
  EXPECT_EQ(window.floor(), 41u);
  EXPECT_EQ(window.retried_floor(), 0u);
}

TEST(RetryWindow, OnlyRetriedOnesRaiseTheFloorOfFirstAttempts) {
  RetryWindow window(1, 0);
  Answer(window, 10);
  Answer(window, 4, true);
  EXPECT_EQ(window.retried_floor(), 0u);
  Answer(window, 20);
  EXPECT_EQ(window.retried_floor(), 4u);
  EXPECT_EQ(window.floor(), 10u);
  Answer(window, 21);
  EXPECT_EQ(window.retried_floor(), 4u);
  EXPECT_EQ(window.floor(), 20u);
}

TEST(RetryWindow, RunningOnesNeverLeave) {
  RetryWindow window(2, 0);
  for (std::uint64_t id = 1; id <= 100; ++id) window.Add(id);
  for (std::uint64_t id = 101; id <= 200; ++id) Answer(window, id);
  window.DropOlderHalf();
  for (std::uint64_t id = 1; id <= 100; ++id) {
    ASSERT_NE(window.Find(id), nullptr) << id;
    EXPECT_TRUE(window.Find(id)->running);
  }
  EXPECT_EQ(window.Find(199), nullptr);
  EXPECT_NE(window.Find(200), nullptr);
}

TEST(RetryWindow, RemovedOneIsForgottenAndTheFloorStays) {
  RetryWindow window(2, 0);
  window.Remove(window.Add(3));
  EXPECT_EQ(window.Find(3), nullptr);
  EXPECT_EQ(window.floor(), 0u);
  window.Add(3);
  EXPECT_NE(window.Find(3), nullptr);
}

TEST(RetryWindow, DropsTheOlderHalfAndGivesItsMemoryBack) {
  RetryWindow window(1000, 0);
  for (std::uint64_t id = 1; id <= 1000; ++id) {
    RetryWindow::Entry& entry = window.Add(id);
    entry.answer.assign(1000, 'x');
    window.SetAnswered(entry);
  }
  const std::size_t full = window.bytes();
  EXPECT_GT(full, 1000u * 1000u);
  window.DropOlderHalf();
  EXPECT_LT(window.bytes(), full * 6 / 10);
  EXPECT_EQ(window.answered(), 500u);
  EXPECT_EQ(window.Find(500), nullptr);
  EXPECT_EQ(window.Find(501)->answer, std::string(1000, 'x'));
  EXPECT_EQ(window.floor(), 500u);
  while (window.answered() > 0) window.DropOlderHalf();
  EXPECT_EQ(window.floor(), 1000u);
  EXPECT_EQ(window.bytes(), 0u);
  Answer(window, 2000);  // and goes on
  EXPECT_EQ(window.Find(2000)->answer, "2000");
}

TEST(RetryWindow, SteadySizeTakesNoMoreMemory) {
  RetryWindow window(50, 0);
  for (std::uint64_t id = 1; id <= 100; ++id) Answer(window, id);
  const std::size_t bytes = window.bytes();
  for (std::uint64_t id = 101; id <= 5000; ++id) Answer(window, id);
  EXPECT_EQ(window.bytes(), bytes);
}

// Against a model: ids out of order, some removed, some running for long.
TEST(RetryWindow, BehavesAsAMapWhateverTheOrder) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    RetryWindow window(16, 0);
    std::map<std::uint64_t, bool> model;  // running?
    std::vector<std::uint64_t> ages;      // of the answered ones
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t id = random() % 200 * 0x100000001;
      RetryWindow::Entry* const found = window.Find(id);
      ASSERT_EQ(found != nullptr, model.count(id) == 1) << seed << " " << step;
      if (found == nullptr) {
        if (id == 0 || model.size() > 60) continue;
        window.Add(id);
        model[id] = true;
      } else if (found->running && random() % 4 == 0) {
        window.Remove(*found);
        model.erase(id);
      } else if (found->running) {
        found->answer = std::to_string(id);
        window.SetAnswered(*found);
        model[id] = false;
        ages.push_back(id);
      } else {
        ASSERT_EQ(found->answer, std::to_string(id));
      }
      if (step % 500 == 499) {
        window.DropOlderHalf();
        for (std::size_t n = (ages.size() + 1) / 2; n > 0; --n) {
          model.erase(ages.front());
          ages.erase(ages.begin());
        }
      }
      if (ages.size() > 16) {
        model.erase(ages.front());
        ages.erase(ages.begin());
      }
      ASSERT_EQ(window.answered(), ages.size());
    }
  }
}

}  // namespace
}  // namespace coffer::server
