// Storage: what the service asks of an engine that keeps tables of keys with
// versioned values. It is made for batches: an engine on disk or behind a
// network turns one batch into one read and one write of its own.
//
// Table and key names are any bytes, the empty name included; no two pairs of
// names ever collide. A table exists while it has keys: the first write of a
// key makes it, the last delete removes it, a read never makes one. Each write
// gives its key a version that is unique in the store and higher than any that
// key has had. What is promised of every engine is checked by the conformance
// suite, "coffer/testing/storage/storage_conformance.h".

#ifndef COFFER_SERVER_STORAGE_STORAGE_H_
#define COFFER_SERVER_STORAGE_STORAGE_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/batch.h"

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
  bool ordered_scan = false;
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
  // kResourceExhausted for a table over the batch's limit, kUnavailable for
  // what may work later, others for faults of the engine.
  //
  // Any thread may call it at any time, several at once. Batches submitted
  // while others run may execute before or after them; one submitted after
  // another was done comes after it. The engine is destroyed only when nothing
  // is submitted and not done.
  virtual bool Submit(Batch& batch, Done done) = 0;

  virtual Capabilities capabilities() const = 0;
  // The engine's, as in --storage=NAME. Valid as long as the engine is.
  virtual absl::string_view name() const = 0;
  // Exact while no write runs. Any thread; does no I/O.
  virtual StorageCounts counts() const = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_STORAGE_H_
