#include "coffer/server/storage_flags.h"

#include <cstdint>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"

ABSL_FLAG(std::string, storage, "memory",
          "where data is kept: memory (gone when the server ends) or rocksdb "
          "(on the disk, in --data_dir)");
ABSL_FLAG(std::string, data_dir, "",
          "with --storage=rocksdb: the folder of the data, which is made if it "
          "is absent; one server at a time");
ABSL_FLAG(std::string, sync, "always",
          "with --storage=rocksdb: when a write is on the disk. always: before "
          "it is answered; interval: a second later; never: when the operating "
          "system writes it");
ABSL_FLAG(
    bool, accept_damaged_log, false,
    "with --storage=rocksdb: start although the log of the last writes is "
    "damaged, and lose those from there on");
ABSL_FLAG(std::string, backup_dir, "",
          "with --storage=rocksdb: the folder that clients may make backups in "
          "(kvc backup); without it they may make none");
ABSL_FLAG(std::string, restore, "",
          "with --storage=rocksdb: before the start, makes --data_dir, which "
          "is absent or empty, of the backup in this folder");
ABSL_FLAG(uint32_t, restore_id, 0,
          "with --restore: the number of the backup; 0: the latest");
ABSL_FLAG(uint64_t, block_cache_bytes,
          coffer::server::DurableOptions().block_cache_bytes,
          "with --storage=rocksdb: memory for what was read, its indexes and "
          "filters; 1048576 to 1099511627776");
ABSL_FLAG(uint64_t, write_buffer_bytes,
          coffer::server::DurableOptions().write_buffer_bytes,
          "with --storage=rocksdb: writes that are kept in memory, and that a "
          "start reads again, until they become a file; up to four times as "
          "much while files are written; 1048576 to 17179869184");

namespace coffer::server {
namespace {

constexpr uint64_t kBytesLeast = uint64_t{1} << 20;
constexpr uint64_t kBlockCacheMost = uint64_t{1} << 40;
constexpr uint64_t kWriteBufferMost = uint64_t{1} << 34;

absl::Status TakeBytes(absl::string_view flag, uint64_t bytes, uint64_t most,
                       size_t* to) {
  if (bytes < kBytesLeast || bytes > most) {
    return InvalidFlag(
        flag, absl::StrCat(bytes, " is not from ", kBytesLeast, " to ", most));
  }
  *to = bytes;
  return absl::OkStatus();
}

absl::Status TakeMemory(DurableOptions* to) {
  const absl::Status cache =
      TakeBytes("block_cache_bytes", absl::GetFlag(FLAGS_block_cache_bytes),
                kBlockCacheMost, &to->block_cache_bytes);
  if (!cache.ok()) return cache;
  return TakeBytes("write_buffer_bytes",
                   absl::GetFlag(FLAGS_write_buffer_bytes), kWriteBufferMost,
                   &to->write_buffer_bytes);
}

// Somebody who believes that memory is kept is to know before it is lost.
absl::Status CheckNoneIsOfRocksDb(const StorageFlags& flags) {
  const DurableOptions none;
  const DurableOptions& durable = flags.durable;
  const struct {
    absl::string_view flag;
    bool given;
  } of_rocksdb[] = {{"data_dir", !durable.data_dir.empty()},
                    {"sync", durable.sync != none.sync},
                    {"backup_dir", !durable.backup_dir.empty()},
                    {"restore", !flags.restore.dir.empty()},
                    {"block_cache_bytes",
                     durable.block_cache_bytes != none.block_cache_bytes},
                    {"write_buffer_bytes",
                     durable.write_buffer_bytes != none.write_buffer_bytes}};
  for (const auto& of : of_rocksdb) {
    if (of.given) return InvalidFlag(of.flag, "needs --storage=rocksdb");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status InvalidFlag(absl::string_view flag, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", why));
}

absl::StatusOr<StorageFlags> StorageFromFlags() {
  StorageFlags flags;
  flags.engine = absl::GetFlag(FLAGS_storage);
  flags.durable.data_dir = absl::GetFlag(FLAGS_data_dir);
  flags.durable.accept_damaged_log = absl::GetFlag(FLAGS_accept_damaged_log);
  flags.durable.backup_dir = absl::GetFlag(FLAGS_backup_dir);
  flags.restore.dir = absl::GetFlag(FLAGS_restore);
  flags.restore.id = absl::GetFlag(FLAGS_restore_id);
  if (flags.restore.id != 0 && flags.restore.dir.empty()) {
    return InvalidFlag("restore_id", "needs --restore");
  }
  const std::string sync = absl::GetFlag(FLAGS_sync);
  if (!ParseSyncMode(sync, &flags.durable.sync)) {
    return InvalidFlag("sync", absl::StrCat("\"", sync,
                                            "\" is none of always, "
                                            "interval, never"));
  }
  const absl::Status memory = TakeMemory(&flags.durable);
  if (!memory.ok()) return memory;
  if (flags.engine == "rocksdb") {
    if (!flags.durable.data_dir.empty()) return flags;
    return InvalidFlag("storage", "rocksdb needs --data_dir");
  }
  if (flags.engine != "memory") {
    return InvalidFlag("storage", absl::StrCat("no engine \"", flags.engine,
                                               "\"; memory, rocksdb"));
  }
  const absl::Status none = CheckNoneIsOfRocksDb(flags);
  if (!none.ok()) return none;
  return flags;
}

}  // namespace coffer::server
