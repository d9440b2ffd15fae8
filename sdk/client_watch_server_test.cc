// Watchers of a client of a FakeServer, on virtual time.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/table_mirror.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::FakeServer;
using coffer_testing::IsOk;
using coffer_testing::ManualClock;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;
using ::testing::HasSubstr;
using ::testing::ResultOf;

using IntWatcher = Watcher<std::int64_t>;
using IntChange = Change<std::int64_t>;

bool IsScan(const CommandRequest& request) { return request.has_scan(); }

class ClientWatchServerTest : public ClientFixture {
 protected:
  absl::StatusOr<IntWatcher> Watch(
      Client& client, SubscribeOptions options = SubscribeOptions()) {
    return Wait<absl::StatusOr<IntWatcher>>([&](auto handler) {
      client.Watch<std::int64_t>("t", options, std::move(handler));
    });
  }
  absl::StatusOr<IntWatcher> WatchPrefix(
      Client& client, const std::string& prefix,
      SubscribeOptions options = SubscribeOptions()) {
    return Wait<absl::StatusOr<IntWatcher>>([&](auto handler) {
      client.WatchPrefix<std::int64_t>("t", prefix, options,
                                       std::move(handler));
    });
  }

  absl::StatusOr<IntChange> Next(IntWatcher& watcher) {
    return Wait<absl::StatusOr<IntChange>>(
        [&](auto handler) { watcher.Next(std::move(handler)); });
  }

  void ExpectSet(IntWatcher& watcher, const std::string& key,
                 std::int64_t value) {
    const auto change = Next(watcher);
    ASSERT_THAT(change, IsOk());
    ASSERT_EQ(change->kind, ChangeKind::kSet);
    EXPECT_EQ(change->key, key);
    EXPECT_EQ(change->value, value);
  }
  void ExpectKind(IntWatcher& watcher, ChangeKind kind,
                  const std::string& key) {
    const auto change = Next(watcher);
    ASSERT_THAT(change, IsOk());
    EXPECT_EQ(change->kind, kind);
    EXPECT_EQ(change->key, key);
  }

  void Do(CommandRequest request, Client& client) {
    const auto answer =
        Wait<absl::StatusOr<CommandResponse>>([&](auto handler) {
          client.Execute(std::move(request), std::move(handler));
        });
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->status(), 200u) << answer->ShortDebugString();
  }
};

TEST_F(ClientWatchServerTest, TableKeyAndPrefixAreToldOfWhatIsTheirs) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "before", 1), IsOk());
  auto all = Watch(client);
  auto key = Wait<absl::StatusOr<IntWatcher>>([&](auto handler) {
    client.WatchKey<std::int64_t>("t", "a/1", SubscribeOptions(),
                                  std::move(handler));
  });
  auto prefix = WatchPrefix(client, "a/");
  ASSERT_THAT(all, IsOk());
  ASSERT_THAT(key, IsOk());
  ASSERT_THAT(prefix, IsOk());
  ASSERT_THAT(Set(client, "b", 2), IsOk());
  ASSERT_THAT(Set(client, "a/1", 3), IsOk());
  ASSERT_THAT(Set(client, "a/2", 4), IsOk());
  Do(MakeHdel("t", "a/1"), client);
  Do(MakeRenameTable("t", "u"), client);
  Do(MakeRenameTable("u", "t"), client);

  ExpectSet(*all, "b", 2);
  ExpectSet(*all, "a/1", 3);
  ExpectSet(*all, "a/2", 4);
  ExpectKind(*all, ChangeKind::kRemoved, "a/1");
  ExpectSet(*key, "a/1", 3);
  ExpectKind(*key, ChangeKind::kRemoved, "a/1");
  ExpectSet(*prefix, "a/1", 3);
  ExpectSet(*prefix, "a/2", 4);
  ExpectKind(*prefix, ChangeKind::kRemoved, "a/1");
  for (IntWatcher* watcher : {&*all, &*key, &*prefix}) {
    ExpectKind(*watcher, ChangeKind::kTableGone, "");
    ExpectKind(*watcher, ChangeKind::kTableCame, "");
  }
}

TEST_F(ClientWatchServerTest, VersionsAreThoseOfReads) {
  Client client = Connect(Options());
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  const auto read = Wait<absl::StatusOr<KeyState>>(
      [&](auto handler) { client.Read("t", "k", std::move(handler)); });
  ASSERT_THAT(read, IsOk());
  const auto change = Next(*watcher);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->version, read->version);
  Do(MakeHdel("t", "k"), client);
  const auto removed = Next(*watcher);
  ASSERT_THAT(removed, IsOk());
  EXPECT_GT(removed->version, read->version);
}

TEST_F(ClientWatchServerTest, GoesOnAfterTheConnectionIsLost) {
  Client watching = Connect(Options());
  Client writing = Connect(Options());
  auto watcher = Watch(watching);
  ASSERT_THAT(watcher, IsOk());
  ASSERT_THAT(Set(writing, "k", 1), IsOk());
  ExpectSet(*watcher, "k", 1);
  for (int i = 2; i < 20; ++i) {
    fake_.DropConnections();
    ASSERT_THAT(Set(writing, "k", i), IsOk());
    ExpectSet(*watcher, "k", i);
  }
}

TEST_F(ClientWatchServerTest, ServerThatForgotIsTold) {
  Client client = Connect(Options());
  auto watcher = Watch(client);
  ASSERT_THAT(watcher, IsOk());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  ExpectSet(*watcher, "k", 1);
  fake_.Restart(FakeServer::Data::kKeepStored);
  const auto gap = Next(*watcher);
  ASSERT_THAT(gap, IsOk());
  EXPECT_EQ(gap->kind, ChangeKind::kGap);
  EXPECT_TRUE(gap->new_epoch);
  ASSERT_THAT(Set(client, "k", 2), IsOk());
  ExpectSet(*watcher, "k", 2);
}

TEST_F(ClientWatchServerTest, GoesOnWhereAnEarlierOneWas) {
  Client client = Connect(Options());
  EventPosition place;
  {
    auto watcher = Watch(client);
    ASSERT_THAT(watcher, IsOk());
    ASSERT_THAT(Set(client, "k", 1), IsOk());
    ExpectSet(*watcher, "k", 1);
    place = watcher->position();
  }
  ASSERT_THAT(Set(client, "k", 2), IsOk());
  SubscribeOptions resume;
  resume.GoOnAfter(place);
  auto watcher = Watch(client, resume);
  ASSERT_THAT(watcher, IsOk());
  ExpectSet(*watcher, "k", 2);
}

// More of other keys than the server keeps: the place has passed them.
TEST_F(ClientWatchServerTest, PrefixGoesOnThoughOthersPushedAllOut) {
  Client client = Connect(Options());
  auto watcher = WatchPrefix(client, "mine/");
  ASSERT_THAT(watcher, IsOk());
  const EventPosition start = watcher->position();
  for (int i = 0; i < 3000; ++i) {
    ASSERT_THAT(Set(client, absl::StrCat("theirs", i % 7), i), IsOk());
  }
  const EventPosition place = watcher->position();
  EXPECT_EQ(place.epoch, start.epoch);
  EXPECT_GT(place.sequence, start.sequence + 1000);
  SubscribeOptions resume;
  resume.GoOnAfter(place);
  auto another = WatchPrefix(client, "mine/", resume);
  ASSERT_THAT(another, IsOk());
  fake_.DropConnections();
  ASSERT_THAT(Set(client, "mine/k", 1), IsOk());
  ExpectSet(*watcher, "mine/k", 1);
  ExpectSet(*another, "mine/k", 1);
}

TEST_F(ClientWatchServerTest, SlowOneStallsNobodyAndIsToldOfTheGap) {
  Client client = Connect(Options());
  SubscribeOptions slow;
  slow.events_max = 4;
  auto watcher = Watch(client, slow);
  ASSERT_THAT(watcher, IsOk());
  const int written = 3000;  // more than the server keeps
  for (int i = 1; i <= written; ++i) {
    ASSERT_THAT(Set(client, "k", i), IsOk());
  }
  std::int64_t last = 0;
  int gaps = 0;
  bool may_miss = false;
  while (last < written) {
    const auto change = Next(*watcher);
    ASSERT_THAT(change, IsOk());
    if (change->kind == ChangeKind::kGap) {
      ++gaps;
      may_miss = true;
      continue;
    }
    ASSERT_TRUE(change->value.has_value());
    if (may_miss) {
      ASSERT_GT(*change->value, last);
    } else {
      ASSERT_EQ(*change->value, last + 1) << "neither given nor told of";
    }
    last = *change->value;
    may_miss = false;
  }
  EXPECT_EQ(gaps, 1);
}

TEST_F(ClientWatchServerTest, MirrorReadsOnceThoughMoreChangesThanAreKept) {
  Client client = Connect(Options());
  Client writing = Connect(Options());
  ASSERT_THAT(Set(writing, "k0", 0), IsOk());
  MirrorOptions little;
  little.events_max = 1;
  TableMirror<std::int64_t> mirror(client, "t", little);
  using Given = TableMirror<std::int64_t>::Result;
  const auto next = [&](auto handler) {
    internal::Spawn<Given>(
        time_.get_executor(), [&] { return mirror.Next(); },
        std::move(handler));
  };
  fake_.DelayNext(std::chrono::seconds(5), ResultOf(IsScan, true));
  std::optional<Given> read;
  next([&](Given given) { read = std::move(given); });
  time_.RunFor(std::chrono::seconds(1));
  const int written = 1500;  // more than the server keeps
  for (int i = 1; i <= written; ++i) {
    ASSERT_THAT(Set(writing, absl::StrCat("k", i % 7), i), IsOk());
    time_.RunReady();
  }
  EXPECT_FALSE(read.has_value());
  time_.RunFor(std::chrono::seconds(5));
  ASSERT_TRUE(read.has_value());
  ASSERT_THAT(*read, IsOk());
  EXPECT_EQ((*read)->kind, ChangeKind::kGap);
  const std::map<std::string, Value> table = fake_.Contents()["t"];
  ASSERT_EQ(mirror.entries().size(), table.size());
  for (const auto& [key, entry] : mirror.entries()) {
    EXPECT_EQ(entry.value, table.at(key).integer()) << key;
  }
  // And it follows: it is not behind.
  ASSERT_THAT(Set(writing, "k0", 5000), IsOk());
  const auto change = Wait<Given>(next);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->kind, ChangeKind::kSet);
  EXPECT_EQ(change->value, 5000);
  int scans = 0;
  for (const FakeServer::Call& call : fake_.Calls()) {
    if (IsScan(call.request)) ++scans;
  }
  EXPECT_EQ(scans, 1);
}

TEST_F(ClientWatchServerTest, SlowOneIsDisconnectedIfItChose) {
  Client client = Connect(Options());
  SubscribeOptions slow;
  slow.events_max = 2;
  slow.slow_policy = SubscribeOptions::SlowPolicy::kDisconnect;
  auto watcher = Watch(client, slow);
  ASSERT_THAT(watcher, IsOk());
  for (int i = 1; i <= 3000; ++i) ASSERT_THAT(Set(client, "k", i), IsOk());
  ExpectSet(*watcher, "k", 1);
  ExpectSet(*watcher, "k", 2);
  absl::StatusOr<IntChange> end = Next(*watcher);
  while (end.ok()) end = Next(*watcher);
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kResourceExhausted,
                            HasSubstr("fell behind")));
}

// What is larger than this client takes is not in the way of what follows.
TEST_F(ClientWatchServerTest, ChangeOverTheClientsLimitIsAGap) {
  ConnectionOptions small = Options();
  small.hello.limits.frame_bytes_max = 2000;
  small.hello.limits.uncompressed_bytes_max = 2000;
  Client watching = Connect(small);
  Client writing = Connect(Options());
  auto watcher = Watch(watching);
  ASSERT_THAT(watcher, IsOk());
  Do(MakeHset("t", "large", std::string(5000, 'x')), writing);
  ASSERT_THAT(Set(writing, "k", 1), IsOk());
  const auto gap = Next(*watcher);
  ASSERT_THAT(gap, IsOk());
  EXPECT_EQ(gap->kind, ChangeKind::kGap);
  EXPECT_FALSE(gap->new_epoch);
  ExpectSet(*watcher, "k", 1);
}

TEST_F(ClientWatchServerTest, OlderServerHasNone) {
  ConnectionOptions options = Options();
  options.say_hello = false;
  Client client = Connect(options);
  EXPECT_THAT(Watch(client), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
}

TEST_F(ClientWatchServerTest, DestroyedItIsClosedAtTheServer) {
  Client client = Connect(Options());
  for (int i = 0; i < 1500; ++i) {  // more than one connection may have
    ASSERT_THAT(Watch(client), IsOk()) << i;
  }
}

// As ClientAndContextTest: a mirror that a coroutine keeps is being read when
// the context goes.
TEST(MirrorAndContextTest, GoTogether) {
  std::weak_ptr<int> left;
  {
    ManualClock clock;  // of the sessions, too, which go with the context
    asio::io_context io;
    VirtualTime time(io, clock);
    FakeServer fake(time.get_executor(),
                    {.clock = &clock, .pipe = {.fail_if_abandoned = false}});
    ConnectionOptions options;
    options.clock = &clock;
    Client client(MakeConnection(time.get_executor(), DialerOf(fake), options));
    auto kept = std::make_shared<int>();
    left = kept;
    const auto follow = [](Client mine,
                           std::shared_ptr<int>) -> asio::awaitable<void> {
      TableMirror<std::int64_t> mirror(std::move(mine), "t");
      (co_await mirror.Next()).status().IgnoreError();
      ADD_FAILURE() << "completed";
    };
    fake.DelayNext(std::chrono::seconds(5), ResultOf(IsScan, true));
    asio::co_spawn(io, follow(std::move(client), std::move(kept)),
                   asio::detached);
    time.RunFor(std::chrono::seconds(1));
    EXPECT_TRUE(IsScan(fake.Calls().back().request));
    EXPECT_FALSE(left.expired());
  }
  EXPECT_TRUE(left.expired());
}

}  // namespace
}  // namespace coffer
