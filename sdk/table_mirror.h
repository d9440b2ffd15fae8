// TableMirror: a map that follows a table, or its keys with a prefix.
//
//   coffer::TableMirror<std::int64_t> users(client, "users");
//   for (;;) {
//     auto change = co_await users.Next();
//     if (!change.ok()) co_return change.status();
//     Show(users.entries());
//   }
//
// It watches, then reads the table, then applies each change that is later than
// what it has; after a gap it reads again. So entries() become what the table
// is, whatever is lost on the way. They are not the table of one moment: after
// reading, each key is as it was at some time since the reading began, and goes
// through its changes from there.
//
// It holds all of the table in memory. What changes while it reads waits for
// it, here (MirrorOptions::events_max) and at the server; if that is too much,
// it is a gap, and the table is read once more.
//
// Threads: none of its own, one at a time. Not movable. Ends when destroyed,
// which no Next may be under way for.

#ifndef COFFER_SDK_TABLE_MIRROR_H_
#define COFFER_SDK_TABLE_MIRROR_H_

#include <algorithm>
#include <boost/asio/awaitable.hpp>
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
#include "coffer/sdk/key_state.h"
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
  // nothing.
  boost::asio::awaitable<Result> Next() {
    for (;;) {
      if (!watcher_.has_value()) {
        absl::Status watching = co_await BeginToWatch();
        if (!watching.ok()) co_return watching;
      }
      if (must_read_) co_return co_await Read();
      auto change = co_await watcher_->Next();
      if (!change.ok()) {
        // It may be over: then another one takes its place.
        if (!absl::IsCancelled(change.status())) watcher_.reset();
        co_return change.status();
      }
      must_read_ = change->kind == ChangeKind::kGap ||
                   change->kind == ChangeKind::kTableCame;
      if (must_read_ || !IsNews(*change)) continue;
      co_return Apply(*std::move(change));
    }
  }

  // Empty before the first Next. Their expires_in is not told.
  const Entries& entries() const { return entries_; }

 private:
  boost::asio::awaitable<absl::Status> BeginToWatch() {
    SubscribeOptions how;
    how.events_max = options_.events_max;
    auto watcher = co_await client_.WatchPrefix(table_, options_.prefix, how);
    if (!watcher.ok()) co_return watcher.status();
    watcher_.emplace(*std::move(watcher));
    must_read_ = true;
    co_return absl::OkStatus();
  }

  boost::asio::awaitable<Result> Read() {
    ScanOptions what;
    what.prefix = options_.prefix;
    Scanner scanner = client_.Scan(table_, what, options_.call);
    Entries entries;
    absl::Status wrong;
    for (;;) {
      auto entry = co_await scanner.Next();
      if (!entry.ok()) co_return entry.status();
      if (!entry->has_value()) break;
      const absl::Status put =
          Put(std::move((*entry)->key), *std::move(*entry), entries);
      if (wrong.ok()) wrong = put;
    }
    entries_ = std::move(entries);
    must_read_ = false;
    if (!wrong.ok()) co_return wrong;
    Change<T> read;
    static_cast<EventPosition&>(read) = watcher_->position();
    co_return read;
  }

  // Which keys went with their table. What was read of a later one stays.
  static auto WentWith(const Change<Value>& table_gone) {
    return [version = table_gone.version](const auto& entry) {
      return version == 0 || entry.second.version < version;
    };
  }

  // False: it was before what was read.
  bool IsNews(const Change<Value>& change) const {
    if (change.kind == ChangeKind::kTableGone) {
      return std::any_of(entries_.begin(), entries_.end(), WentWith(change));
    }
    const auto found = entries_.find(change.key);
    if (found == entries_.end()) return change.kind == ChangeKind::kSet;
    return change.version > found->second.version;
  }

  Result Apply(Change<Value> change) {
    if (change.kind == ChangeKind::kTableGone) {
      std::erase_if(entries_, WentWith(change));
    } else if (change.kind != ChangeKind::kSet) {
      entries_.erase(change.key);
    } else {
      KeyState state;
      state.version = change.version;
      state.value = change.value;
      state.expires_at = change.expires_at;
      const absl::Status put = Put(change.key, std::move(state), entries_);
      if (!put.ok()) return put;
    }
    return internal::ToTypedChange<T>(std::move(change));
  }

  static absl::Status Put(std::string key, KeyState state, Entries& entries) {
    absl::StatusOr<Versioned<T>> typed = internal::ToTyped<T>(std::move(state));
    if (!typed.ok()) {
      entries.erase(key);
      return internal::WrongTypeOf(key, typed.status());
    }
    typed->expires_in.reset();
    entries.insert_or_assign(std::move(key), *std::move(typed));
    return absl::OkStatus();
  }

  Client client_;
  const std::string table_;
  const MirrorOptions options_;
  std::optional<Watcher<>> watcher_;
  bool must_read_ = false;
  Entries entries_;
};

}  // namespace coffer

#endif  // COFFER_SDK_TABLE_MIRROR_H_
