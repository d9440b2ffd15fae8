// How RocksDB is tuned for Coffer. docs/operations.md has the reasons.

#ifndef COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_OPTIONS_H_
#define COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_OPTIONS_H_

#include "coffer/server/storage/durable/durable_options.h"
#include "rocksdb/options.h"

namespace coffer::server {

// All but where the files are and who listens.
rocksdb::Options MakeRocksDbOptions(const DurableOptions& options);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_OPTIONS_H_
