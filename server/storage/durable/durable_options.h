// How the durable engine is set up.

#ifndef COFFER_SERVER_STORAGE_DURABLE_DURABLE_OPTIONS_H_
#define COFFER_SERVER_STORAGE_DURABLE_DURABLE_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace coffer::server {

// When a write is on the disk and not only with the operating system.
enum class SyncMode : uint8_t {
  kAlways,    // before it is answered, and before any read sees it
  kInterval,  // within sync_interval after it was answered
  kNever,     // when the operating system pleases
};

// always, interval, never. False for another word.
bool ParseSyncMode(absl::string_view text, SyncMode* mode);
absl::string_view ToString(SyncMode mode);

struct DurableOptions {
  // Made if it is not there; the folder that it is in must be.
  std::string data_dir;
  SyncMode sync = SyncMode::kAlways;
  std::chrono::milliseconds sync_interval{1000};

  // The folder that all backups are in; "": none may be made.
  std::string backup_dir;

  // Open although the log of the last writes is damaged, and lose what is in it
  // from there on.
  bool accept_damaged_log = false;

  // How often it is tried, while writes are refused, whether the disk works
  // again.
  std::chrono::milliseconds recovery_interval{1000};

  // Threads that read what is not in memory; at least 1.
  int read_threads = 2;
  // Names, values and 128 bytes an operation of the batches that wait for a
  // thread, writes and reads each; one that would pass it is refused, unless
  // none waits.
  size_t queue_bytes_max = 64 << 20;

  // Blocks of the files that are kept in memory, uncompressed, with their
  // indexes and filters.
  size_t block_cache_bytes = 128 << 20;
  // Writes that are kept in memory until they become a file. Up to four times
  // as much is held while files are written. It bounds what a start has to read
  // again.
  size_t write_buffer_bytes = 64 << 20;

  // With SyncMode::kAlways a log is made longer by so many zeros at once, ahead
  // of its writes (log_file_system.h); 0: it is not. The first sync behind each
  // such piece takes a little longer. For tests that are to get there soon.
  size_t log_zeros_bytes = 256 << 10;

  // Where all files are; null: the machine's. For tests that put a faulty one
  // under the engine.
  std::shared_ptr<rocksdb::FileSystem> file_system;
  // Outlives the engine. For the two intervals.
  Clock* clock = &Clock::System();
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_DURABLE_OPTIONS_H_
