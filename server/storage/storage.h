// Storage: what the service asks of an engine that keeps tables of keys with
// versioned values, which may expire. It is made for batches: an engine on disk
// or behind a network turns one batch into one read and one write of its own.
//
// Table and key names are any bytes, the empty name included; no two pairs of
// names ever collide. A table exists while it has keys: the first write of a
// key makes it, the last delete removes it, a read never makes one. Each write
// gives its key a version that is unique in the store and higher than any that
// key has had. An engine's time never goes back: what has expired stays so.
// What is promised of every engine is checked by the conformance suite,
// "coffer/testing/storage/storage_conformance.h".

#ifndef COFFER_SERVER_STORAGE_STORAGE_H_
#define COFFER_SERVER_STORAGE_STORAGE_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/backups.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/shared_bytes.h"

namespace coffer::server {

// What an engine declares, and is then held to.
struct Capabilities {
  // What was answered is there after the engine was closed and opened again.
  bool durable = false;
  // An atomic group is never seen half-applied, by reads of groups and tables
  // included, however many keys it has. (Without it, only each key on its own
  // is: the group still succeeds or fails as one.)
  bool atomic_across_keys = false;
  // kGetTable gives its entries in the order of their keys, as unsigned bytes.
  // kScan too.
  bool ordered_scan = false;
  // It tells its ChangeSink of writes.
  bool tells_changes = false;
};

// One write, as those are told of it who watch.
struct KeyChange {
  enum class Kind : uint8_t {
    kSet,
    kRemoved,
    kExpired,
    kTableGone,  // dropped or renamed; no key
    kTableCame,  // a table was renamed to this name: all its keys; no key
  };
  Kind kind = Kind::kSet;
  absl::string_view table;
  absl::string_view key;
  // Of the change: higher than any that the key has had.
  uint64_t version = 0;
  uint64_t expires_at_ms = 0;  // kSet; 0: never
  SharedBytes value;           // kSet
};

// Is told of writes in an order in which they took effect: those of a key in
// that of their versions, those of a group together, and all of them before
// their batch is done. That a key has expired is told when it is removed, which
// is before its next change. An engine calls it while it holds locks, on any of
// its threads: it must neither block nor call back.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  // Whether changes of the table are wanted at present. Called for each write:
  // fast.
  virtual bool Wants(absl::string_view table) = 0;
  // The views live as long as the call.
  virtual void OnChanges(absl::Span<const KeyChange> changes) = 0;
  // Some changes are not told: any key may have changed, up to now. As after a
  // write that failed with an unknown outcome and was done all the same. Called
  // before a read can find them.
  virtual void OnChangesLost() = 0;
};

struct StorageCounts {
  uint64_t tables = 0;
  uint64_t keys = 0;
};

class Storage {
 public:
  using Done = absl::AnyInvocable<void()>;

  virtual ~Storage() = default;

  // Executes `batch`. True: it is finished, every operation has its result, and
  // `done` has been dropped without a call. False: `done` is called exactly
  // once, when it is finished, on a thread of the engine's and never inside
  // Submit; until then the batch belongs to the engine. Errors are those of the
  // operations: kInvalidArgument for what no engine can execute (see Op),
  // kFailedPrecondition for a condition that does not hold, kAlreadyExists for
  // a table that would be renamed to another's name, kResourceExhausted for a
  // table over the batch's limit, kUnavailable for what may work later, what a
  // ValueChange says, others for faults of the engine.
  //
  // Any thread may call it at any time, several at once. Batches submitted
  // while others run may execute before or after them; one submitted after
  // another was done comes after it. The engine is destroyed only when nothing
  // is submitted and not done.
  virtual bool Submit(Batch& batch, Done done) = 0;

  virtual Capabilities capabilities() const = 0;
  // The engine's, as in --storage=NAME. Valid as long as the engine is.
  virtual absl::string_view name() const = 0;
  // Exact while no write runs; an engine on a disk may count what has expired
  // of late. Any thread; does no I/O.
  virtual StorageCounts counts() const = 0;

  // Whom to tell of writes from now on; null: nobody. Before the first Submit.
  // Outlives the engine. One that does not declare tells_changes does nothing.
  virtual void SetChangeSink(ChangeSink* /*sink*/) {}

  // Removes some of what has expired, a bounded piece of work on the caller's
  // thread, and returns whether there is more to do now. To be called now and
  // then, by one thread at a time; what has expired is absent without it, but
  // takes memory. An engine that has threads of its own needs no calls.
  virtual bool Sweep() { return false; }

  // Null: this engine makes none. Lives as long as the engine.
  virtual Backups* backups() { return nullptr; }

  // Visits the notes that there are, in the order of their names, before the
  // first Submit. Durable engines.
  using NoteVisitor =
      absl::FunctionRef<void(absl::string_view name, absl::string_view note)>;
  virtual absl::Status ForEachNote(NoteVisitor /*visit*/) {
    return absl::OkStatus();
  }
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_STORAGE_H_
