// SimConnection: two pipes, whose far ends are the network's, and what is on
// its way between them.

#ifndef COFFER_TESTING_SIM_SIM_CONNECTION_H_
#define COFFER_TESTING_SIM_SIM_CONNECTION_H_

#include <array>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coffer/sdk/clock.h"
#include "coffer/testing/memory_pipe.h"

namespace coffer_testing::internal {

class SimNetworkState;

class SimConnection : public std::enable_shared_from_this<SimConnection> {
 public:
  using Link = std::pair<std::string, std::string>;

  // `client` and `server` are the network's ends of their pipes.
  SimConnection(std::shared_ptr<SimNetworkState> network, int number,
                std::string client_host, std::string server_host,
                MemoryPipe client, MemoryPipe server);

  void Start();

  // Its hosts, the client's first.
  const Link& hosts() const { return ways_[0].link; }
  bool over() const { return over_; }

  // What waited for a link may pass now.
  void LookAgain();
  // Both ends get connection_reset now.
  void Reset();
  // The host's end gets connection_reset now; the other one when that arrives,
  // or when it is told, if `silent`. Without another one that lives, it is
  // over.
  void Die(const std::string& host, bool silent);
  // The network is destroyed.
  void Close();

 private:
  using TimePoint = coffer::Clock::TimePoint;

  // What arrives together.
  struct Piece {
    enum class What { kBytes, kEnd };
    What what;
    std::string bytes;
    TimePoint arrives;
  };

  // One direction: from the pipe it reads to the pipe it writes.
  struct Way {
    Link link;
    MemoryPipe* from = nullptr;
    MemoryPipe* to = nullptr;
    std::deque<Piece> pieces = {};
    size_t bytes = 0;  // of pieces
    TimePoint last_arrival = TimePoint::min();
    // A reset does not wait for room, nor for the end of what was sent.
    std::optional<TimePoint> reset_arrives = std::nullopt;
    bool reading = false;
    bool writing = false;
    bool ended = false;  // nothing more is read
    bool done = false;   // and all has arrived
    std::array<char, 16 * 1024> buffer = {};
    std::unique_ptr<coffer::Timer> timer = nullptr;
    std::unique_ptr<coffer::Timer> reset_timer = nullptr;
  };

  void Read(Way& way);
  void OnRead(Way& way, boost::system::error_code error, size_t bytes);
  // When what is sent now arrives: behind all that was sent before.
  TimePoint Arrival(Way& way);
  void Send(Way& way, Piece::What what, std::string bytes);
  void SendReset(Way& way);
  // Delivers what has arrived, and waits for the rest.
  void Deliver(Way& way);
  void DeliverReset(Way& way);
  void Arrive(Way& way, Piece piece);
  void Finish(Way& way);
  // Both ends get connection_reset, and it is over.
  void End();
  void Log(const Way& way, const std::string& event);

  const std::shared_ptr<SimNetworkState> network_;
  const int number_;
  MemoryPipe client_;
  MemoryPipe server_;
  Way ways_[2];
  bool died_[2] = {false, false};  // the client's end, the server's
  bool over_ = false;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SIM_SIM_CONNECTION_H_
