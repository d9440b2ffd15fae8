// Watcher: the changes of a key, of the keys with a prefix, or of all keys of a
// table, one after the other.
//
//   auto users = co_await client.Watch<std::int64_t>("users");
//   if (!users.ok()) co_return users.status();
//   for (;;) {
//     auto change = co_await users->Next();
//     if (!change.ok()) co_return change.status();
//     if (change->kind == ChangeKind::kSet) Use(change->key, change->value);
//     if (change->kind == ChangeKind::kGap) ...  // some are missing: read
//     again
//   }
//
// It lives on when the connection is lost, as a Subscription (subscription.h)
// does: it goes on after the change that came last, and what the server no
// longer has is told as a gap. Back-pressure: the server sends no more than
// SubscribeOptions::events_max changes ahead of Next.
//
// To know what a table has at any time: watch first, then read it, then apply
// the changes whose versions are higher than what was read. TableMirror
// (table_mirror.h) does that.
//
// It ends when it is destroyed, or with an error of Next, which is final but
// for InvalidArgument. One Next at a time. Threads: any. Movable.

#ifndef COFFER_SDK_WATCH_H_
#define COFFER_SDK_WATCH_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coffer/proto/text_arg.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/mapped_handler.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

enum class ChangeKind {
  kSet,      // a value was stored, or the time when the key expires was changed
  kRemoved,  // the key was removed
  kExpired,  // the key's time was over
  // The table was dropped, or has another name now: no key of it is left.
  kTableGone,
  // A table got this name by a rename: its keys have to be read.
  kTableCame,
  // Changes are missing, or one that this build knows nothing of: what is
  // watched has to be read again.
  kGap,
};

template <class T = Value>
struct Change : EventPosition {
  ChangeKind kind = ChangeKind::kGap;
  // Of the first three kinds.
  std::string key;
  // Of the change, also of a removal: higher than any that the key has had.
  std::uint64_t version = 0;
  // kSet; nullopt also for an empty value.
  std::optional<T> value;
  // kSet, by the server's clock; nullopt: it does not expire.
  std::optional<absl::Time> expires_at;
  // kGap: the server has forgotten which changes there were, as after a
  // restart. (Whether its data are still there is another matter.)
  bool new_epoch = false;
};

namespace internal {

v1::OpenWatch WatchOfTable(TextArg table);
v1::OpenWatch WatchOfKey(TextArg table, TextArg key);
v1::OpenWatch WatchOfPrefix(TextArg table, TextArg prefix);

// Total: what is no change is a gap.
Change<Value> ToAnyChange(Event event);
// In the words of a read that finds a value of another type.
absl::Status WrongTypeOf(const std::string& key, const absl::Status& why);

template <class T>
absl::StatusOr<Change<T>> ToTypedChange(Change<Value> any) {
  if constexpr (std::is_same_v<T, Value>) {
    return any;
  } else {
    Change<T> change;
    static_cast<EventPosition&>(change) = any;
    change.kind = any.kind;
    change.version = any.version;
    change.expires_at = any.expires_at;
    change.new_epoch = any.new_epoch;
    if (any.value.has_value()) {
      absl::StatusOr<T> value = FromValue<T>(*any.value);
      if (!value.ok()) return WrongTypeOf(any.key, value.status());
      change.value.emplace(*std::move(value));
    }
    change.key = std::move(any.key);
    return change;
  }
}

template <class T>
absl::StatusOr<Change<T>> ToChange(absl::StatusOr<Event> event) {
  if (!event.ok()) return event.status();
  return ToTypedChange<T>(ToAnyChange(*std::move(event)));
}

}  // namespace internal

// T is as for Client::Get.
template <class T = Value>
class Watcher {
 public:
  explicit Watcher(std::unique_ptr<EventSource> source)
      : source_(std::move(source)) {}

  boost::asio::any_io_executor get_executor() {
    return source_->get_executor();
  }

  // void(absl::StatusOr<Change<T>>). A Next that is cancelled takes no change.
  // Errors: InvalidArgument, from the client itself: the value of the key that
  // the message names is of another type; that change is passed over, and the
  // next call goes on. All others are final, and as Subscription::Next's.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Next(Token&& token = Token()) {
    return boost::asio::async_initiate<Token, void(absl::StatusOr<Change<T>>)>(
        [source = source_.get()](auto handler) {
          source->Next(
              internal::MapResult(std::move(handler), internal::ToChange<T>));
        },
        token);
  }

  // Where to go on with another Watcher, also of another process
  // (SubscribeOptions::GoOnAfter): after the last change that Next gave, or
  // after later ones that are of other keys. As EventSource::position.
  EventPosition position() const { return source_->position(); }

 private:
  std::unique_ptr<EventSource> source_;
};

namespace internal {

template <class T>
absl::StatusOr<Watcher<T>> ToWatcher(
    absl::StatusOr<std::unique_ptr<EventSource>> source) {
  if (!source.ok()) return source.status();
  return Watcher<T>(*std::move(source));
}

}  // namespace internal
}  // namespace coffer

#endif  // COFFER_SDK_WATCH_H_
