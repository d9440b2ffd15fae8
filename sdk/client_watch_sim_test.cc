// Clients that change a table in every way, and mirrors that follow it, on a
// network that does its worst, with a server that is killed and comes back with
// its connections lost, with its data kept or with all lost, by seed. No key
// of a mirror goes back to an earlier version; and when all is whole again,
// each mirror is what the server has.
//
// The usual run makes a few seeds; for many:
//   bazel test --config=opt //sdk:client_watch_sim_test
//     --test_filter=ClientWatchSimTest.MirrorsBecomeTheTable
//     --test_arg=--seeds=10000 --test_timeout=3600 --test_output=all
// and for one: --test_arg=--seed=N. docs/reliability.md has what came of it.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/client_sim_util.h"
#include "coffer/sdk/table_mirror.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/sim/sim_network.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using coffer_testing::FakeServer;
using coffer_testing::SimSeed;
using coffer_testing::SimSeedRange;
using coffer_testing::SimSeeds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kWriters = 2;  // the last client has the mirrors
constexpr int kWrites = 60;
constexpr int kKeys = 8;

using Mirror = TableMirror<std::int64_t>;
using Table = std::map<std::string, std::int64_t>;

class World final : public SimWorld {
 public:
  World(std::uint64_t seed, bool durable)
      : SimWorld(seed, durable, [](int, ConnectionOptions& options) {
          options.call_timeout = seconds(4);
        }) {
    // Of all, of few at a time, and of some keys.
    AddMirror("", 64);
    AddMirror("", 1);
    AddMirror("key1", 64);
  }

  void Run() {
    for (int i = 0; i < kWriters; ++i) {
      Start([this, i] { return Writer(i); });
    }
    for (const auto& mirror : mirrors_) {
      // Ends with its client, not by itself.
      asio::co_spawn(time().io(), Follow(mirror.get()),
                     [](std::exception_ptr) {});
    }
    Trouble();
    // What stays as it is after a time of peace has nothing left to come.
    time().RunFor(seconds(60));
    CheckMirrors();
    // And it still follows.
    SetInPeace();
    time().RunFor(seconds(5));
    CheckMirrors();
    // The mirrors keep their client.
    clients().back().Close([](const absl::Status&) {});
    EndClients();
    for (const auto& mirror : mirrors_) EXPECT_TRUE(mirror->ended);
  }

  int changes() const { return changes_; }
  int readings() const { return readings_; }

 private:
  struct Followed {
    std::string prefix;
    std::unique_ptr<Mirror> mirror;
    std::map<std::string, std::uint64_t> versions;  // that it has had
    bool ended = false;
  };

  void AddMirror(const std::string& prefix, std::size_t events_max) {
    MirrorOptions options;
    options.prefix = prefix;
    options.events_max = events_max;
    auto followed = std::make_unique<Followed>();
    followed->prefix = prefix;
    followed->mirror = std::make_unique<Mirror>(clients().back(), "t", options);
    mirrors_.push_back(std::move(followed));
  }

  void ServerKilled() override {
    const FakeServer::Data kinds[] = {FakeServer::Data::kKeep,
                                      FakeServer::Data::kKeepStored,
                                      FakeServer::Data::kLose};
    fake().Restart(kinds[net().Random(3)]);
  }

  // What becomes of a call does not matter here.
  awaitable<void> Write(Client client, std::int64_t value) {
    const std::string key = absl::StrCat("key", net().Random(kKeys) + 8);
    const int what = static_cast<int>(net().Random(20));
    if (what == 0) {
      (co_await client.DropTable("t")).status().IgnoreError();
    } else if (what == 1) {
      // And back, if nobody makes another one meanwhile.
      (co_await client.RenameTable("t", "other")).status().IgnoreError();
      co_await Pause(milliseconds(net().Random(10)));
      (co_await client.RenameTable("other", "t")).status().IgnoreError();
    } else if (what == 2) {
      (co_await client.RenameTable("other", "t")).status().IgnoreError();
    } else if (what < 7) {
      (co_await client.Delete("t", key)).IgnoreError();
    } else if (what < 10) {
      const std::map<std::string, std::int64_t> pairs = {{key, value},
                                                         {"key1", value}};
      (co_await client.MultiSet("t", pairs)).IgnoreError();
    } else if (what < 13) {
      (co_await client.Increment("t", key, 1000000)).status().IgnoreError();
    } else {
      (co_await client.Set("t", key, value)).IgnoreError();
    }
  }

  awaitable<void> Writer(int i) {
    for (std::int64_t value = 1; value <= kWrites; ++value) {
      co_await Write(clients()[i], value * kWriters + i);
      co_await Pause(milliseconds(20 + net().Random(150)));
    }
  }

  awaitable<void> Follow(Followed* followed) {
    for (;;) {
      auto change = co_await followed->mirror->Next();
      if (absl::IsCancelled(change.status())) break;
      EXPECT_FALSE(absl::IsInvalidArgument(change.status())) << change.status();
      if (change.ok()) CheckChange(*change, *followed);
    }
    followed->ended = true;
  }

  // No key goes back.
  void CheckChange(const Change<std::int64_t>& change, Followed& followed) {
    if (change.kind == ChangeKind::kGap) {
      ++readings_;
      followed.versions.clear();
      for (const auto& [key, entry] : followed.mirror->entries()) {
        followed.versions[key] = entry.version;
      }
      return;
    }
    ++changes_;
    if (change.key.empty()) return;
    EXPECT_GT(change.version, followed.versions[change.key]) << change.key;
    followed.versions[change.key] = change.version;
  }

  void SetInPeace() {
    int left = 2;
    for (const char* key : {"key1", "key9"}) {
      clients()[0].Set("t", key, 7777, [&left](const absl::Status& status) {
        EXPECT_TRUE(status.ok()) << status;
        --left;
      });
    }
    EXPECT_TRUE(time().RunUntil([&] { return left == 0; }));
  }

  void CheckMirrors() {
    Table there;
    const FakeServer::Tables tables = fake().Contents();
    const auto table = tables.find("t");
    if (table != tables.end()) {
      for (const auto& [key, value] : table->second) {
        there[key] = value.integer();
      }
    }
    for (const auto& followed : mirrors_) {
      Table expected, got;
      for (const auto& [key, value] : there) {
        if (absl::StartsWith(key, followed->prefix)) expected[key] = value;
      }
      for (const auto& [key, entry] : followed->mirror->entries()) {
        got[key] = entry.value.value_or(-1);
      }
      EXPECT_EQ(got, expected) << "of keys with " << followed->prefix;
    }
  }

  std::vector<std::unique_ptr<Followed>> mirrors_;
  int changes_ = 0;
  int readings_ = 0;
};

TEST(ClientWatchSimTest, MirrorsBecomeTheTable) {
  const SimSeedRange seeds = SimSeeds(20);
  int changes = 0, readings = 0;
  for (std::uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(absl::StrCat("--seed=", seed));
    World world(seed, seed % 2 == 0);
    world.Run();
    changes += world.changes();
    readings += world.readings();
    if (HasFailure()) break;
  }
  std::cout << seeds.count << " seeds, " << changes << " changes applied, "
            << readings << " times the table was read\n";
  if (seeds.count >= 20) {
    EXPECT_GT(changes, 1000);
    EXPECT_GT(readings, 3 * 20);
  }
}

TEST(ClientWatchSimTest, SameSeedSameRun) {
  World first(SimSeed(), false), second(SimSeed(), false);
  first.Run();
  second.Run();
  EXPECT_EQ(first.hash(), second.hash());
}

}  // namespace
}  // namespace coffer
