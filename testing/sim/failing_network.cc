// Tests with a simulated network, of which one fails on purpose: what it prints
// is looked at by sim_failure_test; on its own it fails.

#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

void CutManyLinks(bool right) {
  VirtualTime time;
  SimNetwork net(time, SimSeed());
  for (int i = 0; i < 30; ++i) net.Partition("a", "b");
  net.Kill("c");
  EXPECT_TRUE(right);
}

TEST(FailingNetwork, Fails) { CutManyLinks(false); }
TEST(FailingNetwork, Passes) { CutManyLinks(true); }

}  // namespace
}  // namespace coffer_testing
