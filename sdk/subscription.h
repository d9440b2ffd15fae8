// Subscription: the events of one topic, one after the other.
//
//   auto news = co_await client.Subscribe("news");
//   if (!news.ok()) co_return news.status();
//   for (;;) {
//     absl::StatusOr<Event> event = co_await news->Next();
//     if (!event.ok()) co_return event.status();
//     if (event->kind == Event::Kind::kGap) ...  // some are missing
//   }
//
// It lives on when the connection is lost: it goes on after the event that came
// last, and what the server no longer has is told as a gap. Back-pressure: the
// server sends no more than SubscribeOptions::events_max ahead of Next.
//
// It ends when it is destroyed, or with an error of Next, which is final. One
// Next at a time. Threads: any. Movable.

#ifndef COFFER_SDK_SUBSCRIPTION_H_
#define COFFER_SDK_SUBSCRIPTION_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/sdk/event.h"

namespace coffer {

class Subscription {
 public:
  explicit Subscription(std::unique_ptr<EventSource> source)
      : source_(std::move(source)) {}

  boost::asio::any_io_executor get_executor() {
    return source_->get_executor();
  }

  // void(absl::StatusOr<Event>). A Next that is cancelled takes no event.
  // Errors: ResourceExhausted: too slow, and asked to be disconnected then;
  // Cancelled: by the caller, or the connection was closed; what the server
  // says when it ends the subscription.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Next(Token&& token = Token()) {
    return boost::asio::async_initiate<Token, EventSource::NextSignature>(
        [source = source_.get()](auto handler) {
          source->Next(EventSource::NextHandler(std::move(handler)));
        },
        token);
  }

  // Where to go on with another one, also of another process
  // (SubscribeOptions::GoOnAfter). As EventSource::position.
  EventPosition position() const { return source_->position(); }

 private:
  std::unique_ptr<EventSource> source_;
};

namespace internal {

inline absl::StatusOr<Subscription> ToSubscription(
    absl::StatusOr<std::unique_ptr<EventSource>> source) {
  if (!source.ok()) return source.status();
  return Subscription(*std::move(source));
}

}  // namespace internal
}  // namespace coffer

#endif  // COFFER_SDK_SUBSCRIPTION_H_
