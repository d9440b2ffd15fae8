// Subscription: a subscriber's place in a topic; made by Topics::Subscribe. It
// ends when it is destroyed, at once.
//
// Threads: one at a time; publishers work on the topic meanwhile. Topics
// outlives it.

#ifndef COFFER_SERVER_SERVICE_TOPICS_SUBSCRIPTION_H_
#define COFFER_SERVER_SERVICE_TOPICS_SUBSCRIPTION_H_

#include <cstdint>
#include <mutex>

#include "absl/types/optional.h"
#include "coffer/server/service/topics/topic.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class Topics;

class Subscription {
 public:
  using Item = Topic::Item;

  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

  // From 1, never used twice.
  std::uint64_t id() const { return reader_.id; }
  // The last event before the first that it is given.
  std::uint64_t start_sequence() const { return start_sequence_; }
  // Set if events between the place it was to start at and the one it does may
  // be missing, and why.
  absl::optional<v1::Gap::Reason> start_gap() const { return start_gap_; }

  // What comes next. After kNothing the waker is called when there is more.
  Item Next();

  // To be called when Next will not be for a while: the waker is called when
  // the subscription is ended and, with `until_lost`, when its next event is
  // evicted, if one of them is not so already.
  void Pause(bool until_lost);

  // Whether Topics::End was called for it.
  bool ending() const;
  // Whether the next event is evicted.
  bool lost() const;

 private:
  friend class Topics;

  Subscription(Topics* topics, std::mutex* mutex, Topic* topic)
      : topics_(*topics), mutex_(*mutex), topic_(*topic) {}

  Topics& topics_;
  std::mutex& mutex_;  // its topic's shard's
  Topic& topic_;
  Topic::Reader reader_;
  std::uint64_t start_sequence_ = 0;
  absl::optional<v1::Gap::Reason> start_gap_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_TOPICS_SUBSCRIPTION_H_
