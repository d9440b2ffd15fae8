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

template <bool kOverTls, class FlowKind>
void RunDivided(const std::shared_ptr<FaultInjector>& client,
                const std::shared_ptr<FaultInjector>& server) {
  SCOPED_TRACE("client " + client->plan().ToString() + ", server " +
               server->plan().ToString());
  FlowHarness<kOverTls> flow(client, server);
  flow.Spawn([&flow] { return FlowKind::Run(flow); });
  const absl::Status status = flow.Result();
  EXPECT_TRUE(status.ok()) << status;
  flow.CheckAfterwards();
}

template <bool kOverTls, class FlowKind>
void RunDividedEachWay() {
  const auto run = [](const FaultPlan& client, const FaultPlan& server) {
    RunDivided<kOverTls, FlowKind>(Faults(client), Faults(server));
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
  RunDividedEachWay<kPlain, Conversation>();
}
TEST(FlowSplitTest, TlsIsDividedEachWay) {
  RunDividedEachWay<kTls, Conversation>();
}
TEST(FlowSplitTest, PlainPipelineIsDividedEachWay) {
  RunDividedEachWay<kPlain, Pipeline>();
}
TEST(FlowSplitTest, TlsPipelineIsDividedEachWay) {
  RunDividedEachWay<kTls, Pipeline>();
}
TEST(FlowSplitTest, PlainDrainIsDividedEachWay) {
  RunDividedEachWay<kPlain, Drain>();
}
TEST(FlowSplitTest, TlsDrainIsDividedEachWay) {
  RunDividedEachWay<kTls, Drain>();
}

// Of what the client, or the server, reads and writes in the flow.
template <bool kOverTls, class FlowKind>
void RunCutAtEachByte(const char* name) {
  uint64_t runs = 0;
  for (const bool client : {true, false}) {
    const auto run = [&](const FaultPlan& plan) {
      const auto faults = Faults(plan);
      RunDivided<kOverTls, FlowKind>(client ? faults : NoFaults(),
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
  RunCutAtEachByte<kPlain, Conversation>("plain conversation");
}
TEST(FlowSplitTest, PlainPipelineIsCutAtEachByte) {
  RunCutAtEachByte<kPlain, Pipeline>("plain pipeline");
}
TEST(FlowSplitTest, PlainDrainIsCutAtEachByte) {
  RunCutAtEachByte<kPlain, Drain>("plain drain");
}
// The length of a record may vary by a byte or two from run to run.
TEST(FlowSplitTest, TlsIsCutAtEachByte) {
  RunCutAtEachByte<kTls, Greeting>("TLS handshake and hello");
}

}  // namespace
}  // namespace coffer::server
