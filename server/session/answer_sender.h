// AnswerSender: a session's way out: encodes answers and events into the
// stream's write buffer and flushes it, and tells the hooks what became of each
// answer.
//
// Threads: the stream's executor. Completion: its coroutines are the session's,
// one at a time; FeedEvent may be called while one of them flushes. Cancelled
// while it flushes, it fails, and what was fed is in the buffer still.

#ifndef COFFER_SERVER_SESSION_ANSWER_SENDER_H_
#define COFFER_SERVER_SESSION_ANSWER_SENDER_H_

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/peer.h"
#include "coffer/server/session/subscriptions.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// `Framed`: a FramedStream of requests and responses.
template <class Framed>
class AnswerSender {
 public:
  // All outlive this.
  AnswerSender(Framed* stream, Service* service, Peer* peer)
      : stream_(*stream), service_(*service), peer_(*peer) {}

  // The message that is to be sent next, reused from one to the next.
  v1::CommandResponse& response() { return response_; }

  // Waits until there is room for an answer. No event takes it meanwhile.
  boost::asio::awaitable<absl::Status> MakeRoom() {
    absl::Status status;
    answer_waits_ = true;
    while (status.ok() && !stream_.is_ready()) status = co_await Flush();
    answer_waits_ = false;
    co_return status;
  }
  bool answer_waits() const { return answer_waits_; }

  // Encodes response(), the answer to `request`; there is room. What is over
  // the peer's limit all the same (a hook may have added to it) is replaced by
  // an error, which fits.
  absl::Status Feed(const v1::CommandRequest& request) {
    const v1::Outcome if_replaced = OutcomeIfReplaced(request, response_);
    peer_.FinishAnswer(request.request_id(), &response_);
    service_.BeforeSend(response_);
    ++unsent_;
    absl::Status fed = stream_.Feed(response_);
    if (absl::IsResourceExhausted(fed)) {
      peer_.MakeError(fed, if_replaced, request.request_id(), &response_);
      fed = stream_.Feed(response_);
    }
    if (!fed.ok()) TellHooks(fed);
    Shrink();
    return fed;
  }

  // Sends response(), which is the session's own and none of the service's: no
  // hook is called.
  boost::asio::awaitable<absl::Status> SendOwn() {
    absl::Status status = co_await MakeRoom();
    if (status.ok()) status = stream_.Feed(response_);
    if (!status.ok()) co_return status;
    co_return co_await Flush();
  }

  // Encodes what a subscription is to be sent; the buffer is not full. Where
  // the event is over the peer's limit: see Subscriptions::TooLarge.
  void FeedEvent(Subscriptions& subscriptions, Subscriptions::Outgoing* out) {
    if (out->event != nullptr) {
      const std::array<absl::string_view, 2> pieces = {
          out->older ? out->event->older_bytes() : out->event->bytes(),
          out->older ? absl::string_view() : out->id_field};
      if (!absl::IsResourceExhausted(stream_.FeedPayload(pieces))) return;
      subscriptions.TooLarge(out);
      if (out->older) return;
    }
    // That writing has failed is told by the next flush.
    stream_.Feed(out->message).IgnoreError();
  }

  boost::asio::awaitable<absl::Status> Flush() {
    flushing_ = true;
    auto [error] = co_await stream_.Flush(kAwaitTuple);
    flushing_ = false;
    absl::Status status =
        error ? ToStatus(error, "sending answers") : absl::OkStatus();
    TellHooks(status);
    co_return status;
  }

  bool flushing() const { return flushing_; }

  std::size_t memory_bytes() const { return response_.SpaceUsedLong(); }

 private:
  static constexpr auto kAwaitTuple =
      boost::asio::as_tuple(boost::asio::use_awaitable);

  // What response_ may hold on to between two answers.
  static constexpr int kElementsKept = 256;
  static constexpr int kBytesKept = 16 << 10;

  void TellHooks(const absl::Status& status) {
    for (; unsent_ > 0; --unsent_) service_.AfterSend(status);
  }

  // protobuf's Clear keeps all that a message once held: one large answer would
  // stay with the connection for good.
  void Shrink() {
    if (response_.values_size() > kElementsKept ||
        response_.pairs_size() > kElementsKept ||
        response_.states_size() > kElementsKept ||
        response_.tables_size() > kElementsKept ||
        response_.GetCachedSize() > kBytesKept) {
      v1::CommandResponse().Swap(&response_);
    }
  }

  Framed& stream_;
  Service& service_;
  Peer& peer_;
  v1::CommandResponse response_;
  std::uint64_t unsent_ = 0;  // answers that were fed and not flushed
  bool flushing_ = false;
  bool answer_waits_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_ANSWER_SENDER_H_
