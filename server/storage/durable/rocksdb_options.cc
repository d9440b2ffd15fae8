#include "coffer/server/storage/durable/rocksdb_options.h"

#include <algorithm>
#include <cstdint>

#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"

namespace coffer::server {
namespace {

void SetSafety(const DurableOptions& from, rocksdb::Options* to) {
  to->create_if_missing = true;
  to->paranoid_checks = true;
  // A log may end in the middle of a record, which was never answered. Anything
  // else that is wrong with it is damage, and refused.
  using rocksdb::WALRecoveryMode;
  to->wal_recovery_mode = from.accept_damaged_log
                              ? WALRecoveryMode::kPointInTimeRecovery
                              : WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A synced log that is missing, or too short, is noticed.
  to->track_and_verify_wals_in_manifest = true;
  // The engine says when it is tried again.
  to->max_bgerror_resume_count = 0;
}

void SetWriting(const DurableOptions& from, rocksdb::Options* to) {
  to->write_buffer_size = from.write_buffer_bytes;
  to->max_write_buffer_number = 4;
  // The first sorted level holds about what is merged into it at once: four
  // files of that size. Larger buffers would rewrite it for less than it holds.
  to->max_bytes_for_level_base = std::max(
      to->max_bytes_for_level_base, uint64_t{4} * from.write_buffer_bytes);
  // One thread writes: nothing to gain from what makes it safe for several.
  to->allow_concurrent_memtable_write = false;
  to->enable_write_thread_adaptive_yield = false;
  to->bytes_per_sync = 1 << 20;
  to->compression = rocksdb::kLZ4Compression;
  to->level_compaction_dynamic_level_bytes = true;
}

void SetReading(const DurableOptions& from, rocksdb::Options* to) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(from.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  // Their memory counts as the blocks' does. They are divided into blocks as
  // the data is: the filter of a whole file would drive others out of its part
  // of the cache.
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  to->table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  to->max_open_files = 1000;
}

void SetHousekeeping(rocksdb::Options* to) {
  to->max_log_file_size = 8 << 20;
  to->keep_log_file_num = 4;
  to->stats_dump_period_sec = 0;
  to->stats_persist_period_sec = 0;
}

}  // namespace

rocksdb::Options MakeRocksDbOptions(const DurableOptions& options) {
  rocksdb::Options made;
  SetSafety(options, &made);
  SetWriting(options, &made);
  SetReading(options, &made);
  SetHousekeeping(&made);
  return made;
}

}  // namespace coffer::server
