#include "coffer/testing/sim/sim_network.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coffer/testing/fault/mix.h"
#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/sim/sim_network_state.h"
#include "gtest/gtest.h"

namespace coffer_testing {

namespace asio = boost::asio;
using internal::SimNetworkState;
using MaybeSocket = absl::StatusOr<SimSocket>;

namespace {

// A wait on a timer of its own, which the network cuts short when links change.
class LinkWait {
 public:
  explicit LinkWait(SimNetworkState& network)
      : network_(network),
        timer_(network.clock().MakeTimer(network.executor())) {
    network_.AddWaiter(timer_.get());
  }
  ~LinkWait() { network_.RemoveWaiter(timer_.get()); }
  LinkWait(const LinkWait&) = delete;
  LinkWait& operator=(const LinkWait&) = delete;

  // Or until links or hosts have changed. False: the coroutine was cancelled.
  asio::awaitable<bool> Until(coffer::Clock::TimePoint deadline) {
    co_await timer_->AsyncWaitUntil(deadline,
                                    asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() == asio::cancellation_type::none;
  }

 private:
  SimNetworkState& network_;
  const std::unique_ptr<coffer::Timer> timer_;
};

asio::awaitable<absl::StatusOr<coffer::AnyStream>> DialBySim(
    std::shared_ptr<SimNetworkState> network, asio::any_io_executor executor,
    std::string from, std::string target) {
  MaybeSocket socket =
      co_await internal::SimConnect(network, executor, from, target);
  if (!socket.ok()) co_return socket.status();
  co_return coffer::AnyStream(*std::move(socket));
}

class SimDialer final : public coffer::Dialer {
 public:
  SimDialer(std::shared_ptr<SimNetworkState> network, std::string from,
            std::string target)
      : network_(std::move(network)),
        from_(std::move(from)),
        target_(std::move(target)) {}

  std::string target() const override { return target_; }

  void Dial(asio::any_io_executor executor, coffer::Clock::Duration,
            DialHandler handler) override {
    coffer::internal::Spawn<absl::StatusOr<coffer::AnyStream>>(
        executor,
        [network = network_, executor, from = from_, target = target_] {
          return DialBySim(network, executor, from, target);
        },
        std::move(handler));
  }

 private:
  const std::shared_ptr<SimNetworkState> network_;
  const std::string from_;
  const std::string target_;
};

}  // namespace

SimNetwork::SimNetwork(VirtualTime& time, uint64_t seed,
                       SimNetworkOptions options)
    : state_(std::make_shared<SimNetworkState>(time, seed, options)) {}

SimNetwork::~SimNetwork() {
  if (::testing::Test::HasFailure()) {
    constexpr size_t kLinesShown = 40;
    const std::vector<std::string>& lines = transcript();
    const size_t first =
        lines.size() > kLinesShown ? lines.size() - kLinesShown : 0;
    std::cout << "SimNetwork: seed " << state_->seed()
              << "; if it is SimSeed()'s, again with --test_arg=--seed="
              << state_->seed() << "\nThe last " << lines.size() - first
              << " of " << lines.size() << " lines of its transcript:\n";
    for (size_t i = first; i < lines.size(); ++i) {
      std::cout << "  " << lines[i] << "\n";
    }
    std::cout << std::flush;
  }
  state_->Stop();
}

asio::any_io_executor SimNetwork::executor() const {
  return state_->executor();
}

void SimNetwork::Listen(const std::string& host, uint16_t port,
                        std::function<void(SimSocket)> accept, Where where) {
  state_->Listen(host, port, std::move(accept), where);
}

asio::awaitable<MaybeSocket> internal::SimConnect(
    std::shared_ptr<SimNetworkState> network, asio::any_io_executor executor,
    std::string from, std::string target) {
  const std::string host = target.substr(0, target.rfind(':'));
  const std::string doing = absl::StrCat("connecting to ", target);
  const auto start = network->clock().Now();
  const auto deadline = start + network->options().connect_timeout;
  const auto latency = network->Latency();
  const int deaths = network->Deaths(from);
  const auto was_killed = [&] {
    return network->IsDead(from) || network->Deaths(from) != deaths;
  };
  LinkWait wait(*network);
  std::unique_ptr<MemoryPipe> socket;
  for (const bool there : {true, false}) {
    const SimNetworkState::Link link = there
                                           ? SimNetworkState::Link(from, host)
                                           : SimNetworkState::Link(host, from);
    const auto arrives = network->clock().Now() + latency;
    while (!was_killed() &&
           (network->clock().Now() < arrives || !network->passes(link))) {
      const auto now = network->clock().Now();
      if (now >= deadline) {
        co_return absl::DeadlineExceededError(
            absl::StrCat(doing, ": no answer"));
      }
      if (!co_await wait.Until(now < arrives ? arrives : deadline)) {
        co_return absl::CancelledError(doing);
      }
    }
    if (was_killed()) {
      co_return absl::UnavailableError(
          absl::StrCat(doing, ": ", from, " was killed"));
    }
    if (there) socket = network->Open(executor, from, target);
  }
  if (socket == nullptr) {
    co_return absl::UnavailableError(absl::StrCat(doing, ": refused"));
  }
  co_return std::move(*socket);
}

std::unique_ptr<coffer::Dialer> SimNetwork::MakeDialer(std::string from,
                                                       std::string target) {
  return std::make_unique<SimDialer>(state_, std::move(from),
                                     std::move(target));
}

void SimNetwork::PartitionOneWay(const std::string& from,
                                 const std::string& to) {
  state_->Cut({from, to});
}

void SimNetwork::Partition(const std::string& a, const std::string& b) {
  state_->Cut({a, b});
  state_->Cut({b, a});
}

void SimNetwork::Heal(const std::string& a, const std::string& b) {
  state_->Mend({a, b});
  state_->Mend({b, a});
}

void SimNetwork::HealAll() { state_->MendAll(); }

void SimNetwork::SwizzleClog(const std::vector<std::string>& hosts,
                             Duration time) {
  state_->SwizzleClog(hosts, time);
}

void SimNetwork::ResetConnections(const std::string& a, const std::string& b) {
  state_->ResetConnections(a, b);
}

void SimNetwork::Kill(const std::string& host, Death death) {
  state_->Kill(host, death);
}

void SimNetwork::Restart(const std::string& host) { state_->Restart(host); }

size_t SimNetwork::connections() const { return state_->connections(); }

const std::vector<std::string>& SimNetwork::transcript() const {
  return state_->transcript();
}

uint64_t SimNetwork::TranscriptHash() const {
  uint64_t hash = 0;
  for (const std::string& line : transcript()) {
    for (const char letter : line) {
      hash = internal::Mix(hash, static_cast<unsigned char>(letter));
    }
    hash = internal::Mix(hash, '\n');
  }
  return hash;
}

uint64_t SimNetwork::Random(uint64_t bound) { return state_->Random(bound); }

namespace {

// Of an argument --name=N.
std::optional<uint64_t> NumberFlag(const char* name) {
  const std::optional<std::string> flag = ReplayFlag(name);
  if (!flag) return std::nullopt;
  uint64_t number = 0;
  if (absl::SimpleAtoi(*flag, &number)) return number;
  ADD_FAILURE() << "--" << name << "=" << *flag << " is no number";
  return std::nullopt;
}

}  // namespace

uint64_t SimSeed(uint64_t otherwise) {
  if (const auto seed = NumberFlag("seed")) return *seed;
  uint64_t seed = 0;
  const char* const of_bazel = std::getenv("TEST_RANDOM_SEED");
  if (of_bazel != nullptr && absl::SimpleAtoi(of_bazel, &seed)) return seed;
  return otherwise;
}

SimSeedRange SimSeeds(uint64_t usual) {
  if (ReplayFlag("seed")) return {SimSeed(), 1};
  const uint64_t count = NumberFlag("seeds").value_or(usual);
  if (count == 0) ADD_FAILURE() << "no seeds to run";
  return {SimSeed() * count, count};
}

}  // namespace coffer_testing
