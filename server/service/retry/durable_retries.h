// Durable retries: what a durable engine has noted of the writes of clients is
// given to the RetryWindows at the start of the process, so that a write that
// comes again after a restart is known.

#ifndef COFFER_SERVER_SERVICE_RETRY_DURABLE_RETRIES_H_
#define COFFER_SERVER_SERVICE_RETRY_DURABLE_RETRIES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "coffer/server/service/retry/retry_windows.h"
#include "coffer/server/storage/storage.h"

namespace coffer::server {

// Restores the notes of `storage` and has notes made from now on. With an
// engine that is not durable it does nothing; nor with one that holds none yet
// and refuses to write the first one, which says under what epoch they are
// kept: what it executes then is known in this process only, as the epoch in
// its answers to Hello says.
//
// Before the first session. `new_epoch` is for a store that holds none: random,
// and not 0. Blocks on the storage. DataLoss for a note that cannot be read:
// without it a write could be executed twice.
absl::Status RestoreRetries(Storage* storage, RetryWindows* windows,
                            std::uint64_t new_epoch);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_DURABLE_RETRIES_H_
