// The flows of client and server with every operation divided: byte by byte, in
// halves, by chance, and once at each offset of either direction, on the side
// of either.

#include <iostream>
#include <memory>
#include <string>

#include "coffer/server/flow_harness.h"
#include "coffer/server/flows.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::FaultInjector;
using coffer_testing::FaultOp;
using coffer_testing::FaultPlan;
using coffer_testing::SplitPolicy;

FaultPlan Divided(const SplitPolicy& policy) {
  return FaultPlan().SplitReads(policy).SplitWrites(policy);
}

void RunDivided(FlowTransport transport, Flow flow,
                const std::shared_ptr<FaultInjector>& client,
                const std::shared_ptr<FaultInjector>& server) {
  SCOPED_TRACE("client " + client->plan().ToString() + ", server " +
               server->plan().ToString());
  FlowHarness harness(transport, client, server);
  harness.Spawn([&] { return flow(harness); });
  const absl::Status status = harness.Result();
  EXPECT_TRUE(status.ok()) << status;
  harness.CheckAfterwards();
}

void RunDividedEachWay(FlowTransport transport, Flow flow) {
  const auto run = [&](const FaultPlan& client, const FaultPlan& server) {
    RunDivided(transport, flow, Faults(client), Faults(server));
  };
  for (const SplitPolicy& policy :
       {SplitPolicy::OneByte(), SplitPolicy::Half(), SplitPolicy::Max(3),
        SplitPolicy::Sizes({1, 4, 2, 1000})}) {
    run(Divided(policy), FaultPlan());
    run(FaultPlan(), Divided(policy));
    run(Divided(policy), Divided(policy));
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    run(Divided(SplitPolicy::Seeded(seed)),
        Divided(SplitPolicy::Seeded(seed + 1000)));
  }
}

TEST(FlowSplitTest, PlainIsDividedEachWay) {
  RunDividedEachWay(FlowTransport::kPlain, Conversation);
}
TEST(FlowSplitTest, TlsIsDividedEachWay) {
  RunDividedEachWay(FlowTransport::kTls, Conversation);
}
TEST(FlowSplitTest, PlainPipelineIsDividedEachWay) {
  RunDividedEachWay(FlowTransport::kPlain, Pipeline);
}
TEST(FlowSplitTest, TlsPipelineIsDividedEachWay) {
  RunDividedEachWay(FlowTransport::kTls, Pipeline);
}
TEST(FlowSplitTest, PlainDrainIsDividedEachWay) {
  RunDividedEachWay(FlowTransport::kPlain, Drain);
}
TEST(FlowSplitTest, TlsDrainIsDividedEachWay) {
  RunDividedEachWay(FlowTransport::kTls, Drain);
}

// Of what the client, or the server, reads and writes in the flow.
void RunCutAtEachByte(const char* name, FlowTransport transport, Flow flow) {
  uint64_t runs = 0;
  for (const bool client : {true, false}) {
    const auto run = [&](const FaultPlan& plan) {
      const auto faults = Faults(plan);
      RunDivided(transport, flow, client ? faults : NoFaults(),
                 client ? NoFaults() : faults);
      ++runs;
      return faults;
    };
    const auto whole = run(FaultPlan());
    const uint64_t read = whole->bytes(FaultOp::kRead);
    const uint64_t written = whole->bytes(FaultOp::kWrite);
    ASSERT_GT(read, 20u);
    ASSERT_GT(written, 20u);
    for (uint64_t offset = 1; offset < read; ++offset) {
      run(FaultPlan().SplitReads(SplitPolicy::AtOffsets({offset})));
      if (::testing::Test::HasFailure()) return;
    }
    for (uint64_t offset = 1; offset < written; ++offset) {
      run(FaultPlan().SplitWrites(SplitPolicy::AtOffsets({offset})));
      if (::testing::Test::HasFailure()) return;
    }
  }
  std::cout << name << ", cut at each byte: " << runs << " runs\n";
}

TEST(FlowSplitTest, PlainIsCutAtEachByte) {
  RunCutAtEachByte("plain conversation", FlowTransport::kPlain, Conversation);
}
TEST(FlowSplitTest, PlainPipelineIsCutAtEachByte) {
  RunCutAtEachByte("plain pipeline", FlowTransport::kPlain, Pipeline);
}
TEST(FlowSplitTest, PlainDrainIsCutAtEachByte) {
  RunCutAtEachByte("plain drain", FlowTransport::kPlain, Drain);
}
// The length of a record may vary by a byte or two from run to run.
TEST(FlowSplitTest, TlsIsCutAtEachByte) {
  RunCutAtEachByte("TLS handshake and hello", FlowTransport::kTls, Greeting);
}

}  // namespace
}  // namespace coffer::server
