// What Topics costs, in bytes of the heap. (Under the address sanitizer, which
// has a heap of its own, the counts are 0.)

#include <malloc.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/service/topics/topics_tester.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

std::size_t HeapBytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(TopicsMemory, SubscribersOfRandomTopicsCostNothingAfterwards) {
  Topics topics({}, kTestEpoch);
  auto waker = std::make_shared<CountingWaker>();
  const auto subscribe = [&](int i) {
    auto made = topics.Subscribe(absl::StrCat("topic ", i), {}, waker);
    ASSERT_TRUE(made.ok());
    EXPECT_EQ((*made)->Next().kind, Subscription::Item::Kind::kNothing);
  };
  for (int i = 0; i < 100; ++i) subscribe(i);
  const std::size_t before = HeapBytes();
  for (int i = 0; i < 100000; ++i) subscribe(i);
  EXPECT_LE(HeapBytes(), before + 4096);
  EXPECT_EQ(topics.counts().topics, 0u);
}

TEST(TopicsMemory, AllRingsTogetherStayWithinTheTotal) {
  constexpr std::size_t kTotal = 1 << 20;
  for (const std::size_t size : {0, 10, 3000}) {
    Topics topics({.total_bytes_max = kTotal}, kTestEpoch);
    const std::size_t before = HeapBytes();
    for (int i = 0; i < 20000; ++i) {
      topics.Publish(
          MakePublish(absl::StrCat("topic ", i), std::string(size, 'x')));
    }
    EXPECT_LE(topics.counts().bytes, kTotal);
    EXPECT_GT(topics.counts().bytes, kTotal / 2) << "the bound is made use of";
    // Beside it, the tables of topics.
    EXPECT_LE(HeapBytes(), before + kTotal + kTotal / 4) << size;
  }
}

// A subscriber that never reads costs no more than the ring does anyway.
TEST(TopicsMemory, SubscriberThatDoesNotReadCostsTheRingAndNoMore) {
  constexpr std::size_t kRing = 1 << 20;
  Topics topics({.ring_events_max = 1000000, .ring_bytes_max = kRing},
                kTestEpoch);
  TestSubscriber slow(&topics, "t");
  slow.All();
  const std::size_t before = HeapBytes();
  for (int i = 0; i < 100000; ++i) {
    topics.Publish(MakePublish("t", std::string(1000, 'x')));
  }
  EXPECT_LE(HeapBytes(), before + kRing + kRing / 4);
}

}  // namespace
}  // namespace coffer::server
