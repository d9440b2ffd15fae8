// For tests of what uses Topics: events, and a subscriber that writes down what
// it is given.

#ifndef COFFER_SERVER_SERVICE_TOPICS_TOPICS_TESTER_H_
#define COFFER_SERVER_SERVICE_TOPICS_TOPICS_TESTER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {

inline constexpr std::uint64_t kTestEpoch = 77;

inline v1::Publish MakePublish(const std::string& topic, std::int64_t value) {
  v1::Publish publish;
  publish.set_topic(topic);
  publish.add_data()->set_integer(value);
  return publish;
}

inline v1::Publish MakePublish(const std::string& topic,
                               const std::string& value) {
  v1::Publish publish;
  publish.set_topic(topic);
  publish.add_data()->set_string(value);
  return publish;
}

inline v1::CommandResponse ParseEvent(const Event& event) {
  v1::CommandResponse response;
  EXPECT_TRUE(response.ParseFromArray(event.bytes().data(),
                                      static_cast<int>(event.bytes().size())));
  return response;
}

// Counts how often it is woken. Any thread.
struct CountingWaker : TopicWaker {
  void Wake(std::uint64_t) override { ++wakes; }
  std::atomic<int> wakes{0};
};

class TestSubscriber {
 public:
  TestSubscriber(Topics* topics, const std::string& topic,
                 Topics::Start start = {}) {
    auto made = topics->Subscribe(topic, start, waker_);
    EXPECT_TRUE(made.ok()) << made.status();
    if (made.ok()) subscription_ = *std::move(made);
  }

  Subscription& subscription() { return *subscription_; }
  std::uint64_t id() const { return subscription_->id(); }
  int wakes() const { return waker_->wakes; }

  // One step: "5:v" for event 5 with value v, "lost to 5", "ended" or "".
  std::string Next() {
    const Subscription::Item item = subscription_->Next();
    switch (item.kind) {
      case Subscription::Item::Kind::kNothing:
        return "";
      case Subscription::Item::Kind::kLost:
        return absl::StrCat("lost to ", item.lost_to);
      case Subscription::Item::Kind::kPassed:
        return absl::StrCat("passed to ", item.passed_to);
      case Subscription::Item::Kind::kEnded:
        return "ended";
      case Subscription::Item::Kind::kEvent:
        break;
    }
    const v1::CommandResponse event = ParseEvent(*item.event);
    EXPECT_EQ(event.event().sequence(), item.event->sequence());
    return absl::StrCat(event.event().sequence(), ":",
                        event.values(0).integer());
  }

  // All that is there now.
  std::string All() {
    std::string all;
    for (std::string next = Next(); !next.empty(); next = Next()) {
      absl::StrAppend(&all, all.empty() ? "" : " ", next);
      if (next == "ended") break;
    }
    return all;
  }

 private:
  const std::shared_ptr<CountingWaker> waker_ =
      std::make_shared<CountingWaker>();
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_TOPICS_TOPICS_TESTER_H_
