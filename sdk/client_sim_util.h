// SimWorld: three clients and a FakeServer on a network that does its worst, by
// seed, for simulations of the client. What the clients do, and what is checked
// of it, is the test's, which derives from it.
//
// One thread, on virtual time. The same seed gives the same run.

#ifndef COFFER_SDK_CLIENT_SIM_UTIL_H_
#define COFFER_SDK_CLIENT_SIM_UTIL_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coffer/sdk/client.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/dialer.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/sim/sim_nemesis.h"
#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer {

class SimWorld {
 public:
  static constexpr int kClients = 3;
  // Changes the options of client `i`: to begin with, one connection, and
  // retries until the deadline.
  using Adjust = std::function<void(int i, ConnectionOptions& options)>;

  SimWorld(std::uint64_t seed, bool durable, const Adjust& adjust);
  virtual ~SimWorld();

  // Of all that went over the network.
  std::uint64_t hash() const { return net_.TranscriptHash(); }
  // Calls that reached the server not for the first time.
  int retried() const;

 protected:
  static std::string Host(int i);

  // The server was killed, and comes back: with what, is said to fake().
  virtual void ServerKilled() = 0;

  // Runs beside the others; not to throw. Trouble waits for its end.
  template <class Body>
  void Start(Body body) {
    ++running_;
    boost::asio::co_spawn(time_.io(), body(),
                          [this](std::exception_ptr thrown) {
                            EXPECT_EQ(thrown, nullptr);
                            --running_;
                          });
  }
  // Thirty troubles, or until what was started has ended; then peace, until it
  // has.
  void Trouble();
  // The clients go, and what they leave behind has its time.
  void EndClients();

  boost::asio::awaitable<void> Pause(Clock::Duration duration);

  coffer_testing::VirtualTime& time() { return time_; }
  coffer_testing::SimNetwork& net() { return net_; }
  coffer_testing::FakeServer& fake() { return fake_; }
  std::vector<Client>& clients() { return clients_; }

 private:
  void Listen();

  coffer_testing::VirtualTime time_;
  coffer_testing::SimNetwork net_;
  coffer_testing::FakeServer fake_;
  std::vector<std::shared_ptr<Dialer>> dialers_;
  std::vector<Client> clients_;
  int running_ = 0;
  coffer_testing::SimNemesis nemesis_;
};

}  // namespace coffer

#endif  // COFFER_SDK_CLIENT_SIM_UTIL_H_
