// The flow of client and server with every operation divided: byte by byte, in
// halves, by chance, and once at each offset of either direction.

#include <memory>
#include <string>

#include "coffer/server/flow_harness.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::FaultOp;
using coffer_testing::FaultPlan;
using coffer_testing::SplitPolicy;

FaultPlan Divided(const SplitPolicy& policy) {
  return FaultPlan().SplitReads(policy).SplitWrites(policy);
}

template <bool kOverTls>
void ConverseDivided(const FaultPlan& client, const FaultPlan& server) {
  SCOPED_TRACE("client " + client.ToString() + ", server " + server.ToString());
  FlowHarness<kOverTls> flow(Faults(client), Faults(server));
  flow.Start();
  const absl::Status status = flow.Result();
  EXPECT_TRUE(status.ok()) << status;
  flow.CheckAfterwards();
}

template <bool kOverTls>
void ConverseDividedEachWay() {
  for (const SplitPolicy& policy :
       {SplitPolicy::OneByte(), SplitPolicy::Half(), SplitPolicy::Max(3),
        SplitPolicy::Sizes({1, 4, 2, 1000})}) {
    ConverseDivided<kOverTls>(Divided(policy), FaultPlan());
    ConverseDivided<kOverTls>(FaultPlan(), Divided(policy));
    ConverseDivided<kOverTls>(Divided(policy), Divided(policy));
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    ConverseDivided<kOverTls>(Divided(SplitPolicy::Seeded(seed)),
                              Divided(SplitPolicy::Seeded(seed + 1000)));
  }
}

TEST(FlowSplitTest, PlainIsDividedEachWay) { ConverseDividedEachWay<kPlain>(); }
TEST(FlowSplitTest, TlsIsDividedEachWay) { ConverseDividedEachWay<kTls>(); }

// Of what the client reads and writes in the flow.
TEST(FlowSplitTest, PlainIsCutAtEachByte) {
  const auto faults = NoFaults();
  {
    FlowHarness<kPlain> flow(faults, NoFaults());
    flow.Start();
    ASSERT_TRUE(flow.Result().ok());
    flow.CheckAfterwards();
  }
  const uint64_t read = faults->bytes(FaultOp::kRead);
  const uint64_t written = faults->bytes(FaultOp::kWrite);
  ASSERT_GT(read, 100u);
  ASSERT_GT(written, 100u);
  for (uint64_t offset = 1; offset < read; ++offset) {
    ConverseDivided<kPlain>(
        FaultPlan().SplitReads(SplitPolicy::AtOffsets({offset})), FaultPlan());
    if (HasFailure()) return;
  }
  for (uint64_t offset = 1; offset < written; ++offset) {
    ConverseDivided<kPlain>(
        FaultPlan().SplitWrites(SplitPolicy::AtOffsets({offset})), FaultPlan());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace coffer::server
