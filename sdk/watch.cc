#include "coffer/sdk/watch.h"

#include "absl/strings/str_cat.h"
#include "coffer/sdk/key_state.h"

namespace coffer::internal {

namespace {

v1::OpenWatch WatchIn(TextArg table) {
  v1::OpenWatch watch;
  watch.set_table(table.data(), table.size());
  return watch;
}

ChangeKind KindOf(v1::Change::Kind kind) {
  switch (kind) {
    case v1::Change::SET:
      return ChangeKind::kSet;
    case v1::Change::REMOVED:
      return ChangeKind::kRemoved;
    case v1::Change::EXPIRED:
      return ChangeKind::kExpired;
    case v1::Change::TABLE_GONE:
      return ChangeKind::kTableGone;
    case v1::Change::TABLE_CAME:
      return ChangeKind::kTableCame;
    default:  // of a later version
      return ChangeKind::kGap;
  }
}

}  // namespace

v1::OpenWatch WatchOfTable(TextArg table) {
  v1::OpenWatch watch = WatchIn(table);
  watch.set_all(true);
  return watch;
}

v1::OpenWatch WatchOfKey(TextArg table, TextArg key) {
  v1::OpenWatch watch = WatchIn(table);
  watch.set_key(key.data(), key.size());
  return watch;
}

v1::OpenWatch WatchOfPrefix(TextArg table, TextArg prefix) {
  v1::OpenWatch watch = WatchIn(table);
  watch.set_prefix(prefix.data(), prefix.size());
  return watch;
}

Change<Value> ToAnyChange(Event event) {
  Change<Value> change;
  static_cast<EventPosition&>(change) = event;
  change.new_epoch = event.new_epoch;
  if (event.kind != Event::Kind::kChange) return change;
  v1::Change& told = event.change;
  change.kind = KindOf(told.kind());
  if (change.kind == ChangeKind::kGap) return change;
  change.key = std::move(*told.mutable_key());
  change.version = told.version();
  if (change.kind != ChangeKind::kSet) return change;
  v1::KeyState state;
  *state.mutable_value() = std::move(*told.mutable_value());
  state.set_expires_at_ms(told.expires_at_ms());
  KeyState set = ToKeyState(std::move(state));
  change.value = std::move(set.value);
  change.expires_at = set.expires_at;
  return change;
}

absl::Status WrongTypeOf(const std::string& key, const absl::Status& why) {
  return absl::Status(why.code(),
                      absl::StrCat("key ", key, ": ", why.message()));
}

}  // namespace coffer::internal
