#include "coffer/server/session/run_pipeline.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "coffer/proto/requests.h"
#include "coffer/server/session/touched_keys.h"
#include "coffer/testing/sweep/exhaustive.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using v1::CommandRequest;
using Entry = RunPipeline::Entry;
using State = RunPipeline::State;

CommandRequest PublishRequest() {
  CommandRequest request;
  request.mutable_publish()->set_topic("t");
  return request;
}

CommandRequest PingRequest() {
  CommandRequest request;
  request.mutable_ping();
  return request;
}

// Whether `later` has to wait for `earlier`, asked both ways.
bool Waits(const CommandRequest& earlier, const CommandRequest& later,
           bool earlier_strict = false, bool later_strict = false) {
  TouchedKeys first;
  first.Add(earlier, earlier_strict);
  TouchedKeys second;
  second.Add(later, later_strict);
  EXPECT_EQ(first.Block(later, later_strict), first.Block(second));
  return first.Block(second);
}

TEST(TouchedKeys, RequestsOnOneKeyWaitForEachOther) {
  const std::vector<CommandRequest> on_a = {
      MakeHget("t", "a"),
      MakeHset("t", "a", 1),
      MakeHdel("t", "a"),
      MakeHexist("t", "a"),
      MakeHmget("t", {"x", "a"}),
      MakeHmset("t", {{"x", 1}, {"a", 2}}),
      MakeHmdel("t", {"x", "a"}),
      MakeHmexist("t", {"x", "a"}),
      MakeHgetall("t")};
  for (const CommandRequest& one : on_a) {
    for (const CommandRequest& other : on_a) {
      EXPECT_TRUE(Waits(one, other))
          << one.ShortDebugString() << " / " << other.ShortDebugString();
    }
    EXPECT_FALSE(Waits(one, MakeHget("t2", "a")));
    EXPECT_FALSE(Waits(one, MakeHgetall("t2")));
    EXPECT_FALSE(Waits(MakeHgetall("t2"), one));
    EXPECT_EQ(Waits(one, MakeHget("t", "b")), one.has_hgetall());
    EXPECT_FALSE(Waits(one, PingRequest()));
  }
  EXPECT_FALSE(Waits(MakeHget("ab", "c"), MakeHget("a", "bc")));
}

TEST(TouchedKeys, RequestsWithoutAnIdWaitAndAreWaitedFor) {
  const CommandRequest a = MakeHget("t", "a");
  const CommandRequest b = MakeHget("t", "b");
  EXPECT_FALSE(Waits(a, b));
  EXPECT_TRUE(Waits(a, b, /*earlier_strict=*/true));
  EXPECT_TRUE(Waits(a, b, false, /*later_strict=*/true));
}

TEST(TouchedKeys, PublishWaitsForAllBeforeItAndNobodyForIt) {
  const CommandRequest a = MakeHset("t", "a", 1);
  EXPECT_TRUE(Waits(a, PublishRequest()));
  EXPECT_FALSE(Waits(PublishRequest(), a));
  EXPECT_TRUE(Waits(PublishRequest(), PublishRequest()));
}

TEST(TouchedKeys, ClearedItBlocksNothing) {
  TouchedKeys keys;
  keys.Add(MakeHgetall("t"), /*strict=*/true);
  keys.Add(PublishRequest(), false);
  keys.Clear();
  EXPECT_FALSE(keys.Block(MakeHget("t", "a"), false));
}

RunPipeline::EntryPtr EntryOf(RunPipeline& pipeline,
                              const std::vector<CommandRequest>& requests) {
  RunPipeline::EntryPtr entry = pipeline.Take();
  for (const CommandRequest& request : requests) {
    entry->run.AddRequest() = request;
    entry->touched.Add(request, /*strict=*/false);
  }
  return entry;
}

CommandRequest WithId(CommandRequest request, std::uint64_t id) {
  request.set_request_id(id);
  return request;
}

TEST(RunPipeline, CancelTakesWhatIsNotStarted) {
  RunPipeline pipeline;
  const CommandRequest one = WithId(MakeHget("t", "a"), 1);
  const CommandRequest two = WithId(MakeHget("t", "a"), 2);
  const CommandRequest three = WithId(MakeHget("t", "b"), 3);
  Entry* executing = pipeline.Add(EntryOf(pipeline, {one}), State::kExecuting);
  Entry* waiting =
      pipeline.Add(EntryOf(pipeline, {two, three}), State::kWaiting);
  EXPECT_FALSE(pipeline.Cancel(1)) << "it has been started";
  EXPECT_FALSE(pipeline.Cancel(4));
  EXPECT_TRUE(pipeline.Cancel(2));
  EXPECT_EQ(executing->run.size(), 1u);
  EXPECT_FALSE(executing->run.cancelled(0));
  ASSERT_EQ(waiting->run.size(), 2u) << "it has an answer all the same";
  EXPECT_TRUE(waiting->run.cancelled(0));
  EXPECT_FALSE(waiting->run.cancelled(1));
  EXPECT_TRUE(pipeline.Cancel(3));
  EXPECT_TRUE(waiting->run.cancelled(1));
  pipeline.DropWaiting();
  EXPECT_EQ(pipeline.size(), 1u);
}

// Every order in which a few runs can finish: no two runs on one key are ever
// started at the same time or in the wrong order, and all are started.
TEST(RunPipeline, WhateverFinishesFirstKeysKeepTheirOrder) {
  const std::vector<CommandRequest> arrivals = {
      MakeHset("t", "a", 1), MakeHset("t", "b", 1), MakeHget("t", "a"),
      MakeHgetall("t"),      MakeHget("u", "a"),    PublishRequest(),
      MakeHset("t", "a", 2)};
  coffer_testing::Exhaustive g;
  int runs = 0;
  while (g.NextRun()) {
    ++runs;
    RunPipeline pipeline;
    std::vector<Entry*> entries;
    std::vector<Entry*> executing;
    std::vector<std::size_t> finished;
    for (const CommandRequest& request : arrivals) {
      entries.push_back(
          pipeline.Add(EntryOf(pipeline, {request}), State::kWaiting));
    }
    while (!pipeline.empty()) {
      while (Entry* next = pipeline.NextToStart()) {
        const auto started = static_cast<std::size_t>(
            std::find(entries.begin(), entries.end(), next) - entries.begin());
        for (std::size_t earlier = 0; earlier < started; ++earlier) {
          if (!Waits(arrivals[earlier], arrivals[started])) continue;
          EXPECT_EQ(std::count(finished.begin(), finished.end(), earlier), 1)
              << started << " has overtaken " << earlier;
        }
        next->state = State::kExecuting;
        executing.push_back(next);
      }
      ASSERT_FALSE(executing.empty()) << "nothing goes on";
      Entry* done = g.Take(executing);
      done->state = State::kDone;
      EXPECT_EQ(pipeline.NextDone(), done);
      finished.push_back(static_cast<std::size_t>(
          std::find(entries.begin(), entries.end(), done) - entries.begin()));
      pipeline.GiveBack(pipeline.Remove(done));
    }
    EXPECT_EQ(finished.size(), arrivals.size());
  }
  EXPECT_GT(runs, 10);
}

}  // namespace
}  // namespace coffer::server
