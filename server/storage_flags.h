// The flags of kvs that say where data is kept.

#ifndef COFFER_SERVER_STORAGE_FLAGS_H_
#define COFFER_SERVER_STORAGE_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/durable/durable_options.h"
#include "coffer/server/storage/durable/restore.h"

namespace coffer::server {

struct StorageFlags {
  std::string engine;      // memory or rocksdb
  DurableOptions durable;  // of the latter
  RestoreSource restore;   // no folder: none
};

// Of flags that are parsed. InvalidArgument: they do not make sense together,
// or a value is out of its range.
absl::StatusOr<StorageFlags> StorageFromFlags();

// InvalidArgument that names the flag.
absl::Status InvalidFlag(absl::string_view flag, absl::string_view why);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_FLAGS_H_
