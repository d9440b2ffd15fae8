// Subscriber: the session's part in the commands of subscriptions. The service
// executes them in the order of requests; what they open belongs to the session
// that asked, which sends the events.
//
// Called on the session's thread, from Service::Answer.

#ifndef COFFER_SERVER_SERVICE_SUBSCRIBER_H_
#define COFFER_SERVER_SERVICE_SUBSCRIBER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class Subscriber {
 public:
  virtual ~Subscriber() = default;

  // SUBSCRIBE of an older peer: the id. InvalidArgument for one of ours.
  // ResourceExhausted here and below: the session has too many already.
  virtual absl::StatusOr<std::uint64_t> Subscribe(const std::string& topic) = 0;
  // InvalidArgument: it is to start in the future.
  virtual absl::StatusOr<v1::SubscriptionReply> Open(
      const v1::OpenSubscription& open) = 0;
  // InvalidArgument also: it does not say what is to be watched. Unimplemented:
  // the engine tells no changes.
  virtual absl::StatusOr<v1::SubscriptionReply> OpenWatch(
      const v1::OpenWatch& open) = 0;
  // NotFound: this session has no such subscription.
  virtual absl::Status Close(std::uint64_t id) = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_SUBSCRIBER_H_
