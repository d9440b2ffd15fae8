#include "coffer/testing/sim/sim_nemesis.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "coffer/sdk/internal/assert.h"

namespace coffer_testing {

SimNemesis::SimNemesis(VirtualTime& time, SimNetwork& network,
                       std::vector<std::string> clients, std::string server,
                       SimNemesisHooks hooks)
    : time_(time),
      network_(network),
      clients_(std::move(clients)),
      server_(std::move(server)),
      hooks_(std::move(hooks)) {
  COFFER_ASSERT(!clients_.empty());
  COFFER_ASSERT(hooks_.killed && hooks_.restarted);
}

void SimNemesis::Step() {
  ++steps_;
  const std::string& client = clients_[network_.Random(clients_.size())];
  switch (network_.Random(7)) {
    case 0:
      network_.Partition(client, server_);
      break;
    case 1:
      network_.PartitionOneWay(server_, client);
      break;
    case 2:
      Heal();
      break;
    case 3:
      network_.ResetConnections(client, server_);
      break;
    case 4: {
      std::vector<std::string> hosts = clients_;
      hosts.push_back(server_);
      network_.SwizzleClog(hosts, std::chrono::seconds(2));
      break;
    }
    case 5:
      if (!down_) KillServer();
      break;
    case 6:
      if (down_) RestartServer();
      break;
  }
  time_.RunFor(std::chrono::milliseconds(network_.Random(1500)));
}

void SimNemesis::Heal() {
  network_.HealAll();
  if (down_) RestartServer();
}

void SimNemesis::KillServer() {
  down_ = true;
  network_.Kill(server_, network_.Random(2) == 0 ? SimNetwork::Death::kProcess
                                                 : SimNetwork::Death::kSilent);
  hooks_.killed();
}

void SimNemesis::RestartServer() {
  down_ = false;
  network_.Restart(server_);
  hooks_.restarted();
}

}  // namespace coffer_testing
