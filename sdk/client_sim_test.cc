// Three clients and one server that keeps its data and forgets the rest when it
// is killed, on a network that does its worst, by seed. What is checked:
//   - every call completes once, by its deadline;
//   - no answer reaches another caller: each reads values of its own key only;
//   - a write is applied at most once, however often it was sent: no writer
//     finds its own value where the one before should be, and none comes back
//     after a later one;
//   - calls of one connection on one key take effect in the order of the calls;
//   - a subscriber sees what was published once and in order, or a gap.
//
// The usual run makes a few seeds; for many:
//   bazel test --config=opt //sdk:client_sim_test
//     --test_filter=ClientSimTest.KeepsItsPromises
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
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using coffer_testing::FakeServer;
using coffer_testing::ReplayFlag;
using coffer_testing::SimNetwork;
using coffer_testing::SimSeed;
using coffer_testing::SimSocket;
using coffer_testing::VirtualTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kClients = 3;
constexpr int kWrites = 12;
constexpr int kBursts = 4;
constexpr int kBurst = 5;
constexpr seconds kCallTimeout(4);

class World {
 public:
  explicit World(std::uint64_t seed) : net_(time_, seed) {
    Listen();
    for (int i = 0; i < kClients; ++i) {
      dialers_.push_back(net_.MakeDialer(Host(i), "server:1"));
      clients_.emplace_back(
          MakeConnection(time_.get_executor(), dialers_.back(), Options(seed)));
    }
  }

  void Run() {
    for (int i = 0; i < kClients; ++i) {
      Start([this, i] { return Writer(i); });
      Start([this, i] { return Bursts(i); });
    }
    Start([this] { return Publisher(); });
    // Ends with its subscription, not by itself.
    asio::co_spawn(time_.io(), Subscriber(), [](std::exception_ptr) {});
    while (running_ > 0 && trouble_ < 30) Trouble();
    Heal();
    EXPECT_TRUE(time_.RunUntil([this] { return running_ == 0; }));
    time_.RunFor(seconds(30));
    CheckEvents();
    clients_.clear();
    time_.RunFor(seconds(5));
  }

  std::uint64_t hash() const { return net_.TranscriptHash(); }
  int retried() const {
    int retried = 0;
    for (const auto& call : fake_.Calls()) {
      if (call.request.attempt() > 0) ++retried;
    }
    return retried;
  }
  int gaps() const { return gaps_; }

 private:
  static std::string Host(int i) { return absl::StrCat("client", i); }

  ConnectionOptions Options(std::uint64_t seed) {
    ConnectionOptions options;
    options.clock = &time_.clock();
    options.seed = seed;
    options.client_id = absl::StrCat("client of 16 b", 10 + clients_.size());
    options.call_timeout = kCallTimeout;
    options.connect_timeout = seconds(1);
    options.ping_interval = seconds(1);
    options.retry = std::make_shared<UntilDeadline>();
    return options;
  }

  template <class Body>
  void Start(Body body) {
    ++running_;
    asio::co_spawn(time_.io(), body(), [this](std::exception_ptr thrown) {
      EXPECT_EQ(thrown, nullptr);
      --running_;
    });
  }

  void Listen() {
    net_.Listen("server", 1,
                [this](SimSocket socket) { fake_.Serve(std::move(socket)); });
  }

  void Up() {
    net_.Restart("server");
    Listen();
    down_ = false;
  }

  void Heal() {
    net_.HealAll();
    if (down_) Up();
  }

  // Something happens, and time passes.
  void Trouble() {
    ++trouble_;
    const std::string host = Host(static_cast<int>(net_.Random(kClients)));
    switch (net_.Random(7)) {
      case 0:
        net_.Partition(host, "server");
        break;
      case 1:
        net_.PartitionOneWay("server", host);
        break;
      case 2:
        Heal();
        break;
      case 3:
        net_.ResetConnections(host, "server");
        break;
      case 4:
        net_.SwizzleClog({Host(0), Host(1), Host(2), "server"}, seconds(2));
        break;
      case 5:
        if (down_) break;
        net_.Kill("server", net_.Random(2) == 0 ? SimNetwork::Death::kProcess
                                                : SimNetwork::Death::kSilent);
        fake_.Restart(net_.Random(2) == 0 ? FakeServer::Data::kKeep
                                          : FakeServer::Data::kKeepStored);
        down_ = true;
        break;
      case 6:
        if (down_) Up();
        break;
    }
    time_.RunFor(milliseconds(net_.Random(1500)));
  }

  awaitable<void> Pause() {
    const auto timer = time_.clock().MakeTimer(time_.get_executor());
    co_await timer->AsyncWaitUntil(
        time_.Now() + milliseconds(50 + net_.Random(200)),
        asio::as_tuple(asio::use_awaitable));
  }

  // In its time, and once: a coroutine sees to that.
  void CheckCall(Clock::TimePoint start, const absl::Status& status) {
    EXPECT_LE(time_.Now() - start, kCallTimeout) << status;
    if (status.ok()) return;
    EXPECT_NE(OutcomeOf(status), v1::OUTCOME_UNSPECIFIED) << status;
  }

  // Writes 1, 2, 3, ... to a key of its own, one after the other.
  awaitable<void> Writer(int i) {
    Client client = clients_[i];
    const std::string key = absl::StrCat("writer", i);
    std::int64_t known = 0;  // certainly there, or something later
    for (std::int64_t value = 1; value <= kWrites; ++value) {
      const auto start = time_.Now();
      auto before = co_await client.GetAndSet<std::int64_t>("t", key, value);
      CheckCall(start, before.status());
      if (before.ok()) {
        const std::int64_t previous = before->value_or(0);
        EXPECT_LT(previous, value) << key << " was applied twice";
        EXPECT_GE(previous, known) << key << " has lost a write";
        known = value;
      } else if (OutcomeOf(before.status()) == v1::NOT_EXECUTED) {
        auto there = co_await client.Get<std::int64_t>("t", key);
        if (there.ok()) {
          EXPECT_LT(*there, value) << key << ": executed, and said it was not";
        }
      }
      co_await Pause();
    }
  }

  // Writes several values to a key at once, without retries: they take effect
  // in their order.
  awaitable<void> Bursts(int i) {
    Client client = clients_[i];
    const std::string key = absl::StrCat("burst", i);
    std::int64_t next = 1;
    for (int burst = 0; burst < kBursts; ++burst) {
      CallOptions once;
      once.idempotency = std::make_shared<ReadsOnly>();
      std::vector<std::optional<std::int64_t>> previous(kBurst);
      int left = kBurst;
      for (int n = 0; n < kBurst; ++n) {
        client.GetAndSet<std::int64_t>(
            "t", key, next + n, once,
            [&, n](absl::StatusOr<std::optional<std::int64_t>> before) {
              if (before.ok()) previous[n] = before->value_or(0);
              --left;
            });
      }
      const auto start = time_.Now();
      while (left > 0) co_await Pause();
      EXPECT_LE(time_.Now() - start, kCallTimeout + seconds(1));
      for (int n = 0; n < kBurst; ++n) {
        if (!previous[n].has_value()) continue;
        EXPECT_LT(*previous[n], next + n) << key << ": out of order";
        if (n > 0 && previous[n - 1].has_value()) {
          EXPECT_EQ(*previous[n], next + n - 1) << key << ": out of order";
        }
      }
      next += kBurst;
    }
  }

  awaitable<void> Publisher() {
    Client client = clients_[0];
    for (std::int64_t value = 1; value <= 2 * kWrites; ++value) {
      const auto start = time_.Now();
      const absl::Status status = co_await client.Publish("news", value);
      CheckCall(start, status);
      if (status.ok()) published_.push_back(value);
      co_await Pause();
    }
  }

  // Does not keep its client, with which it ends.
  awaitable<void> Subscriber() {
    for (;;) {
      auto news = co_await clients_[1].Subscribe("news");
      if (absl::IsCancelled(news.status())) co_return;
      if (!news.ok()) continue;
      subscribed_at_ = published_.size();
      for (;;) {
        auto event = co_await news->Next();
        if (!event.ok()) co_return;
        if (event->kind == Event::Kind::kGap) {
          ++gaps_;
        } else {
          seen_.push_back(event->data[0].integer());
        }
      }
    }
  }

  void CheckEvents() {
    for (std::size_t i = 1; i < seen_.size(); ++i) {
      EXPECT_LT(seen_[i - 1], seen_[i]) << "twice, or out of order";
    }
    if (gaps_ > 0 || !subscribed_at_.has_value()) return;
    std::size_t at = 0;
    for (std::size_t i = *subscribed_at_; i < published_.size(); ++i) {
      while (at < seen_.size() && seen_[at] < published_[i]) ++at;
      EXPECT_TRUE(at < seen_.size() && seen_[at] == published_[i])
          << published_[i] << " was neither seen nor told of";
    }
  }

  VirtualTime time_;
  SimNetwork net_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
  std::vector<std::shared_ptr<Dialer>> dialers_;
  std::vector<Client> clients_;
  int running_ = 0;
  int trouble_ = 0;
  bool down_ = false;

  std::vector<std::int64_t> published_;  // and answered
  std::optional<std::size_t> subscribed_at_;
  std::vector<std::int64_t> seen_;
  int gaps_ = 0;
};

std::uint64_t Seeds() {
  std::uint64_t seeds = 0;
  const auto flag = ReplayFlag("seeds");
  return flag && absl::SimpleAtoi(*flag, &seeds) ? seeds : 20;
}

TEST(ClientSimTest, KeepsItsPromises) {
  const std::uint64_t count = ReplayFlag("seed") ? 1 : Seeds();
  const std::uint64_t first =
      ReplayFlag("seed") ? SimSeed() : SimSeed() * count;
  int retried = 0, gaps = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE(absl::StrCat("--seed=", seed));
    World world(seed);
    world.Run();
    retried += world.retried();
    gaps += world.gaps();
    if (HasFailure()) break;
  }
  std::cout << count << " seeds, " << retried << " calls sent again, " << gaps
            << " gaps\n";
  if (count >= 20) {
    EXPECT_GT(retried, 0);
    EXPECT_GT(gaps, 0);
  }
}

TEST(ClientSimTest, SameSeedSameRun) {
  World first(SimSeed()), second(SimSeed());
  first.Run();
  second.Run();
  EXPECT_EQ(first.hash(), second.hash());
}

}  // namespace
}  // namespace coffer
