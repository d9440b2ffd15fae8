// TableMirror: a map that follows a table, or its keys with a prefix.
//
//   coffer::TableMirror<std::int64_t> users(client, "users");
//   for (;;) {
//     auto change = co_await users.Next();
//     if (!change.ok()) co_return change.status();
//     Show(users.entries());
//   }
//
// It watches, reads the table, and takes each change that is later than what it
// has: those that come while it reads are part of what it then shows, later
// ones are given one by one. After a gap it watches and reads anew. So
// entries() become what the table is, whatever is lost on the way.
//
// They are not the table of one moment: after reading, each key is as it was at
// some time since the reading began, which it does with the watch, and goes
// through its changes from there. Nothing is shown that had ended before.
//
// Of changes that have come when the reading ends, only the outcome is shown.
// Later ones are compared by version with what was read; but of a key that was
// absent no version is known. So one that was set after the reading had begun,
// and was removed or had expired when its page was read, may be there, as it
// was set, until the change that ends it comes as well.
//
// It holds all of the table in memory; while it reads again, what it had before
// as well. A reading ends however much is written meanwhile: changes are taken
// as they come, and wait, here (MirrorOptions::events_max) and at the server,
// only while no Next is under way. Where changes are missing nevertheless, as
// they come faster than they are taken, what was read is given all the same,
// and the next call reads once more.
//
// Threads: none of its own, one at a time. Not movable. Ends when destroyed,
// which no Next may be under way for.

#ifndef COFFER_SDK_TABLE_MIRROR_H_
#define COFFER_SDK_TABLE_MIRROR_H_

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/key_state.h"
#include "coffer/sdk/latest_entries.h"
#include "coffer/sdk/scan.h"
#include "coffer/sdk/watch.h"

namespace coffer {

struct MirrorOptions {
  MirrorOptions() {}

  // Only keys that begin so.
  std::string prefix;
  // Changes that wait for Next, at most.
  std::size_t events_max = 1024;
  // Of each page that is read.
  CallOptions call;
};

// T is as for Client::Get.
template <class T = Value>
class TableMirror {
 public:
  using Entries = std::map<std::string, Versioned<T>>;
  using Result = absl::StatusOr<Change<T>>;

  TableMirror(Client client, std::string table,
              MirrorOptions options = MirrorOptions())
      : client_(std::move(client)),
        table_(std::move(table)),
        options_(std::move(options)) {}
  TableMirror(const TableMirror&) = delete;
  TableMirror& operator=(const TableMirror&) = delete;

  // Waits until there is something new, and gives what: a change that entries()
  // have now; or kGap: all was read anew, as by the first call.
  //
  // Errors leave entries() as they are, and the next call goes on. One from the
  // mirror itself, InvalidArgument: the value of the key that the message names
  // is of another type; the key is not in entries() then. Cancelled, it loses
  // nothing: a reading goes on where it was.
  boost::asio::awaitable<Result> Next() {
    namespace this_coro = boost::asio::this_coro;
    const auto state = co_await this_coro::cancellation_state;
    const auto before = state.cancelled();
    for (;;) {
      // Else one that came between two steps would be lost.
      if (state.cancelled() != before) co_return CancelledByCaller();
      if (!watcher_.has_value()) {
        absl::Status watching = co_await BeginToWatch();
        if (!watching.ok()) co_return watching;
        continue;
      }
      if (reading_.has_value()) co_return co_await Read();
      auto change = co_await watcher_->Next();
      if (!change.ok()) {
        WatcherFailed(change.status());
        co_return change.status();
      }
      position_ = *change;
      if (IsToBeReadAfter(*change)) {
        // What it still has to tell is older than what is read next.
        watcher_.reset();
        continue;
      }
      absl::StatusOr<bool> is_news = latest_.Add(*change);
      if (!is_news.ok()) co_return is_news.status();
      if (*is_news) co_return internal::ToTypedChange<T>(*std::move(change));
    }
  }

  // Empty before the first Next. Their expires_in is not told.
  const Entries& entries() const { return latest_.entries(); }

 private:
  using AnyChange = absl::StatusOr<Change<Value>>;

  struct Reading {
    Scanner scanner;
    internal::LatestEntries<T> latest;
    bool once_more = false;  // changes are missing
  };

  boost::asio::awaitable<absl::Status> BeginToWatch() {
    SubscribeOptions how;
    how.events_max = options_.events_max;
    auto watcher = co_await client_.WatchPrefix(table_, options_.prefix, how);
    if (!watcher.ok()) co_return watcher.status();
    watcher_.emplace(*std::move(watcher));
    position_ = watcher_->position();
    BeginToRead();
    co_return absl::OkStatus();
  }

  void WatcherFailed(const absl::Status& why) {
    if (absl::IsCancelled(why)) return;
    // It may be over: then another one takes its place.
    watcher_.reset();
    reading_.reset();
  }

  void BeginToRead() {
    ScanOptions what;
    what.prefix = options_.prefix;
    reading_.emplace(
        Reading{client_.Scan(table_, what, options_.call), {}, false});
  }

  boost::asio::awaitable<Result> Read() {
    namespace asio = boost::asio;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    // All of it on a strand, for its parts share what was read; the caller's
    // executor may run handlers side by side.
    const auto read = [this] { return ScanAndGather(); };
    co_return co_await internal::Spawn<Result>(asio::make_strand(executor),
                                               read, asio::use_awaitable);
  }

  boost::asio::awaitable<Result> ScanAndGather() {
    namespace asio = boost::asio;
    const asio::any_io_executor strand = co_await asio::this_coro::executor;
    const auto scan = [this] { return Scan(); };
    const auto gather = [this] { return Gather(); };
    auto both = asio::experimental::make_parallel_group(
        internal::Spawn<absl::Status>(strand, scan, asio::deferred),
        internal::Spawn<absl::Status>(strand, gather, asio::deferred));
    // Whichever ends first, the other one is cancelled, and waited for.
    auto [order, scanned, gathered] = co_await both.async_wait(
        asio::experimental::wait_for_one(), asio::use_awaitable);
    if (scanned.ok()) co_return EndReading();
    if (order[0] == 1) {
      WatcherFailed(gathered);
      co_return gathered;
    }
    if (!absl::IsCancelled(scanned)) {
      // What the watcher still has to tell may be older than the next reading.
      watcher_.reset();
      reading_.reset();
    }
    co_return scanned;
  }

  // All pages that are left.
  boost::asio::awaitable<absl::Status> Scan() {
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    for (;;) {
      auto page = co_await reading_->scanner.NextPage();
      if (!page.ok()) co_return page.status();
      if (page->entries.empty()) co_return absl::OkStatus();
      for (ScanEntry<>& entry : page->entries) {
        reading_->latest.AddRead(std::move(entry));
      }
      reading_->latest.EndPage();
      if (IsSet(state)) co_return CancelledByCaller();
    }
  }

  // Takes changes until it is cancelled, and then those that have come.
  boost::asio::awaitable<absl::Status> Gather() {
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    while (!IsSet(state)) {
      auto change = co_await watcher_->Next();
      // Cancelled, it says that none has come.
      if (!change.ok()) co_return change.status();
      AddGathered(*change);
    }
    // No more than were held when it was cancelled: for ever others may come.
    const std::size_t held_max = std::max<std::size_t>(options_.events_max, 1);
    boost::asio::cancellation_signal stop;
    for (std::size_t taken = 0; taken < held_max; ++taken) {
      auto change = co_await NextThatHasCome(&stop);
      if (!change.ok()) co_return change.status();
      AddGathered(*change);
    }
    co_return CancelledByCaller();
  }

  // As the watcher's Next, but Cancelled where that would wait: one that is
  // cancelled at once takes what has come. `stop` outlives it.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto NextThatHasCome(boost::asio::cancellation_signal* stop,
                       Token&& token = Token()) {
    namespace asio = boost::asio;
    return asio::async_initiate<Token, void(AnyChange)>(
        [watcher = &*watcher_, stop](auto handler) {
          watcher->Next(
              asio::bind_cancellation_slot(stop->slot(), std::move(handler)));
          stop->emit(asio::cancellation_type::terminal);
        },
        token);
  }

  void AddGathered(const Change<Value>& change) {
    position_ = change;
    if (IsToBeReadAfter(change)) {
      reading_->once_more = true;
    } else {
      // Of another type: the end of the reading tells, if it still is.
      reading_->latest.Add(change).status().IgnoreError();
    }
  }

  Result EndReading() {
    latest_ = std::move(reading_->latest);
    const absl::Status wrong = latest_.EndReading();
    if (reading_->once_more) watcher_.reset();
    reading_.reset();
    if (!wrong.ok()) return wrong;
    Change<T> read;
    static_cast<EventPosition&>(read) = position_;
    return read;
  }

  static bool IsToBeReadAfter(const Change<Value>& change) {
    return change.kind == ChangeKind::kGap ||
           change.kind == ChangeKind::kTableCame;
  }

  static bool IsSet(const boost::asio::cancellation_state& state) {
    return state.cancelled() != boost::asio::cancellation_type::none;
  }

  static absl::Status CancelledByCaller() {
    return absl::CancelledError("cancelled by the caller");
  }

  Client client_;
  const std::string table_;
  const MirrorOptions options_;
  std::optional<Watcher<>> watcher_;  // nullopt: to be opened, then to be read
  EventPosition position_;            // of what was taken of it
  std::optional<Reading> reading_;    // begun, and not ended
  internal::LatestEntries<T> latest_;
};

}  // namespace coffer

#endif  // COFFER_SDK_TABLE_MIRROR_H_
