// SimNetwork: several hosts in one thread, with connections between them that
// are late, come in pieces, break, and are cut off from each other, all by one
// seed and on virtual time:
//
//   VirtualTime time;
//   SimNetwork net(time, SimSeed());
//   net.Listen("server", 9527, [&](SimSocket peer) { ... });
//   auto dialer = net.MakeDialer("client", "server:9527");
//   net.Partition("client", "server");
//   time.RunFor(std::chrono::seconds(30));
//   net.Heal("client", "server");
//
// The same seed and the same program give the same run, to the nanosecond;
// transcript() is what happened, and TranscriptHash() tells two runs apart. A
// test takes its seed from SimSeed(), and the network says it when the test
// fails; then bazel test --runs_per_test=1000 tries a thousand of them, and
// --test_arg=--seed=N one again.
//
// A connection is what TCP makes of a bad network: no byte is lost, doubled or
// out of order; it is late, or the connection ends. Its ends are MemoryPipes
// and keep their contract. Bytes arrive in pieces of any size, each at its own
// time, but never before an earlier one. A host is known from its first
// mention.
//
// Threads: one, that of the VirtualTime. Ownership: refers to the VirtualTime;
// destroyed, it closes all connections, and its dialers are refused.

#ifndef COFFER_TESTING_SIM_SIM_NETWORK_H_
#define COFFER_TESTING_SIM_SIM_NETWORK_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/time/virtual_time.h"

namespace coffer_testing {

using SimSocket = MemoryPipe;

namespace internal {
class SimNetworkState;
// The client's end is on `executor`.
boost::asio::awaitable<absl::StatusOr<SimSocket>> SimConnect(
    std::shared_ptr<SimNetworkState> network,
    boost::asio::any_io_executor executor, std::string from,
    std::string target);
}  // namespace internal

struct SimNetworkOptions {
  // Of each piece, one way: the least, and the mean of what comes on top, which
  // is distributed exponentially. Both 0: everything arrives at once.
  coffer::Clock::Duration latency_min = std::chrono::milliseconds(1);
  coffer::Clock::Duration latency_mean = std::chrono::milliseconds(1);
  // Of a piece; their sizes vary by chance.
  size_t piece_bytes_max = 1400;
  // On their way, in one direction of a connection; a sender waits for room.
  size_t window_bytes = 64 * 1024;
  // Until a connection to a host that does not answer is given up.
  coffer::Clock::Duration connect_timeout = std::chrono::minutes(2);
};

class SimNetwork {
 public:
  using Duration = coffer::Clock::Duration;
  using Where = std::source_location;

  SimNetwork(VirtualTime& time, uint64_t seed, SimNetworkOptions options = {});
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;
  ~SimNetwork();

  // Calls `accept` for each connection to host:port, until Kill. A second
  // listener on a port is a test failure.
  void Listen(const std::string& host, uint16_t port,
              std::function<void(SimSocket)> accept,
              Where where = Where::current());

  // void(absl::StatusOr<SimSocket>), any token, once, never inside this call;
  // every type of cancellation. Unavailable: nobody listens there, or one of
  // the hosts was killed; DeadlineExceeded: no answer in time, as through a
  // partition of either direction.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto AsyncConnect(std::string from, std::string target,
                    Token&& token = Token()) {
    return coffer::internal::Spawn<absl::StatusOr<SimSocket>>(
        executor(),
        [state = state_, executor = executor(), from = std::move(from),
         target = std::move(target)] {
          return internal::SimConnect(state, executor, from, target);
        },
        std::forward<Token>(token));
  }

  // A dialer of one host to "host:port". Its streams are on the executor that
  // Dial is given, which has to be one of the VirtualTime's context.
  std::unique_ptr<coffer::Dialer> MakeDialer(std::string from,
                                             std::string target);

  // Nothing passes from one host to the other, or either way: bytes on their
  // way and all later ones wait, and so do connects; no connection ends by it.
  // HealAll heals all, clogs too.
  void PartitionOneWay(const std::string& from, const std::string& to);
  void Partition(const std::string& a, const std::string& b);
  void Heal(const std::string& a, const std::string& b);
  void HealAll();

  // Cuts off some of the links between `hosts`, by chance, one after the other
  // within `time`, and heals them in another order within the same time again;
  // as FoundationDB's "swizzle-clog" does. It heals what it has cut itself, and
  // no partition.
  void SwizzleClog(const std::vector<std::string>& hosts, Duration time);

  // The connections between the two end: both ends get connection_reset, now
  // and without regard to partitions.
  void ResetConnections(const std::string& a, const std::string& b);

  // The host's process dies: its listeners are gone, its ends get
  // connection_reset now, its peers when that arrives, whether they read or
  // not. kSilent: as if its power
  // was cut, its peers hear nothing until it is restarted.
  enum class Death { kProcess, kSilent };
  void Kill(const std::string& host, Death death = Death::kProcess);
  // It may listen and connect again. What it was connected to is told.
  void Restart(const std::string& host);

  // Connections that have not ended at both ends.
  size_t connections() const;

  // What happened, a line each: virtual time in ns, and the event; of bytes
  // their number and a checksum. The end of it is printed with the seed, when
  // the network is destroyed, if the test has failed by then.
  const std::vector<std::string>& transcript() const;
  uint64_t TranscriptHash() const;

  // A number of the network's own sequence, for decisions of the test that are
  // to be part of the same run: below `bound`, which is not 0.
  uint64_t Random(uint64_t bound);

 private:
  boost::asio::any_io_executor executor() const;

  const std::shared_ptr<internal::SimNetworkState> state_;
};

// --seed=N among the test's arguments; else the seed that Bazel gives to each
// run of --runs_per_test; else `otherwise`.
uint64_t SimSeed(uint64_t otherwise = 1);

// The seeds of a test that makes many runs: the one of --seed=N; else as many
// as --seeds=M among its arguments says, or `usual`. Those of the runs of
// --runs_per_test do not overlap.
struct SimSeedRange {
  uint64_t first = 0;
  uint64_t count = 0;
  uint64_t end() const { return first + count; }
};
SimSeedRange SimSeeds(uint64_t usual);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SIM_SIM_NETWORK_H_
