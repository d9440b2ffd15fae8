// From RocksDB's statuses to those of the Storage interface.

#ifndef COFFER_SERVER_STORAGE_DURABLE_ENGINE_STATUS_H_
#define COFFER_SERVER_STORAGE_DURABLE_ENGINE_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/slice.h"
#include "rocksdb/status.h"

namespace coffer::server {

// DataLoss for what is corrupt, Unavailable for what may work later (an error
// of the disk, no space left on it), Internal for the rest. `doing` begins the
// message: "reading table t".
absl::Status FromRocksDb(const rocksdb::Status& status,
                         absl::string_view doing);

// Neither has the other's constructor.
inline rocksdb::Slice ToSlice(absl::string_view bytes) {
  return rocksdb::Slice(bytes.data(), bytes.size());
}
inline absl::string_view ToView(const rocksdb::Slice& bytes) {
  return absl::string_view(bytes.data(), bytes.size());
}

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_ENGINE_STATUS_H_
