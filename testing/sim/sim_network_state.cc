#include "coffer/testing/sim/sim_network_state.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/testing/fault/mix.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

SimNetworkState::SimNetworkState(VirtualTime& time, uint64_t seed,
                                 SimNetworkOptions options)
    : executor_(time.get_executor()),
      clock_(time.clock()),
      start_(time.Now()),
      seed_(seed),
      options_(options) {}

void SimNetworkState::Log(absl::string_view event) {
  transcript_.push_back(
      absl::StrCat((clock_.Now() - start_).count(), " ", event));
}

uint64_t SimNetworkState::Random(uint64_t bound) {
  return Mix(seed_, drawn_++) % std::max<uint64_t>(bound, 1);
}

SimNetworkState::Duration SimNetworkState::Latency() {
  // Uniform in (0, 1]; the inverse of the exponential's distribution.
  const double uniform =
      (static_cast<double>(Random(uint64_t{1} << 53)) + 1) / 0x1p53;
  const double mean = static_cast<double>(options_.latency_mean.count());
  return options_.latency_min +
         Duration(static_cast<int64_t>(-std::log(uniform) * mean));
}

size_t SimNetworkState::PieceBytes() {
  const size_t most = std::max<size_t>(options_.piece_bytes_max, 1);
  const size_t below = size_t{2} << Random(std::bit_width(most));
  return std::min<size_t>(most, 1 + Random(below - 1));
}

void SimNetworkState::Cut(const Link& link) {
  Log(absl::StrCat("cut ", link.first, " > ", link.second));
  partitions_.insert(link);
}

void SimNetworkState::Mend(const Link& link) {
  if (partitions_.erase(link) == 0) return;
  Log(absl::StrCat("healed ", link.first, " > ", link.second));
  WakeUp();
}

void SimNetworkState::MendAll() {
  ++clogs_ended_;
  while (!partitions_.empty()) {
    const Link link = *partitions_.begin();
    Mend(link);
  }
  while (!clogs_.empty()) {
    const Link link = clogs_.begin()->first;
    Unclog(link);
  }
}

void SimNetworkState::Clog(const Link& link) {
  Log(absl::StrCat("clogged ", link.first, " > ", link.second));
  ++clogs_[link];
}

void SimNetworkState::Unclog(const Link& link) {
  const auto clog = clogs_.find(link);
  if (--clog->second > 0) return;
  clogs_.erase(clog);
  Log(absl::StrCat("unclogged ", link.first, " > ", link.second));
  WakeUp();
}

void SimNetworkState::WakeUp() {
  for (coffer::Timer* const waiter : waiters_) waiter->Cancel();
  for (const auto& connection : Connections()) connection->LookAgain();
}

void SimNetworkState::Listen(const std::string& host, uint16_t port,
                             std::function<void(SimSocket)> accept,
                             std::source_location where) {
  const std::string name = absl::StrCat(host, ":", port);
  if (!listeners_.emplace(name, std::move(accept)).second) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "SimNetwork: somebody listens on " << name << " already";
  } else if (IsDead(host)) {
    listeners_.erase(name);
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "SimNetwork: " << host << " was killed and not restarted";
  }
}

std::unique_ptr<MemoryPipe> SimNetworkState::Open(
    boost::asio::any_io_executor executor, const std::string& from,
    const std::string& target) {
  const auto listener = listeners_.find(target);
  if (listener == listeners_.end() || stopped_) return nullptr;
  // What waits in the network's ends comes on top of its window.
  const MemoryPipeOptions small = {.capacity = 4096};
  auto client = MakeMemoryPipe(std::move(executor), executor_, small);
  auto server = MakeMemoryPipe(executor_, small);
  const std::string host = target.substr(0, target.rfind(':'));
  Log(absl::StrCat("#", ++opened_, " ", from, " > ", target, ": open"));
  const auto connection = std::make_shared<SimConnection>(
      shared_from_this(), opened_, from, host, std::move(client.second),
      std::move(server.second));
  connections_.push_back(connection);
  connection->Start();
  // The listener may change the listeners.
  const auto accept = listener->second;
  accept(std::move(server.first));
  return std::make_unique<MemoryPipe>(std::move(client.first));
}

void SimNetworkState::ResetConnections(const std::string& a,
                                       const std::string& b) {
  for (const auto& connection : Connections()) {
    const Link& hosts = connection->hosts();
    if (hosts == Link(a, b) || hosts == Link(b, a)) connection->Reset();
  }
}

void SimNetworkState::Kill(const std::string& host, SimNetwork::Death death) {
  const bool silent = death == SimNetwork::Death::kSilent;
  Log(absl::StrCat("killed ", host, silent ? " silently" : ""));
  dead_.insert(host);
  ++deaths_[host];
  if (silent) silent_.insert(host);
  std::erase_if(listeners_, [&](const auto& listener) {
    return listener.first.substr(0, listener.first.rfind(':')) == host;
  });
  for (const auto& connection : Connections()) {
    const Link& hosts = connection->hosts();
    if (hosts.first == host || hosts.second == host) {
      connection->Die(host, silent);
    }
  }
  // Those that it was about to make.
  WakeUp();
}

int SimNetworkState::Deaths(const std::string& host) const {
  const auto deaths = deaths_.find(host);
  return deaths == deaths_.end() ? 0 : deaths->second;
}

void SimNetworkState::Restart(const std::string& host) {
  Log(absl::StrCat("restarted ", host));
  dead_.erase(host);
  silent_.erase(host);
  WakeUp();
}

void SimNetworkState::SwizzleClog(const std::vector<std::string>& hosts,
                                  Duration time) {
  const auto within = [&] {
    return Duration(static_cast<int64_t>(
        Random(static_cast<uint64_t>(std::max<int64_t>(time.count(), 1)))));
  };
  for (const std::string& from : hosts) {
    for (const std::string& to : hosts) {
      if (from == to || Random(2) == 0) continue;
      const Link link(from, to);
      const auto unless_ended = [this, link, of = clogs_ended_](void (
                                    SimNetworkState::*what)(const Link&)) {
        return [this, link, of, what] {
          if (of == clogs_ended_) (this->*what)(link);
        };
      };
      After(within(), unless_ended(&SimNetworkState::Clog));
      After(time + within(), unless_ended(&SimNetworkState::Unclog));
    }
  }
}

void SimNetworkState::After(Duration delay, std::function<void()> then) {
  const std::shared_ptr<coffer::Timer> timer = clock_.MakeTimer(executor_);
  timer->WaitUntil(clock_.Now() + delay,
                   [weak = weak_from_this(),
                    then = std::move(then)](boost::system::error_code error) {
                     const auto self = weak.lock();
                     if (!error && self != nullptr && !self->stopped_) then();
                   });
  scheduled_.push_back(timer);
}

std::vector<std::shared_ptr<SimConnection>> SimNetworkState::Connections() {
  std::erase_if(connections_, [](const auto& one) { return one->over(); });
  return connections_;
}

size_t SimNetworkState::connections() { return Connections().size(); }

void SimNetworkState::Stop() {
  stopped_ = true;
  listeners_.clear();
  scheduled_.clear();
  for (const auto& connection : Connections()) connection->Close();
  // They hold this.
  connections_.clear();
}

}  // namespace coffer_testing::internal
