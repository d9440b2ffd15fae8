// Topics under several threads at once; the thread sanitizer watches.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/service/topics/topics_tester.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

constexpr int kPublishers = 3;
constexpr int kEvents = 3000;  // of each publisher

// Lets a thread wait for its subscription.
class BlockingWaker : public TopicWaker {
 public:
  void Wake(std::uint64_t) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return woken_; });
    woken_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

// Reads until the subscription is ended. Sequences are seen one by one but for
// losses that were told, and each publisher's events in its order. Returns the
// number of events that were seen or told to be lost.
std::uint64_t ReadToTheEnd(Subscription& subscription, BlockingWaker& waker) {
  std::uint64_t at = subscription.start_sequence();
  std::map<std::int64_t, std::int64_t> latest;  // by publisher
  for (;;) {
    const Subscription::Item item = subscription.Next();
    switch (item.kind) {
      case Subscription::Item::Kind::kNothing:
        waker.Wait();
        break;
      case Subscription::Item::Kind::kLost:
        EXPECT_GT(item.lost_to, at);
        at = item.lost_to;
        break;
      case Subscription::Item::Kind::kEvent: {
        EXPECT_EQ(item.event->sequence(), ++at);
        const std::int64_t value = ParseEvent(*item.event).values(0).integer();
        const std::int64_t publisher = value / kEvents;
        EXPECT_GT(value + 1, latest[publisher]) << "out of order";
        latest[publisher] = value + 1;
        break;
      }
      case Subscription::Item::Kind::kPassed:
        ADD_FAILURE() << "it wants all";
        return 0;
      case Subscription::Item::Kind::kEnded:
        return at - subscription.start_sequence();
    }
  }
}

void PublishAll(Topics& topics, int publisher) {
  for (int i = 0; i < kEvents; ++i) {
    topics.Publish(MakePublish("t", publisher * kEvents + i));
  }
}

TEST(TopicsThreads, EachSubscriberSeesEachEventOnceInOrderOrIsToldOfTheLoss) {
  Topics topics({.ring_events_max = 100}, kTestEpoch);
  std::vector<std::thread> readers;
  std::vector<std::uint64_t> ids(4);
  std::vector<std::uint64_t> counted(ids.size());
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto waker = std::make_shared<BlockingWaker>();
    subscriptions.push_back(*topics.Subscribe("t", {}, waker));
    ids[i] = subscriptions[i]->id();
    readers.emplace_back([&counted, i, waker, own = subscriptions[i].get()] {
      counted[i] = ReadToTheEnd(*own, *waker);
    });
  }
  std::vector<std::thread> publishers;
  for (int p = 0; p < kPublishers; ++p) {
    publishers.emplace_back([&topics, p] { PublishAll(topics, p); });
  }
  for (std::thread& publisher : publishers) publisher.join();
  for (const std::uint64_t id : ids) EXPECT_TRUE(topics.End("t", id));
  for (std::thread& reader : readers) reader.join();
  for (const std::uint64_t count : counted) {
    EXPECT_EQ(count, std::uint64_t{kPublishers * kEvents});
  }
  subscriptions.clear();
  EXPECT_EQ(topics.counts().subscriptions, 0u);
}

// Subscribers come and go, topics are emptied and evicted meanwhile.
TEST(TopicsThreads, SubscribersComeAndGoWhileOthersPublishAndAreEvicted) {
  Topics topics({.ring_events_max = 4, .total_bytes_max = 8000}, kTestEpoch);
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int p = 0; p < 2; ++p) {
    threads.emplace_back([&topics, &over] {
      for (int i = 0; i < 20000; ++i) {
        topics.Publish(MakePublish(absl::StrCat("t", i % 7), i));
      }
      over = true;
    });
  }
  for (int s = 0; s < 2; ++s) {
    threads.emplace_back([&topics, &over, s] {
      for (int i = s; !over; ++i) {
        TestSubscriber subscriber(&topics, absl::StrCat("t", i % 7));
        subscriber.Next();
        subscriber.subscription().Pause(i % 2 == 0);
        topics.End(absl::StrCat("t", i % 7), subscriber.id());
        subscriber.All();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(topics.counts().subscriptions, 0u);
  EXPECT_EQ(topics.counts().published, 40000u);
  // Beside what two publishers add at the same moment.
  EXPECT_LE(topics.counts().bytes, 8000u + 3000u);
}

// What is published after Subscribe has returned is never missed, however the
// topic is emptied at the same moment.
TEST(TopicsThreads, NothingIsMissedAfterSubscribing) {
  for (int round = 0; round < 300; ++round) {
    Topics topics({}, kTestEpoch);
    std::thread goes([&topics] { TestSubscriber(&topics, "t").All(); });
    TestSubscriber subscriber(&topics, "t");
    topics.Publish(MakePublish("t", round));
    EXPECT_EQ(subscriber.All(), absl::StrCat("1:", round));
    goes.join();
  }
}

}  // namespace
}  // namespace coffer::server
