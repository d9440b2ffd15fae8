// How RocksDbStorage removes what has expired: the thread of maintenance looks
// now and then whether something has, and asks the committing thread to remove
// a bounded piece, which asks for the next one behind whatever waits by then.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "coffer/server/log.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/rocksdb_storage.h"
#include "rocksdb/iterator.h"
#include "rocksdb/options.h"

namespace coffer::server {
namespace {

// What is removed by one commit.
constexpr size_t kSweepKeys = 1000;

// The first so many entries of keys that have expired, from `from` on.
absl::Status FindExpired(rocksdb::DB& db, const std::string& from,
                         uint64_t now_ms, size_t entries_max,
                         std::vector<std::string>* entries) {
  const KeyRange range = ExpiredAt(now_ms);
  const rocksdb::Slice end(range.end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options));
  for (it->Seek(std::max(range.begin, from)); it->Valid(); it->Next()) {
    if (entries->size() == entries_max) break;
    entries->emplace_back(ToView(it->key()));
  }
  return FromRocksDb(it->status(), "looking for what has expired");
}

// A piece of sweeping, as one write.
class SweepPlan {
 public:
  SweepPlan(rocksdb::DB* db, const TableCatalogue* catalogue, ChangeSink* sink,
            const CommitCounters& counters)
      : db_(*db), catalogue_(*catalogue), sink_(sink), counters_(counters) {}

  // `entries` outlive it.
  absl::Status Plan(absl::Span<const std::string> entries) {
    for (const std::string& bytes : entries) {
      ExpiryEntry entry;
      if (DecodeExpiryKey(bytes, &entry)) {
        const absl::Status planned = Remove(entry);
        // One that is damaged does not keep the others.
        if (absl::IsDataLoss(planned)) {
          damaged_ = planned;
          continue;
        }
        if (!planned.ok()) return planned;
      }
      write_.Delete(bytes);
    }
    for (const TableChange& table : tables_) {
      if (table.keys == 0) {
        write_.Delete(TableKey(table.name));
      } else {
        write_.Put(TableKey(table.name),
                   EncodeTable({table.id, table.keys, table.bytes}));
      }
    }
    ReserveVersions(&counters_, &write_);
    return absl::OkStatus();
  }

  rocksdb::WriteBatch& write() { return write_; }
  absl::Span<const TableChange> tables() const { return tables_; }
  absl::Span<const KeyChange> changes() const { return changes_; }
  const CommitCounters& counters() const { return counters_; }
  // Why an entry is left where it is; OK: none is.
  const absl::Status& damaged() const { return damaged_; }

 private:
  // The entry goes in any case; its key only if it is still the one that it was
  // made for.
  absl::Status Remove(const ExpiryEntry& entry) {
    TableChange* const table = TableOf(entry.table);
    if (table == nullptr) return absl::OkStatus();  // it was dropped
    const std::string key = DataKey(entry.table, entry.key);
    std::string stored;
    const rocksdb::Status read = db_.Get(rocksdb::ReadOptions(), key, &stored);
    if (read.IsNotFound()) return absl::OkStatus();
    if (!read.ok()) return FromRocksDb(read, "removing what has expired");
    DataRecord record;
    // What is damaged is left to who reads it, and told then.
    if (!DecodeData(stored, &record)) return absl::OkStatus();
    if (record.expires_at_ms != entry.at_ms) return absl::OkStatus();
    write_.Delete(key);
    --table->keys;
    table->bytes -= entry.key.size() + record.value.size();
    Tell(*table, entry.key);
    return absl::OkStatus();
  }

  TableChange* TableOf(TableId id) {
    const auto known = by_id_.find(id);
    if (known != by_id_.end()) return &tables_[known->second];
    std::string name;
    if (!catalogue_.FindName(id, &name)) return nullptr;
    names_.push_back(std::make_unique<std::string>(std::move(name)));
    const TableRecord record = catalogue_.Find(*names_.back());
    by_id_.emplace(id, tables_.size());
    tables_.push_back({.name = *names_.back(),
                       .id = id,
                       .keys_before = record.keys,
                       .keys = record.keys,
                       .bytes_before = record.bytes,
                       .bytes = record.bytes});
    return &tables_.back();
  }

  void Tell(const TableChange& table, absl::string_view key) {
    const uint64_t version = ++counters_.last_version;
    if (sink_ == nullptr) return;
    KeyChange& change = changes_.emplace_back();
    change.kind = KeyChange::Kind::kExpired;
    change.table = table.name;
    change.key = key;
    change.version = version;
  }

  rocksdb::DB& db_;
  const TableCatalogue& catalogue_;
  ChangeSink* const sink_;
  CommitCounters counters_;
  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<TableChange> tables_;
  absl::flat_hash_map<TableId, size_t> by_id_;
  std::vector<KeyChange> changes_;
  rocksdb::WriteBatch write_;
  absl::Status damaged_;
};

}  // namespace

uint64_t RocksDbStorage::NowMs() {
  const int64_t wall_ms = absl::ToUnixMillis(options_.clock->WallNow());
  const auto now_ms = static_cast<uint64_t>(std::max<int64_t>(wall_ms, 0));
  uint64_t latest = now_ms_.load(std::memory_order_relaxed);
  while (latest < now_ms) {
    if (now_ms_.compare_exchange_weak(latest, now_ms,
                                      std::memory_order_relaxed)) {
      return now_ms;
    }
  }
  return latest;
}

void RocksDbStorage::AskForSweep() {
  {
    std::shared_lock lock(database_mutex_, std::try_to_lock);
    if (!lock.owns_lock() || database_ == nullptr || !gate_.Check().ok())
      return;
    std::vector<std::string> first;
    const absl::Status found =
        FindExpired(database_->db(), SweepFrom(), NowMs(), 1, &first);
    if (!found.ok() || first.empty()) return;
  }
  if (sweep_asked_.exchange(true)) return;
  Done nobody;
  // Where too much waits already, it is asked again later.
  if (!commits_.Push(&sweep_, nobody).ok()) sweep_asked_ = false;
}

void RocksDbStorage::SweepSome() {
  absl::StatusOr<bool> more = false;
  {
    const auto lock = LockDatabase();
    if (gate_.Check().ok()) more = SweepOpen();
  }
  if (!more.ok()) {
    Log(LogLevel::kWarning, "expired keys not removed",
        {{"error", std::string(more.status().message())}});
  }
  Done nobody;
  const bool again =
      more.ok() && *more && !closing_ && commits_.Push(&sweep_, nobody).ok();
  if (!again) sweep_asked_ = false;
}

std::string RocksDbStorage::SweepFrom() {
  std::lock_guard lock(sweep_mutex_);
  return sweep_from_;
}

// What is left there is not met again until the data are opened anew. Entries
// are in the order of time, so those to come are behind it.
void RocksDbStorage::PassBy(const std::string& last_entry,
                            const absl::Status& why) {
  Log(LogLevel::kError, "expired keys not removed",
      {{"data_dir", options_.data_dir}, {"error", std::string(why.message())}});
  std::lock_guard lock(sweep_mutex_);
  sweep_from_ = last_entry + '\0';
}

// Whether there is more.
absl::StatusOr<bool> RocksDbStorage::SweepOpen() {
  std::vector<std::string> entries;
  const absl::Status found =
      FindExpired(database_->db(), SweepFrom(), NowMs(), kSweepKeys, &entries);
  if (!found.ok()) return found;
  if (entries.empty()) return false;
  ChangeSink* const sink = sink_.load(std::memory_order_acquire);
  SweepPlan plan(&database_->db(), &catalogue_, sink, counters_);
  const absl::Status planned = plan.Plan(entries);
  if (!planned.ok()) return planned;
  counters_.last_version = plan.counters().last_version;
  bool unknown = false;
  const TableCatalogue::Commit mark(&catalogue_);
  const absl::Status committed =
      Commit(&plan.write(), plan.counters().version_bound, &unknown);
  if (!committed.ok()) return committed;
  catalogue_.Apply(plan.tables());
  if (!plan.damaged().ok()) PassBy(entries.back(), plan.damaged());
  if (!plan.changes().empty()) sink->OnChanges(plan.changes());
  return entries.size() == kSweepKeys;
}

}  // namespace coffer::server
