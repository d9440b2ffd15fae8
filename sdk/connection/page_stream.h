// PageStream: the pages of a Scan or a ListTables, one after the other, the
// next one fetched while this one is taken. Under BasicScanner (scan.h).
//
// It holds one page and one more at most. A page that could not be fetched is
// asked for again by the next Wait; nothing that was fetched is lost, whoever
// is cancelled.
//
// It keeps no connection: whoever owns it does. What waits belongs to the call
// under way, so that a context which is destroyed takes both along.
//
// Threads: any. Wait: one at a time; completes once, never inside the call, on
// the handler's executor, by default the connection's; every type of
// cancellation.

#ifndef COFFER_SDK_CONNECTION_PAGE_STREAM_H_
#define COFFER_SDK_CONNECTION_PAGE_STREAM_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection/decode_answer.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

class PageStream : public std::enable_shared_from_this<PageStream> {
 public:
  using Handler = boost::asio::any_completion_handler<void(absl::Status)>;

  // `first`: the request of the first page. `options`: of each page's call.
  // With `prefetch` a page is fetched while the one before is taken, else when
  // that is done.
  PageStream(const std::shared_ptr<Connection>& connection,
             v1::CommandRequest first, CallOptions options, bool prefetch);

  boost::asio::any_io_executor get_executor() { return executor_; }

  // OK: there is something to take, or there is nothing any more. Else the
  // error of the call, or of what its answer says.
  void Wait(Handler handler);

  // After a Wait that was OK, and before the next one. The next state of a
  // scan, or table of a list; nullopt: it was the last.
  std::optional<v1::KeyState> TakeState();
  std::optional<v1::TableInfo> TakeTable();
  // All that is left of the page, with the cursor of the next one; nothing: it
  // was the last.
  v1::CommandResponse TakePage();

  // Cancels what is under way; a Wait gives Cancelled from now on.
  void Stop();

 private:
  // A call under way.
  struct Fetch {
    PendingHandler<absl::Status> waiter;
    std::uint64_t ticket = 0;  // of the waiter
    boost::asio::cancellation_signal cancel;
  };

  bool HasItem() const;
  // Whether a Wait is over; and whether to Start a fetch, which is under way
  // then.
  bool Advance(bool* fetch);
  void Start(const std::shared_ptr<Fetch>& fetch);
  void Fetched(Fetch& fetch, Answer answer);
  void CancelWait(std::uint64_t ticket);

  const std::weak_ptr<Connection> connection_;
  const boost::asio::any_io_executor executor_;
  const CallOptions options_;
  const bool prefetch_;

  std::mutex mutex_;
  // All guarded by it.
  v1::CommandRequest request_;  // of the next page; not changed during a fetch
  v1::CommandResponse page_;
  int at_ = 0;  // of the page's items, the first that is not taken
  std::optional<v1::CommandResponse> next_;
  bool more_ = true;  // there is a page after the last one that was fetched
  bool fetching_ = false;
  std::weak_ptr<Fetch> fetch_;
  std::uint64_t tickets_ = 0;
  bool stopped_ = false;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_PAGE_STREAM_H_
