// LatestEntries: the keys of a table while it is read and watched: of each key
// the latest of what the pages of a scan and the changes tell, in whichever
// order these come. Under TableMirror (table_mirror.h).
//
// Pages and changes may overtake each other while the table is read: so a key
// that has gone is remembered with its version, and a page that was read before
// does not bring it back. A page that was asked for after the change had come
// does not have the key any more, and a scan asks for a page at the earliest
// when the one before the last was given (connection/page_stream.h): two pages
// later the key is forgotten. So the memory is that of the keys there are, and
// of those that went during three pages.
//
// Pure: no I/O, no clock, no handler. One thread at a time.

#ifndef COFFER_SDK_LATEST_ENTRIES_H_
#define COFFER_SDK_LATEST_ENTRIES_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/sdk/key_state.h"
#include "coffer/sdk/scan.h"
#include "coffer/sdk/watch.h"

namespace coffer::internal {

// T is as for Client::Get. At first the table is being read.
template <class T>
class LatestEntries {
 public:
  using Entries = std::map<std::string, Versioned<T>>;

  // What a page has of a key. Of another type: EndReading tells.
  void AddRead(ScanEntry<> read) {
    if (read.version < gone_ || !IsLater(read.key, read.version)) return;
    std::string key = std::move(read.key);
    Put(std::move(key), static_cast<KeyState&&>(read)).IgnoreError();
  }

  // All of a page was added.
  void EndPage() {
    ++pages_;
    std::erase_if(absent_, [this](const auto& absent) {
      return absent.second.wrong.ok() && absent.second.page + 2 <= pages_;
    });
  }

  // What has come by now was the last that is read. InvalidArgument: the value
  // of the key that the message names is of another type; it is not in
  // entries().
  absl::Status EndReading() {
    absl::Status wrong;
    for (auto& [key, absent] : absent_) {
      if (wrong.ok()) wrong = std::move(absent.wrong);
    }
    absent_.clear();
    reading_ = false;
    return wrong;
  }

  // A change of a key, or kTableGone. False: entries() are as they were, as
  // something later is known, or the key was not there. InvalidArgument: as for
  // EndReading.
  absl::StatusOr<bool> Add(const Change<Value>& change) {
    COFFER_ASSERT(change.kind != ChangeKind::kGap &&
                  change.kind != ChangeKind::kTableCame);
    if (change.kind == ChangeKind::kTableGone) return DropTable(change.version);
    if (!IsLater(change.key, change.version)) return false;
    if (change.kind != ChangeKind::kSet) {
      return Leave(change.key, change.version, absl::OkStatus());
    }
    KeyState state;
    state.version = change.version;
    state.value = change.value;
    state.expires_at = change.expires_at;
    const absl::Status put = Put(change.key, std::move(state));
    if (!put.ok()) return put;
    return true;
  }

  // Their expires_in is not told.
  const Entries& entries() const { return entries_; }

 private:
  // A key that is not in the entries, and of which an older state may come.
  struct Absent {
    std::uint64_t version = 0;
    std::uint64_t page = 0;  // so many had been added
    absl::Status wrong;  // not OK: it is there, with a value of another type
  };

  bool IsLater(const std::string& key, std::uint64_t version) const {
    const auto entry = entries_.find(key);
    if (entry != entries_.end()) return version > entry->second.version;
    const auto absent = absent_.find(key);
    return absent == absent_.end() || version > absent->second.version;
  }

  absl::Status Put(std::string key, KeyState state) {
    const std::uint64_t version = state.version;
    absl::StatusOr<Versioned<T>> typed = ToTyped<T>(std::move(state));
    if (!typed.ok()) {
      absl::Status wrong = WrongTypeOf(key, typed.status());
      Leave(key, version, wrong);
      return wrong;
    }
    typed->expires_in.reset();
    absent_.erase(key);
    entries_.insert_or_assign(std::move(key), *std::move(typed));
    return absl::OkStatus();
  }

  // Whether it was there.
  bool Leave(const std::string& key, std::uint64_t version,
             absl::Status wrong) {
    if (reading_) absent_[key] = Absent{version, pages_, std::move(wrong)};
    return entries_.erase(key) > 0;
  }

  // Whether a key went with the table. What is of a later one stays.
  bool DropTable(std::uint64_t version) {
    const auto went = [version](const auto& known) {
      return version == 0 || known.second.version < version;
    };
    gone_ = std::max(gone_, version);
    std::erase_if(absent_, went);
    return std::erase_if(entries_, went) > 0;
  }

  Entries entries_;
  bool reading_ = true;
  // Only while it is read:
  std::map<std::string, Absent> absent_;
  std::uint64_t pages_ = 0;  // that were added
  std::uint64_t gone_ = 0;   // what is older went with its table
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_LATEST_ENTRIES_H_
