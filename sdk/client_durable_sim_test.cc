// Three clients and one server with a durable engine, which is killed and
// started again with its data, on a network that does its worst, by seed. The
// clients add to one number and send again until they know: each addition is
// applied exactly once, whatever was lost with the server.
//
// The usual run makes a few seeds; for many:
//   bazel test --config=opt //sdk:client_durable_sim_test
//     --test_filter=ClientDurableSimTest.EachIncrementIsAppliedOnce
//     --test_arg=--seeds=10000 --test_timeout=3600 --test_output=all
// and for one: --test_arg=--seed=N. docs/reliability.md has what came of it.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/client_sim_util.h"
#include "coffer/sdk/status/outcome.h"
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

constexpr int kIncrements = 15;

class World final : public SimWorld {
 public:
  explicit World(std::uint64_t seed)
      : SimWorld(seed, /*durable=*/true, [](int, ConnectionOptions& options) {
          // Longer than all the trouble: what is not known then is never known.
          options.call_timeout = std::chrono::hours(1);
        }) {}

  void Run() {
    for (int i = 0; i < kClients; ++i) {
      Start([this, i] { return Increment(i); });
    }
    Trouble();
    EXPECT_EQ(sums_.size(), std::size_t{kClients * kIncrements});
    EXPECT_EQ(fake().Contents()["t"]["n"].integer(), kClients * kIncrements);
    EndClients();
  }

  int restarts() const { return restarts_; }

 private:
  void ServerKilled() override {
    ++restarts_;
    fake().Restart(FakeServer::Data::kKeepStored);
  }

  awaitable<void> Increment(int i) {
    Client client = clients()[i];
    std::int64_t last = 0;
    for (int n = 0; n < kIncrements; ++n) {
      auto answer = co_await client.Execute(MakeIncrement("t", "n", 1));
      EXPECT_TRUE(answer.ok()) << answer.status();
      if (!answer.ok()) co_return;
      EXPECT_EQ(answer->status(), 200u) << answer->ShortDebugString();
      EXPECT_EQ(answer->states_size(), 1);
      const std::int64_t sum = answer->states(0).value().integer();
      EXPECT_GT(sum, last) << Host(i) << " has gone back";
      EXPECT_TRUE(sums_.insert(sum).second) << sum << " was given twice";
      last = sum;
      co_await Pause(milliseconds(20 + net().Random(200)));
    }
  }

  int restarts_ = 0;
  std::set<std::int64_t> sums_;
};

TEST(ClientDurableSimTest, EachIncrementIsAppliedOnce) {
  const SimSeedRange seeds = SimSeeds(20);
  int retried = 0, restarts = 0;
  for (std::uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(absl::StrCat("--seed=", seed));
    World world(seed);
    world.Run();
    retried += world.retried();
    restarts += world.restarts();
    if (HasFailure()) break;
  }
  std::cout << seeds.count << " seeds, " << restarts << " restarts, " << retried
            << " calls sent again\n";
  if (seeds.count >= 20) {
    EXPECT_GT(retried, 0);
    EXPECT_GT(restarts, 0);
  }
}

TEST(ClientDurableSimTest, SameSeedSameRun) {
  World first(SimSeed()), second(SimSeed());
  first.Run();
  second.Run();
  EXPECT_EQ(first.hash(), second.hash());
}

}  // namespace
}  // namespace coffer
