// SimNetworkState: hosts, links between them, and the connections over those.

#ifndef COFFER_TESTING_SIM_SIM_NETWORK_STATE_H_
#define COFFER_TESTING_SIM_SIM_NETWORK_STATE_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/sim/sim_connection.h"
#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/time/virtual_time.h"

namespace coffer_testing::internal {

class SimNetworkState : public std::enable_shared_from_this<SimNetworkState> {
 public:
  using Duration = coffer::Clock::Duration;
  using TimePoint = coffer::Clock::TimePoint;
  // From, to.
  using Link = std::pair<std::string, std::string>;

  SimNetworkState(VirtualTime& time, uint64_t seed, SimNetworkOptions options);

  const SimNetworkOptions& options() const { return options_; }
  boost::asio::any_io_executor executor() const { return executor_; }
  ManualClock& clock() { return clock_; }

  void Log(absl::string_view event);
  uint64_t Random(uint64_t bound);
  // Of one piece.
  Duration Latency();
  // Of a piece: from 1 to the most, evenly by order of magnitude.
  size_t PieceBytes();

  // Whether anything passes from one to the other.
  bool passes(const Link& link) const {
    return partitions_.count(link) == 0 && clogs_.count(link) == 0 &&
           silent_.count(link.first) == 0 && silent_.count(link.second) == 0;
  }
  void Cut(const Link& link);
  void Mend(const Link& link);
  // And ends all clogs, those to come too.
  void MendAll();

  // A connection, if somebody listens: the client's end, on `executor`. Null if
  // not.
  std::unique_ptr<MemoryPipe> Open(boost::asio::any_io_executor executor,
                                   const std::string& from,
                                   const std::string& target);
  bool IsDead(const std::string& host) const { return dead_.count(host) > 0; }
  // How often it was killed: tells one life from the next.
  int Deaths(const std::string& host) const;
  void Listen(const std::string& host, uint16_t port,
              std::function<void(SimSocket)> accept,
              std::source_location where);
  void ResetConnections(const std::string& a, const std::string& b);
  void Kill(const std::string& host, SimNetwork::Death death);
  void Restart(const std::string& host);
  void SwizzleClog(const std::vector<std::string>& hosts, Duration time);

  // What waits for links to be mended, woken in the order of being added.
  void AddWaiter(coffer::Timer* waiter) { waiters_.push_back(waiter); }
  void RemoveWaiter(coffer::Timer* waiter) { std::erase(waiters_, waiter); }

  size_t connections();
  const std::vector<std::string>& transcript() const { return transcript_; }
  uint64_t seed() const { return seed_; }

  // The network is destroyed.
  void Stop();

 private:
  // A copy: what is called may end connections.
  std::vector<std::shared_ptr<SimConnection>> Connections();
  // Calls `then` in `delay`.
  void After(Duration delay, std::function<void()> then);
  void WakeUp();
  void Clog(const Link& link);
  void Unclog(const Link& link);

  const boost::asio::any_io_executor executor_;
  ManualClock& clock_;
  const TimePoint start_;
  const uint64_t seed_;
  const SimNetworkOptions options_;
  uint64_t drawn_ = 0;  // numbers of the sequence
  std::map<std::string, std::function<void(SimSocket)>> listeners_;
  std::set<Link> partitions_;
  std::map<Link, int> clogs_;  // several at a time
  int clogs_ended_ = 0;        // of MendAll; clogs of before it do nothing more
  std::set<std::string> dead_;
  std::map<std::string, int> deaths_;
  std::set<std::string> silent_;  // of dead_
  std::vector<std::shared_ptr<SimConnection>> connections_;
  std::vector<coffer::Timer*> waiters_;
  std::vector<std::shared_ptr<coffer::Timer>> scheduled_;
  std::vector<std::string> transcript_;
  int opened_ = 0;
  bool stopped_ = false;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SIM_SIM_NETWORK_STATE_H_
