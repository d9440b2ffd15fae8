// Three clients and one server that keeps its data and forgets the rest when it
// is killed, on a network that does its worst, by seed. What is checked:
//   - every call completes once, by its deadline;
//   - no answer reaches another caller: each reads values of its own key only;
//   - a write is applied at most once, however often it was sent: no writer
//     finds its own value where the one before should be, and none comes back
//     after a later one;
//   - calls of one connection on one key take effect in the order of the calls;
//   - a subscriber sees what was published once and in order, or a gap; and,
//     when all is whole again, what is published then.
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
#include "absl/strings/str_cat.h"
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

constexpr int kWrites = 12;
constexpr int kBursts = 4;
constexpr int kBurst = 5;
constexpr seconds kCallTimeout(4);

class World final : public SimWorld {
 public:
  explicit World(std::uint64_t seed)
      : SimWorld(seed, /*durable=*/false,
                 [](int i, ConnectionOptions& options) {
                   options.call_timeout = kCallTimeout;
                   // The last one has two, of which one may be up while the
                   // other is not.
                   if (has_two(i)) options.connections = 2;
                 }) {}

  void Run() {
    for (int i = 0; i < kClients; ++i) {
      Start([this, i] { return Writer(i); });
      Start([this, i] { return Bursts(i); });
    }
    Start([this] { return Publisher(); });
    // Ends with its subscription, not by itself.
    asio::co_spawn(time().io(), Subscriber(), [](std::exception_ptr) {});
    Trouble();
    time().RunFor(seconds(30));
    CheckEvents();
    CheckSubscriberLives();
    EndClients();
  }

  int gaps() const { return gaps_; }

 private:
  static bool has_two(int i) { return i == kClients - 1; }
  // What is not stored is forgotten, now and then.
  void ServerKilled() override {
    fake().Restart(net().Random(2) == 0 ? FakeServer::Data::kKeep
                                        : FakeServer::Data::kKeepStored);
  }

  awaitable<void> PauseAWhile() {
    co_await Pause(milliseconds(50 + net().Random(200)));
  }

  // In its time, and once: a coroutine sees to that.
  void CheckCall(Clock::TimePoint start, const absl::Status& status) {
    EXPECT_LE(time().Now() - start, kCallTimeout) << status;
    if (status.ok()) return;
    EXPECT_NE(OutcomeOf(status), v1::OUTCOME_UNSPECIFIED) << status;
  }

  // Writes 1, 2, 3, ... to a key of its own, one after the other.
  awaitable<void> Writer(int i) {
    Client client = clients()[i];
    const std::string key = absl::StrCat("writer", i);
    std::int64_t known = 0;  // certainly there, or something later
    for (std::int64_t value = 1; value <= kWrites; ++value) {
      const auto start = time().Now();
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
      co_await PauseAWhile();
    }
  }

  // Writes several values to a key at once, without retries: they take effect
  // in their order.
  awaitable<void> Bursts(int i) {
    Client client = clients()[i];
    const std::string key = absl::StrCat("burst", i);
    std::int64_t next = 1;
    for (int burst = 0; burst < kBursts; ++burst) {
      CallOptions once;
      once.idempotency = std::make_shared<ReadsOnly>();
      std::vector<std::optional<std::int64_t>> previous(kBurst);
      std::vector<bool> over(kBurst);
      int left = kBurst;
      for (int n = 0; n < kBurst; ++n) {
        client.GetAndSet<std::int64_t>(
            "t", key, next + n, once,
            [&, n](absl::StatusOr<std::optional<std::int64_t>> before) {
              EXPECT_FALSE(over[n]) << "completed twice";
              over[n] = true;
              if (before.ok()) previous[n] = before->value_or(0);
              --left;
            });
      }
      const auto start = time().Now();
      while (left > 0) co_await PauseAWhile();
      EXPECT_LE(time().Now() - start, kCallTimeout + seconds(1));
      // Calls of different connections may overtake each other.
      for (int n = 0; n < kBurst && !has_two(i); ++n) {
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
    Client client = clients()[0];
    for (std::int64_t value = 1; value <= 2 * kWrites; ++value) {
      const auto start = time().Now();
      begun_ = value;
      const absl::Status status = co_await client.Publish("news", value);
      CheckCall(start, status);
      if (status.ok()) published_.push_back(value);
      co_await PauseAWhile();
    }
  }

  // Does not keep its client, with which it ends.
  awaitable<void> Subscriber() {
    for (;;) {
      auto news = co_await clients()[1].Subscribe("news");
      if (absl::IsCancelled(news.status())) co_return;
      if (!news.ok()) continue;
      whole_from_ = begun_;
      for (;;) {
        auto event = co_await news->Next();
        if (!event.ok()) co_return;
        if (event->kind == Event::Kind::kGap) {
          ++gaps_;
          whole_from_ = begun_;
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
    ASSERT_TRUE(whole_from_.has_value()) << "it never subscribed";
    std::size_t at = 0;
    for (const std::int64_t value : published_) {
      if (value <= *whole_from_) continue;
      while (at < seen_.size() && seen_[at] < value) ++at;
      EXPECT_TRUE(at < seen_.size() && seen_[at] == value)
          << value << " was neither seen nor told of";
    }
  }

  // All is whole. A subscription that has died, or waits for what will not
  // come, might have passed so far.
  void CheckSubscriberLives() {
    constexpr std::int64_t kLast = 1000;
    const int gaps = gaps_;
    std::optional<absl::Status> published;
    clients()[0].Publish("news", kLast,
                         [&](absl::Status status) { published = status; });
    ASSERT_TRUE(time().RunUntil([&] { return published.has_value(); }));
    EXPECT_TRUE(published->ok()) << *published;
    EXPECT_TRUE(time().RunUntil(
        [&] {
          return gaps_ > gaps || (!seen_.empty() && seen_.back() == kLast);
        },
        seconds(30)))
        << "the subscription is dead, or stands still";
  }

  std::int64_t begun_ = 0;  // the latest that is being published, or was
  std::vector<std::int64_t> published_;  // and answered
  // What is published after this one is seen, or a gap comes.
  std::optional<std::int64_t> whole_from_;
  std::vector<std::int64_t> seen_;
  int gaps_ = 0;
};

TEST(ClientSimTest, KeepsItsPromises) {
  const SimSeedRange seeds = SimSeeds(20);
  int retried = 0, gaps = 0;
  for (std::uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(absl::StrCat("--seed=", seed));
    World world(seed);
    world.Run();
    retried += world.retried();
    gaps += world.gaps();
    if (HasFailure()) break;
  }
  std::cout << seeds.count << " seeds, " << retried << " calls sent again, "
            << gaps << " gaps\n";
  if (seeds.count >= 20) {
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
