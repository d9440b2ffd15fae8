// SimNemesis: makes trouble for several clients and one server on a SimNetwork,
// by the network's seed: links are cut, one way or both, clogged and healed;
// connections are reset; the server is killed, heard of or not, and comes back.
// (Jepsen's word for the part of a test that does so.)
//
//   SimNemesis nemesis(time, net, {"client0", "client1"}, "server",
//                      {.killed = [&] { fake.Restart(...); },
//                       .restarted = [&] { net.Listen("server", 1, ...); }});
//   while (!done() && nemesis.steps() < 20) nemesis.Step();
//   nemesis.Heal();
//   EXPECT_TRUE(time.RunUntil(done));
//
// Threads: one, that of the VirtualTime. Ownership: refers to the time and the
// network.

#ifndef COFFER_TESTING_SIM_SIM_NEMESIS_H_
#define COFFER_TESTING_SIM_SIM_NEMESIS_H_

#include <functional>
#include <string>
#include <vector>

#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/time/virtual_time.h"

namespace coffer_testing {

// What a test does to its server; neither is empty.
struct SimNemesisHooks {
  // Its host was killed: it loses what such a server would lose.
  std::function<void()> killed;
  // Its host is there again, and nothing listens on it.
  std::function<void()> restarted;
};

class SimNemesis {
 public:
  // At least one client.
  SimNemesis(VirtualTime& time, SimNetwork& network,
             std::vector<std::string> clients, std::string server,
             SimNemesisHooks hooks);

  // One thing happens, and up to 1.5 s pass.
  void Step();
  int steps() const { return steps_; }

  // All links are whole and the server is up.
  void Heal();

 private:
  void KillServer();
  void RestartServer();

  VirtualTime& time_;
  SimNetwork& network_;
  const std::vector<std::string> clients_;
  const std::string server_;
  const SimNemesisHooks hooks_;
  int steps_ = 0;
  bool down_ = false;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SIM_SIM_NEMESIS_H_
