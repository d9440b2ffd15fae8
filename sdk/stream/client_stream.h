// ClientStream: one request at a time over one connection.
//
//   ClientStream<tcp::socket> client(std::move(socket));
//   absl::StatusOr<CommandResponse> answer =
//       co_await client.Execute(MakeHget("users", "ada"));
//
// Hello comes first, or not at all: without it the peer is spoken to in the
// older protocol.
//
// Completion: any token (use_awaitable by default); exactly once, never inside
// the initiating call, on the handler's associated executor. Results are
// absl::Status and absl::StatusOr; nothing throws.
//
// Cancellation: per operation, every type; Cancelled. The connection stays
// good: an answer that comes too late is received and dropped by the next
// Execute.
//
// Errors: an answer with an error status (404, ...) is an answer, not an error
// of Execute. Unavailable: the connection ended without an answer. DataLoss,
// InvalidArgument, ResourceExhausted: the peer's bytes were malformed, or a
// message was over a limit. DataLoss also when the answers are not those to the
// requests, which is final. InvalidArgument also for a request whose text is
// not UTF-8, which a server would take for malformed: nothing is sent of it.
//
// Execute ends with its answer, or with the end of input: what the peer has not
// taken of the request by then (it refused it, or reads no more) stays with the
// stream, and goes before the next one.
//
// Not thread-safe; one operation at a time; not to be moved or destroyed while
// one is pending.

#ifndef COFFER_SDK_STREAM_CLIENT_STREAM_H_
#define COFFER_SDK_STREAM_CLIENT_STREAM_H_

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/check_text.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

struct ClientStreamOptions {
  HelloOptions hello;
  std::string client_name;
  // 16 bytes that name this ClientStream, and no other, for each begins its
  // request ids anew. Empty: random ones, by MakeClientId. For tests that are
  // to be the same in every run.
  std::string client_id;
  std::size_t write_high_mark_bytes = 1 << 20;
  std::size_t write_low_mark_bytes = 256 << 10;
};

template <class AsyncStream>
class ClientStream {
 public:
  using executor_type = typename AsyncStream::executor_type;
  using Framed =
      FramedStream<AsyncStream, v1::CommandResponse, v1::CommandRequest>;

  explicit ClientStream(AsyncStream transport, ClientStreamOptions options = {})
      : options_(std::move(options)),
        stream_(std::move(transport), StreamOptions(options_)) {}

  executor_type get_executor() { return stream_.get_executor(); }
  Framed& framed() { return stream_; }

  // Agrees on compression and limits. void(absl::Status). A server of the older
  // protocol is no error: it is spoken to as it expects.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Hello(Token&& token = Token()) {
    return internal::Spawn<absl::Status>(
        get_executor(), [this] { return DoHello(); },
        std::forward<Token>(token));
  }

  // Sends `request` and waits for its answer. After Hello its request_id is set
  // to its number on this connection, whatever it was; before, it is sent as it
  // is. void(absl::StatusOr<v1::CommandResponse>).
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Execute(v1::CommandRequest request, Token&& token = Token()) {
    return internal::Spawn<absl::StatusOr<v1::CommandResponse>>(
        get_executor(),
        [this, request = std::move(request)]() mutable {
          return DoExecute(&request);
        },
        std::forward<Token>(token));
  }

  // Tells the server that nothing more will come. void(absl::Status).
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Close(Token&& token = Token()) {
    return internal::Spawn<absl::Status>(
        get_executor(), [this] { return DoClose(); },
        std::forward<Token>(token));
  }

  // Hello was said and understood.
  bool peer_said_hello() const { return peer_said_hello_; }

 private:
  using error_code = boost::system::error_code;
  using Response = absl::StatusOr<v1::CommandResponse>;
  static constexpr auto kAwaitTuple =
      boost::asio::as_tuple(boost::asio::use_awaitable);

  static FramedStreamOptions StreamOptions(const ClientStreamOptions& options) {
    FramedStreamOptions framed;
    framed.read_limits = options.hello.limits;
    framed.write_high_mark_bytes = options.write_high_mark_bytes;
    framed.write_low_mark_bytes = options.write_low_mark_bytes;
    return framed;
  }

  boost::asio::awaitable<Response> DoExecute(v1::CommandRequest* request) {
    using boost::asio::experimental::awaitable_operators::operator&&;
    if (!mismatch_.ok()) co_return mismatch_;
    if (absl::Status text = CheckText(*request); !text.ok()) co_return text;
    if (!stream_.is_ready()) {
      absl::Status room = co_await MakeRoom();
      if (!room.ok()) co_return room;
    }
    if (peer_said_hello_) request->set_request_id(requests_fed_ + 1);
    if (absl::Status fed = stream_.Feed(*request); !fed.ok()) co_return fed;
    const std::uint64_t mine = ++requests_fed_;
    // Both at once: the server may not read on before an answer is taken, to a
    // call that was cancelled, or to this one, refused before it has all
    // arrived. (Named, because GCC 12 destroys a lambda in a co_await
    // expression twice.)
    auto flush = Cancellable<error_code>([this] { return FlushAll(); });
    auto receive =
        Cancellable<Response>([this, mine] { return Receive(mine); });
    auto [write_error, response] =
        co_await (std::move(flush) && std::move(receive));
    if (!response.ok() && sending_failed_ &&
        (absl::IsUnavailable(response.status()) ||
         absl::IsCancelled(response.status()))) {
      co_return ToStatus(write_error, "sending the request");
    }
    co_return std::move(response);
  }

  // Requests of cancelled calls, or what the peer did not take of one that it
  // refused, have filled the write buffer: writes them, and takes the answers
  // meanwhile.
  boost::asio::awaitable<absl::Status> MakeRoom() {
    using boost::asio::experimental::awaitable_operators::operator||;
    while (!stream_.is_ready()) {
      auto ready = Cancellable<error_code>([this] { return WaitReady(); });
      auto skip = Cancellable<absl::Status>([this] { return Skip(); });
      auto first = co_await (std::move(ready) || std::move(skip));
      if (first.index() == 1) {
        if (!std::get<1>(first).ok()) co_return std::get<1>(first);
      } else if (const error_code error = std::get<0>(first)) {
        co_return ToStatus(error, "sending the request");
      }
    }
    co_return absl::OkStatus();
  }

  template <class Result, class Coroutine>
  static boost::asio::awaitable<Result> Cancellable(Coroutine coroutine) {
    return internal::RunCancellable<Result>(std::move(coroutine));
  }

  // When sending fails, nothing more than what has arrived will come: the
  // answer may be among it, as the server's reason to read no further.
  boost::asio::awaitable<error_code> FlushAll() {
    auto [error] = co_await stream_.Flush(kAwaitTuple);
    if (error && error != boost::asio::error::operation_aborted) {
      sending_failed_ = true;
      // Behind the completion of a read that has found bytes.
      co_await boost::asio::post(get_executor(), boost::asio::use_awaitable);
      stream_.CancelSource();
    }
    co_return error;
  }

  boost::asio::awaitable<error_code> WaitReady() {
    auto [error] = co_await stream_.Ready(kAwaitTuple);
    co_return error;
  }

  // Takes the next answer, which nobody waits for.
  boost::asio::awaitable<absl::Status> Skip() {
    auto [error, response] = co_await stream_.Next(kAwaitTuple);
    co_return error ? ReceiveStatus(error) : CountAnswer(response);
  }

  // The answer to request number `mine`. Whatever it is, there is nothing to
  // wait for any more, so the flush ends too.
  boost::asio::awaitable<Response> Receive(std::uint64_t mine) {
    Response result = co_await ReceiveAnswer(mine);
    stream_.CancelSink();
    co_return std::move(result);
  }

  boost::asio::awaitable<Response> ReceiveAnswer(std::uint64_t mine) {
    for (;;) {
      v1::CommandResponse response;
      const error_code error = co_await NextAnswer(&response);
      if (error) co_return ReceiveStatus(error);
      absl::Status counted = CountAnswer(response);
      if (!counted.ok()) co_return counted;
      if (answers_received_ == mine) co_return std::move(response);
    }
  }

  // operation_aborted: cancelled, or there is none and sending has failed.
  boost::asio::awaitable<error_code> NextAnswer(v1::CommandResponse* response) {
    for (;;) {
      switch (stream_.TryNext(response)) {
        case NextResult::kMessage:
          co_return error_code();
        case NextResult::kEnd:
          co_return stream_.read_error();
        case NextResult::kNothingYet:
          break;
      }
      if (sending_failed_) {
        auto [error] = co_await stream_.ReadableNow(kAwaitTuple);
        if (error) co_return error;
      } else {
        auto [error] = co_await stream_.WaitReadable(kAwaitTuple);
        if (error) co_return error;
      }
    }
  }

  // Answers come in the order of the requests. After Hello they also say which
  // request they are to, but for a refusal of what the server could not read.
  absl::Status CountAnswer(const v1::CommandResponse& response) {
    const std::uint64_t expected = ++answers_received_;
    const std::uint64_t id = response.request_id();
    if (expected > requests_fed_) {
      mismatch_ = absl::DataLossError("an answer to no request");
    } else if (peer_said_hello_ && id != expected &&
               !(id == 0 && response.status() >= 400)) {
      mismatch_ = absl::DataLossError(absl::StrCat(
          "answer to request ", id, " where ", expected, " was expected"));
    }
    return mismatch_;
  }

  absl::Status ReceiveStatus(error_code error) const {
    if (error == boost::asio::error::operation_aborted) {
      return absl::CancelledError("cancelled while waiting for the answer");
    }
    if (error == boost::asio::error::eof) {
      return absl::UnavailableError(
          "the server closed the connection without an answer");
    }
    return stream_.read_status();
  }

  boost::asio::awaitable<absl::Status> DoHello() {
    v1::CommandRequest hello = MakeHello(
        options_.hello,
        options_.client_id.empty() ? MakeClientId() : options_.client_id,
        options_.client_name);
    Response response = co_await DoExecute(&hello);
    if (!response.ok()) co_return response.status();
    if (response->status() == 400 && !response->has_hello()) {
      co_return absl::OkStatus();  // an older peer
    }
    if (response->status() != 200) co_return ToStatus(*response);
    auto encoder = AcceptHelloReply(response->hello(), options_.hello);
    if (!encoder.ok()) co_return encoder.status();
    stream_.set_encoder_options(*encoder);
    peer_said_hello_ = true;
    co_return absl::OkStatus();
  }

  boost::asio::awaitable<absl::Status> DoClose() {
    auto [error] = co_await stream_.Close(kAwaitTuple);
    co_return error ? ToStatus(error, "closing the connection")
                    : absl::OkStatus();
  }

  ClientStreamOptions options_;
  Framed stream_;
  std::uint64_t requests_fed_ = 0;
  std::uint64_t answers_received_ = 0;
  bool peer_said_hello_ = false;
  bool sending_failed_ = false;
  absl::Status mismatch_;  // of an answer and its request: final
};

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_CLIENT_STREAM_H_
