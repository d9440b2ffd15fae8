#include "coffer/sdk/connection/idle_probe.h"

#include <chrono>

#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Action = IdleProbe::Action;

constexpr Clock::TimePoint kStart;

ConnectionProgress At(std::uint64_t received, std::uint64_t fed,
                      std::uint64_t written) {
  ConnectionProgress progress;
  progress.received = received;
  progress.fed = fed;
  progress.written = written;
  return progress;
}

TEST(IdleProbe, SilentPeerIsFoundWithinTwoIntervals) {
  IdleProbe probe(seconds(2));
  probe.Start(kStart);
  EXPECT_EQ(probe.next_look(), kStart + seconds(2));
  EXPECT_EQ(probe.Look(kStart + milliseconds(1999), At(0, 0, 0)),
            Action::kNothing);
  EXPECT_EQ(probe.Look(kStart + seconds(2), At(0, 0, 0)), Action::kPing);
  probe.Pinged(kStart + seconds(2), At(0, 10, 0));
  EXPECT_TRUE(probe.ping_unwritten());
  EXPECT_EQ(probe.Look(kStart + seconds(2), At(0, 10, 10)), Action::kNothing);
  EXPECT_FALSE(probe.ping_unwritten());
  EXPECT_EQ(probe.Look(kStart + milliseconds(3999), At(0, 10, 10)),
            Action::kNothing);
  EXPECT_EQ(probe.Look(kStart + seconds(4), At(0, 10, 10)), Action::kDead);
}

TEST(IdleProbe, AnyByteIsASignOfLife) {
  IdleProbe probe(seconds(2));
  probe.Start(kStart);
  ASSERT_EQ(probe.Look(kStart + seconds(2), At(0, 0, 0)), Action::kPing);
  probe.Pinged(kStart + seconds(2), At(0, 10, 10));
  EXPECT_EQ(probe.Look(kStart + seconds(3), At(1, 10, 10)), Action::kNothing);
  EXPECT_EQ(probe.next_look(), kStart + seconds(5));
  EXPECT_EQ(probe.Look(kStart + seconds(4), At(1, 10, 10)), Action::kNothing);
  EXPECT_EQ(probe.Look(kStart + seconds(5), At(1, 10, 10)), Action::kPing);
}

TEST(IdleProbe, LargeRequestThatIsBeingSentIsNoDeath) {
  IdleProbe probe(seconds(2));
  probe.Start(kStart);
  ASSERT_EQ(probe.Look(kStart + seconds(2), At(0, 1000000, 10)), Action::kPing);
  probe.Pinged(kStart + seconds(2), At(0, 1000010, 10));
  for (int i = 3; i < 60; ++i) {
    ASSERT_EQ(probe.Look(kStart + seconds(i), At(0, 1000010, i * 100)),
              Action::kNothing);
  }
  // Now it stands still.
  EXPECT_EQ(probe.Look(kStart + seconds(60), At(0, 1000010, 5900)),
            Action::kNothing);
  EXPECT_EQ(probe.Look(kStart + seconds(61), At(0, 1000010, 5900)),
            Action::kDead);
}

TEST(IdleProbe, OffByDefaultOfZero) {
  IdleProbe probe(seconds(0));
  probe.Start(kStart);
  EXPECT_FALSE(probe.enabled());
  EXPECT_EQ(probe.Look(kStart + seconds(1000), At(0, 0, 0)), Action::kNothing);
}

}  // namespace
}  // namespace coffer::internal
