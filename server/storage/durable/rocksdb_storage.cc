#include "coffer/server/storage/durable/rocksdb_storage.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/log.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/table_scan.h"
#include "rocksdb/iterator.h"
#include "rocksdb/options.h"

namespace coffer::server {
namespace {

// What is committed at once, beside the first batch: more would keep its
// clients waiting for each other.
constexpr size_t kCommitBytes = 4 << 20;

// Between two looks for what has expired.
constexpr std::chrono::milliseconds kSweepInterval{100};

void DeleteData(TableId table, rocksdb::WriteBatch* write) {
  const KeyRange data = DataOf(table);
  write->DeleteRange(data.begin, data.end);
}

bool IsWriteOp(const Op& op) { return IsWrite(op.kind); }

bool HasWrite(absl::Span<const Op> ops) {
  return std::any_of(ops.begin(), ops.end(), IsWriteOp);
}

}  // namespace

RocksDbStorage::RocksDbStorage(const DurableOptions& options)
    : options_(options),
      commits_(options.queue_bytes_max, options.clock),
      reads_(options.queue_bytes_max, options.clock),
      backups_(
          options.backup_dir,
          [this](absl::FunctionRef<absl::Status(rocksdb::DB&)> use) {
            return UseDatabase(use);
          },
          [this] { return gate_.Check(); }) {}

absl::StatusOr<std::unique_ptr<RocksDbStorage>> RocksDbStorage::Open(
    const DurableOptions& options) {
  COFFER_ASSERT(options.read_threads >= 1);
  std::unique_ptr<RocksDbStorage> storage(new RocksDbStorage(options));
  const absl::Status started = storage->Start();
  if (!started.ok()) return started;
  return storage;
}

absl::Status RocksDbStorage::Start() {
  auto lock = DirectoryLock::Take(options_.file_system, options_.data_dir);
  if (!lock.ok()) return lock.status();
  directory_lock_ = *std::move(lock);
  auto database = OpenDatabase();
  if (!database.ok()) return database.status();
  database_ = *std::move(database);
  const absl::Status loaded = database_->Load(&catalogue_, &counters_);
  if (!loaded.ok()) return loaded;
  try {
    StartThreads();
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot start the threads of the storage: ", error.what()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Database>> RocksDbStorage::OpenDatabase(
    Database::Access access) {
  return Database::Open(
      options_, [this](const rocksdb::Status& error) { OnError(error); },
      access, synced_);
}

void RocksDbStorage::StartThreads() {
  {
    std::lock_guard lock(maintenance_mutex_);
    maintenance_.emplace(options_.clock);
    if (options_.sync == SyncMode::kInterval) {
      maintenance_->RunEvery(options_.sync_interval,
                             [this] { SyncWhatIsNot(); });
    }
    maintenance_->RunEvery(kSweepInterval, [this] { AskForSweep(); });
    // An error while it was opened came too early for OnError.
    if (!gate_.Check().ok()) {
      maintenance_->RunUntilDone(options_.recovery_interval,
                                 [this] { return TryToRecover(); });
    }
  }
  committer_ = std::thread([this] { CommitLoop(); });
  for (int i = 0; i < options_.read_threads; ++i) {
    readers_.emplace_back([this] { ReadLoop(); });
  }
}

RocksDbStorage::~RocksDbStorage() {
  reads_.Close();
  for (std::thread& reader : readers_) reader.join();
  closing_ = true;
  commits_.Close();  // readers may have put something in
  if (committer_.joinable()) committer_.join();
  {
    // RocksDB's threads may tell of errors until it is closed.
    std::lock_guard lock(maintenance_mutex_);
    stopping_ = true;
  }
  maintenance_.reset();
  backups_.End();
  SyncWhatIsNot();
  database_.reset();
}

bool RocksDbStorage::Submit(Batch& batch, Done done) {
  if (batch.empty()) return true;
  if (HasWrite(batch.ops())) return Enqueue(commits_, batch, done);
  if (Read(batch, ReadFrom::kMemory) == ReadOutcome::kDone) return true;
  return Enqueue(reads_, batch, done);
}

ReadOutcome RocksDbStorage::Read(Batch& batch, ReadFrom from) {
  const absl::Span<Op> ops = batch.ops();
  HeldBytes held(batch.held_bytes_max());
  if (UnitEnd(ops, 0) == ops.size()) held.BeginUnit();
  return Read(ops, batch.result_bytes_max(), &held, from);
}

ReadOutcome RocksDbStorage::Read(absl::Span<Op> ops, size_t result_bytes_max,
                                 HeldBytes* held, ReadFrom from) {
  std::shared_lock lock(database_mutex_, std::defer_lock);
  if (from == ReadFrom::kDisk) {
    lock = LockDatabase();
  } else if (opens_again_ || !lock.try_lock()) {
    return ReadOutcome::kNotInMemory;
  }
  if (database_ == nullptr) {
    for (Op& op : ops) {
      ClearResult(&op);
      op.status = absl::UnavailableError("the data cannot be read at present");
    }
    return ReadOutcome::kDone;
  }
  return BatchReader(&database_->db(), &catalogue_, NowMs())
      .Execute(ops, result_bytes_max, held, from);
}

std::shared_lock<std::shared_mutex> RocksDbStorage::LockDatabase() {
  std::lock_guard turn(turnstile_);
  return std::shared_lock(database_mutex_);
}

// As Submit: true if it is finished, being refused.
bool RocksDbStorage::Enqueue(BatchQueue& queue, Batch& batch, Done& done) {
  const absl::Status pushed = queue.Push(&batch, done);
  if (pushed.ok()) return false;
  for (Op& op : batch.ops()) {
    ClearResult(&op);
    op.status = pushed;
  }
  return true;
}

void RocksDbStorage::ReadLoop() {
  for (;;) {
    Entries entries = reads_.Pop(0);
    if (entries.empty()) return;
    for (BatchQueue::Entry& entry : entries) {
      Batch& batch = *entry.batch;
      const ReadOutcome outcome = Read(batch, ReadFrom::kDisk);
      // No table changes under the committing thread.
      if (outcome == ReadOutcome::kTablesChange &&
          !Enqueue(commits_, batch, entry.done)) {
        continue;
      }
      entry.done();
    }
  }
}

void RocksDbStorage::CommitLoop() {
  std::vector<Batch*> batches;
  for (;;) {
    WaitForMore();
    Entries entries = commits_.Pop(kCommitBytes);
    if (entries.empty()) return;
    bool sweep = false;
    batches.clear();
    for (const BatchQueue::Entry& entry : entries) {
      if (entry.batch == &sweep_) {
        sweep = true;
      } else {
        batches.push_back(entry.batch);
      }
    }
    Commit(batches);
    for (BatchQueue::Entry& entry : entries) {
      if (entry.batch != &sweep_) entry.done();
    }
    if (options_.sync == SyncMode::kAlways) {
      pacer_.Committed(batches.size(), commits_.size(), log_sync_,
                       options_.clock->Now());
    }
    if (sweep) SweepSome();
  }
}

void RocksDbStorage::WaitForMore() {
  const CommitPacer::Wait& wait = pacer_.wait();
  if (wait.batches <= 1) return;
  pacer_.Waited(commits_.WaitFor(wait.batches, wait.until));
}

void RocksDbStorage::Commit(absl::Span<Batch* const> batches) {
  Parts parts;
  std::deque<HeldBytes> held;  // parts point into it
  for (Batch* batch : batches) {
    const absl::Span<Op> ops = batch->ops();
    held.emplace_back(batch->held_bytes_max());
    size_t begin = 0;  // of the part
    for (size_t unit = 0; unit < ops.size();) {
      const size_t end = UnitEnd(ops, unit);
      // In a group it is none that can be executed: CommitPlan refuses it.
      if (IsTableOp(ops[unit].kind) && ops[unit].group == 0) {
        if (unit > begin) {
          parts.push_back({ops.subspan(begin, unit - begin), &held.back()});
        }
        CommitParts(&parts);
        ExecuteOnTable(ops[unit], batch->result_bytes_max(), &held.back());
        begin = end;
      }
      unit = end;
    }
    if (begin < ops.size()) {
      parts.push_back({ops.subspan(begin), &held.back()});
    }
  }
  CommitParts(&parts);
}

void RocksDbStorage::CommitParts(Parts* parts) {
  if (parts->empty()) return;
  std::vector<HeldBytes> held_before;
  for (const CommitPart& part : *parts) held_before.push_back(*part.held);
  absl::Status refusal;
  bool unknown = false;
  {
    const auto lock = LockDatabase();
    refusal = gate_.Check();
    if (refusal.ok()) refusal = CommitOpen(*parts, &unknown);
  }
  if (!refusal.ok()) {
    // Its results are gone.
    for (size_t i = 0; i < parts->size(); ++i) {
      *(*parts)[i].held = held_before[i];
    }
    for (const CommitPart& part : *parts) RefuseWrites(part, refusal, unknown);
  }
  parts->clear();
}

absl::Status RocksDbStorage::CommitOpen(absl::Span<const CommitPart> parts,
                                        bool* unknown) {
  ChangeSink* const sink = sink_.load(std::memory_order_acquire);
  CommitPlan plan({.db = &database_->db(),
                   .catalogue = &catalogue_,
                   .now_ms = NowMs(),
                   .tells = sink != nullptr},
                  counters_);
  plan.Plan(parts);
  // Used up, whatever becomes of the write.
  counters_.last_version = plan.counters().last_version;
  counters_.last_table = plan.counters().last_table;
  if (!plan.has_writes()) {
    if (sink != nullptr) plan.TellChanges(sink);
    return absl::OkStatus();
  }
  const TableCatalogue::Commit mark(&catalogue_);
  catalogue_.Publish(plan.changes());
  const absl::Status committed =
      Commit(&plan.write(), plan.counters().version_bound, unknown);
  if (!committed.ok()) {
    catalogue_.Retract(plan.changes());
    return committed;
  }
  catalogue_.Apply(plan.changes());
  if (sink != nullptr) plan.TellChanges(sink);
  return absl::OkStatus();
}

absl::Status RocksDbStorage::Commit(rocksdb::WriteBatch* write,
                                    uint64_t version_bound, bool* unknown) {
  // Under any SyncMode: with the bound, versions would be given twice.
  const bool raises_bound = version_bound != counters_.version_bound;
  const rocksdb::Status written =
      Write(write, options_.sync == SyncMode::kAlways || raises_bound);
  if (written.ok()) {
    counters_.version_bound = version_bound;
    return absl::OkStatus();
  }
  // RocksDB may fail after it has synced the log, too; and no status tells.
  *unknown = true;
  return absl::UnavailableError(
      absl::StrCat("the write failed: ", written.ToString()));
}

void RocksDbStorage::ExecuteOnTable(Op& op, size_t result_bytes_max,
                                    HeldBytes* held) {
  const absl::Status valid = CheckUnit({&op, 1});
  if (!valid.ok() || !IsWrite(op.kind)) {
    // No table changes meanwhile: it is this thread that changes them.
    Read({&op, 1}, result_bytes_max, held, ReadFrom::kDisk);
    return;
  }
  ClearResult(&op);
  absl::Status status;
  bool unknown = false;
  {
    const auto lock = LockDatabase();
    status = gate_.Check();
    if (status.ok()) status = ChangeTable(op, &unknown);
  }
  if (status.ok()) return;
  ClearResult(&op);
  op.status = status;
  op.outcome_unknown = unknown;
}

// kDropTable, kRenameTable.
absl::Status RocksDbStorage::ChangeTable(Op& op, bool* unknown) {
  absl::StatusOr<TableStats> stats = StatsOf(op.table);
  if (!stats.ok()) return stats.status();
  if (stats->keys == 0) return absl::OkStatus();
  const TableRecord table = catalogue_.Find(op.table);
  const bool renames = op.kind == OpKind::kRenameTable;
  rocksdb::WriteBatch write;
  write.Delete(TableKey(op.table));
  if (renames) {
    const absl::StatusOr<TableStats> other = StatsOf(op.value);
    if (!other.ok()) return other.status();
    if (other->keys != 0) return TableExists(op.value);
    // What is left of one whose keys have all expired goes.
    const TableRecord expired = catalogue_.Find(op.value);
    if (expired.id != kNoTable) DeleteData(expired.id, &write);
    write.Put(TableKey(op.value), EncodeTable(table));
  } else {
    DeleteData(table.id, &write);
  }
  counters_.last_version += renames ? 2 : 1;
  CommitCounters counters = counters_;
  ReserveVersions(&counters, &write);
  const TableCatalogue::Commit mark(&catalogue_);
  const absl::Status committed =
      Commit(&write, counters.version_bound, unknown);
  if (!committed.ok()) return committed;
  op.found = true;
  op.tables.push_back(*std::move(stats));
  // Reads see it first: who is told, and reads, must not find what was before.
  if (renames) {
    catalogue_.Drop(op.value);
    catalogue_.Rename(op.table, op.value);
  } else {
    catalogue_.Drop(op.table);
  }
  TellOfTable(KeyChange::Kind::kTableGone, op.table,
              counters_.last_version - (renames ? 1 : 0));
  if (renames) {
    TellOfTable(KeyChange::Kind::kTableCame, op.value, counters_.last_version);
  }
  return absl::OkStatus();
}

absl::StatusOr<TableStats> RocksDbStorage::StatsOf(absl::string_view name) {
  TableStats stats{.name = std::string(name)};
  const TableRecord table = catalogue_.Find(name);
  if (table.id == kNoTable) return stats;
  DueByTable due;
  const absl::Status found = FindDue(database_->db(), table.id, NowMs(), &due);
  if (!found.ok()) return found;
  const Due gone = due[table.id];
  stats.keys = table.keys - std::min(table.keys, gone.keys);
  stats.bytes = table.bytes - std::min(table.bytes, gone.bytes);
  return stats;
}

void RocksDbStorage::TellOfTable(KeyChange::Kind kind, absl::string_view name,
                                 uint64_t version) {
  ChangeSink* const sink = sink_.load(std::memory_order_acquire);
  if (sink == nullptr || !sink->Wants(name)) return;
  KeyChange change;
  change.kind = kind;
  change.table = name;
  change.version = version;
  sink->OnChanges({&change, 1});
}

absl::Status RocksDbStorage::ForEachNote(NoteVisitor visit) {
  const auto lock = LockDatabase();
  if (database_ == nullptr) {
    return absl::UnavailableError("the data cannot be read at present");
  }
  const KeyRange notes = AllNotes();
  const rocksdb::Slice end(notes.end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_->db().NewIterator(options));
  for (it->Seek(notes.begin); it->Valid(); it->Next()) {
    visit(NoteNameOf(ToView(it->key())), ToView(it->value()));
  }
  return FromRocksDb(it->status(), "reading notes");
}

rocksdb::Status RocksDbStorage::Write(rocksdb::WriteBatch* write, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  std::lock_guard lock(log_mutex_);
  const rocksdb::Status written = database_->db().Write(options, write);
  if (written.ok()) {
    unsynced_ = !sync;
    log_sync_ = database_->last_log_sync();
  } else {
    unknown_writes_ = true;
    OnError(written);
  }
  return written;
}

void RocksDbStorage::RefuseWrites(const CommitPart& part,
                                  const absl::Status& reason, bool unknown) {
  const absl::Span<Op> ops = part.ops;
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    const absl::Span<Op> unit = ops.subspan(begin, end - begin);
    begin = end;
    if (!HasWrite(unit)) {
      // No table changes meanwhile: it is this thread that changes them.
      part.held->BeginUnit();
      Read(unit, 0, part.held, ReadFrom::kDisk);
      continue;
    }
    // One that failed on its own, by what is committed already or by itself,
    // may have seen what is not: its present state is not told.
    const absl::Status valid = CheckUnit(unit);
    for (Op& op : unit) {
      ClearResult(&op);
      op.status = valid.ok() ? reason : valid;
      op.outcome_unknown = valid.ok() && unknown && IsWrite(op.kind);
    }
  }
}

void RocksDbStorage::OnError(const rocksdb::Status& error) {
  const absl::Status reason = absl::UnavailableError(
      absl::StrCat("writes are refused: ", error.ToString()));
  if (!gate_.Close(reason)) return;
  Log(LogLevel::kError, "storage refuses writes",
      {{"data_dir", options_.data_dir}, {"error", error.ToString()}});
  // It would be found again as soon as it is open.
  if (error.IsCorruption()) return;
  std::lock_guard lock(maintenance_mutex_);
  if (stopping_ || !maintenance_.has_value()) return;
  maintenance_->RunUntilDone(options_.recovery_interval,
                             [this] { return TryToRecover(); });
}

bool RocksDbStorage::TryToRecover() {
  absl::Status recovered;
  {
    std::shared_lock lock(database_mutex_);
    if (database_ != nullptr) recovered = database_->ProbeDisk();
  }
  if (recovered.ok()) {
    backups_.Stop();  // it would keep the database open
    recovered = OpenAgain();
  }
  if (!recovered.ok()) {
    Log(LogLevel::kDebug, "storage still refuses writes",
        {{"error", std::string(recovered.message())}});
    return false;
  }
  Log(LogLevel::kInfo, "storage takes writes again",
      {{"data_dir", options_.data_dir}});
  return true;
}

// Here a write that failed may turn out to be done.
absl::Status RocksDbStorage::OpenAgain() {
  opens_again_ = true;
  std::unique_lock turn(turnstile_);
  std::unique_lock lock(database_mutex_);
  turn.unlock();
  opens_again_ = false;
  database_.reset();
  auto database = OpenDatabase();
  CommitCounters counters;
  absl::Status status = database.status();
  catalogue_.Clear();
  if (status.ok()) status = (*database)->Load(&catalogue_, &counters);
  if (!status.ok()) {
    database = status;  // closed: it has the directory
    OpenToRead();
    return status;
  }
  database_ = *std::move(database);
  // Those that were given to writes that failed are not given again.
  counters.last_version =
      std::max(counters.last_version, counters_.last_version);
  counters.last_table = std::max(counters.last_table, counters_.last_table);
  counters_ = counters;
  TellOfUnknownWrites();
  unknown_writes_ = told_of_unknown_ = false;
  {
    std::lock_guard sweep_lock(sweep_mutex_);
    sweep_from_.clear();
  }
  gate_.Open();
  return absl::OkStatus();
}

// What failed may be there now, and nobody was told. No read has begun.
void RocksDbStorage::TellOfUnknownWrites() {
  if (!unknown_writes_) return;
  ChangeSink* const sink = sink_.load(std::memory_order_acquire);
  if (sink != nullptr) sink->OnChangesLost();
}

// What is not synced is not read: it may be gone tomorrow, and a write whose
// sync has failed is in the log all the same.
void RocksDbStorage::OpenToRead() {
  auto database = OpenDatabase(Database::Access::kReadOnly);
  CommitCounters unused;
  catalogue_.Clear();
  if (!database.ok() || !(*database)->Load(&catalogue_, &unused).ok()) return;
  // Once, not each time that it is tried.
  if (!std::exchange(told_of_unknown_, true)) TellOfUnknownWrites();
  database_ = *std::move(database);
}

absl::Status RocksDbStorage::UseDatabase(
    absl::FunctionRef<absl::Status(rocksdb::DB&)> use) {
  const auto lock = LockDatabase();
  const absl::Status open = gate_.Check();
  return open.ok() ? use(database_->db()) : open;
}

void RocksDbStorage::SyncWhatIsNot() {
  std::shared_lock database_lock(database_mutex_);
  std::lock_guard lock(log_mutex_);
  // While it is closed the log may be one that has failed; what is in it is in
  // files once the gate opens.
  if (!unsynced_ || !gate_.Check().ok()) return;  // or there is no database
  const rocksdb::Status synced = database_->db().SyncWAL();
  unsynced_ = !synced.ok();
  if (!synced.ok()) OnError(synced);
}

Capabilities RocksDbStorage::capabilities() const {
  return {.durable = true,
          .atomic_across_keys = true,
          .ordered_scan = true,
          .tells_changes = true};
}

}  // namespace coffer::server
