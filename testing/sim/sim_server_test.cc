// Three clients and one server on a network that does its worst, by seed: every
// answered write is there in the end, and every call ends. Clients connect
// again and try again, with the same value: writes of one key go up, so that a
// write that took effect twice, or late, shows.
//
// The usual run makes a few seeds; for many:
//   bazel test --config=opt //testing/sim:sim_server_test
//     --test_filter=SimServerTest.EveryAnsweredWriteIsThere
//     --test_arg=--seeds=10000 --test_timeout=3600 --test_output=all
// and for one: --test_arg=--seed=N. With --runs_per_test, each run takes seeds
// of its own. docs/reliability.md has what came of it.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/sim/sim_nemesis.h"
#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using coffer::AnyClient;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kClients = 3;
constexpr int kWrites = 10;
constexpr seconds kCallTimeout(2);
// What is said of a server that forgets.
constexpr char kLost[] = "an answered write is lost: ";

// What a client knows of its one key.
struct Known {
  int64_t answered = 0;
  int64_t tried = 0;
  int dials = 0;
  int connects = 0;
  bool over = false;
};

class World {
 public:
  explicit World(uint64_t seed,
                 FakeServer::Data at_restart = FakeServer::Data::kKeep)
      : net_(time_, seed), at_restart_(at_restart) {
    Listen();
  }

  void Run() {
    for (int i = 0; i < kClients; ++i) {
      asio::co_spawn(time_.io(), Client(i), [this, i](std::exception_ptr e) {
        EXPECT_EQ(e, nullptr);
        known_[i].over = true;
      });
    }
    while (!Over() && nemesis_.steps() < 20) nemesis_.Step();
    nemesis_.Heal();
    EXPECT_TRUE(time_.RunUntil([this] { return Over(); }));
    Check();
  }

  uint64_t hash() const { return net_.TranscriptHash(); }
  int connects() const {
    int sum = 0;
    for (const Known& known : known_) sum += known.connects;
    return sum;
  }

 private:
  static std::string Host(int i) { return absl::StrCat("client", i); }

  void Listen() {
    net_.Listen("server", 1,
                [this](SimSocket socket) { fake_.Serve(std::move(socket)); });
  }

  bool Over() const {
    for (const Known& known : known_) {
      if (!known.over) return false;
    }
    return true;
  }

  awaitable<void> Client(int i) {
    Known& known = known_[i];
    const auto dialer = net_.MakeDialer(Host(i), "server:1");
    coffer::ConnectOptions options;
    options.clock = &time_.clock();
    options.timeout = kCallTimeout;
    std::optional<AnyClient> client;
    for (known.tried = 1; known.tried <= kWrites;) {
      if (!client) {
        // Of this connection, whose request ids begin anew, and the same in
        // every run of a seed: the transcript has a checksum of the bytes.
        options.stream.client_id = absl::StrCat(
            "client", i, "-", absl::Dec(++known.dials, absl::kZeroPad8));
        auto connected =
            co_await coffer::Connect(time_.get_executor(), *dialer, options);
        if (!connected.ok()) {
          co_await Pause();
          continue;
        }
        ++known.connects;
        client.emplace(*std::move(connected));
      }
      auto answer = co_await coffer::internal::WithinTimeout(
          &time_.clock(), kCallTimeout, "the write",
          Execute(*client, Host(i), known.tried));
      if (!answer.ok()) {
        client.reset();
        continue;
      }
      EXPECT_EQ(answer->status(), 200u) << answer->ShortDebugString();
      // The value before: of the last write that was answered, or of a try of
      // this one.
      const int64_t before =
          answer->values_size() == 0 ? 0 : answer->values(0).integer();
      EXPECT_TRUE(before == known.answered || before == known.tried)
          << kLost << Host(i) << " finds " << before << " after "
          << known.answered;
      known.answered = known.tried;
      ++known.tried;
      co_await Pause();
    }
  }

  static awaitable<absl::StatusOr<coffer::v1::CommandResponse>> Execute(
      AnyClient& client, std::string key, int64_t value) {
    co_return co_await client.Execute(coffer::MakeHset("t", key, value));
  }

  awaitable<void> Pause() {
    const auto timer = time_.clock().MakeTimer(time_.get_executor());
    co_await timer->AsyncWaitUntil(
        time_.Now() + milliseconds(50 + net_.Random(200)),
        asio::as_tuple(asio::use_awaitable));
  }

  void Check() {
    auto contents = fake_.Contents();
    for (int i = 0; i < kClients; ++i) {
      EXPECT_EQ(known_[i].answered, kWrites);
      EXPECT_EQ(contents["t"][Host(i)].integer(), kWrites)
          << kLost << "of " << Host(i);
    }
  }

  VirtualTime time_;
  SimNetwork net_;
  const FakeServer::Data at_restart_;
  FakeServer fake_{time_.get_executor()};
  Known known_[kClients];
  SimNemesis nemesis_{time_,
                      net_,
                      {Host(0), Host(1), Host(2)},
                      "server",
                      {.killed = [this] { fake_.Restart(at_restart_); },
                       .restarted = [this] { Listen(); }}};
};

TEST(SimServerTest, EveryAnsweredWriteIsThere) {
  const SimSeedRange seeds = SimSeeds(25);
  int connects = 0;
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(absl::StrCat("--seed=", seed));
    World world(seed);
    world.Run();
    connects += world.connects();
    if (HasFailure()) break;
  }
  std::cout << seeds.count << " seeds, " << connects << " connections\n";
  EXPECT_GT(connects, 0);
}

// A server that forgets what it has answered, when it is killed, is found out.
TEST(SimServerTest, FindsOutAServerThatForgets) {
  uint64_t found = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    internal::CapturedFailures captured;
    World(seed, FakeServer::Data::kLose).Run();
    bool lost = false;
    for (const auto& failure : captured.Get()) {
      lost |= absl::StrContains(failure.message, kLost);
    }
    found += lost ? 1 : 0;
  }
  EXPECT_GT(found, 2u) << "of 10 seeds";
}

TEST(SimServerTest, SameSeedSameRun) {
  World first(SimSeed()), second(SimSeed());
  first.Run();
  second.Run();
  EXPECT_EQ(first.hash(), second.hash());
}

}  // namespace
}  // namespace coffer_testing
