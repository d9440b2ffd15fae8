#include "coffer/server/storage/durable/rocksdb_storage.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/log.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "rocksdb/options.h"

namespace coffer::server {
namespace {

// What is committed at once, beside the first batch: more would keep its
// clients waiting for each other.
constexpr size_t kCommitBytes = 4 << 20;

bool IsWriteOp(const Op& op) { return IsWrite(op.kind); }

bool HasWrite(absl::Span<const Op> ops) {
  return std::any_of(ops.begin(), ops.end(), IsWriteOp);
}

// RocksDB refused it before it touched a file: it was stopped by an error that
// it has given a severity.
bool WasNotTried(const rocksdb::Status& error) {
  return error.severity() != rocksdb::Status::Severity::kNoError;
}

}  // namespace

RocksDbStorage::RocksDbStorage(const DurableOptions& options)
    : options_(options),
      commits_(options.queue_bytes_max),
      reads_(options.queue_bytes_max) {}

absl::StatusOr<std::unique_ptr<RocksDbStorage>> RocksDbStorage::Open(
    const DurableOptions& options) {
  COFFER_ASSERT(options.read_threads >= 1);
  std::unique_ptr<RocksDbStorage> storage(new RocksDbStorage(options));
  const absl::Status started = storage->Start();
  if (!started.ok()) return started;
  return storage;
}

absl::Status RocksDbStorage::Start() {
  auto database = Database::Open(options_, TellOfErrors());
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

void RocksDbStorage::StartThreads() {
  {
    std::lock_guard lock(maintenance_mutex_);
    maintenance_.emplace(options_.clock);
    if (options_.sync == SyncMode::kInterval) {
      maintenance_->RunEvery(options_.sync_interval,
                             [this] { SyncWhatIsNot(); });
    }
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
  commits_.Close();  // readers may have put something in
  if (committer_.joinable()) committer_.join();
  {
    // RocksDB's threads may tell of errors until it is closed.
    std::lock_guard lock(maintenance_mutex_);
    stopping_ = true;
  }
  maintenance_.reset();
  SyncWhatIsNot();
  database_.reset();
}

bool RocksDbStorage::Submit(Batch& batch, Done done) {
  if (batch.empty()) return true;
  if (HasWrite(batch.ops())) return Enqueue(commits_, batch, done);
  const ReadOutcome outcome =
      Read(batch.ops(), batch.result_bytes_max(), ReadFrom::kMemory);
  if (outcome == ReadOutcome::kDone) return true;
  return Enqueue(reads_, batch, done);
}

ReadOutcome RocksDbStorage::Read(absl::Span<Op> ops, size_t result_bytes_max,
                                 ReadFrom from) {
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
  return BatchReader(&database_->db(), &catalogue_)
      .Execute(ops, result_bytes_max, from);
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
      const ReadOutcome outcome =
          Read(batch.ops(), batch.result_bytes_max(), ReadFrom::kDisk);
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
    Entries entries = commits_.Pop(kCommitBytes);
    if (entries.empty()) return;
    batches.clear();
    for (const BatchQueue::Entry& entry : entries) {
      batches.push_back(entry.batch);
    }
    Commit(batches);
    for (BatchQueue::Entry& entry : entries) entry.done();
  }
}

void RocksDbStorage::Commit(absl::Span<Batch* const> batches) {
  absl::Status refusal;
  bool unknown = false;
  {
    const auto lock = LockDatabase();
    refusal = gate_.Check();
    if (refusal.ok()) refusal = CommitOpen(batches, &unknown);
  }
  if (!refusal.ok()) RefuseWrites(batches, refusal, unknown);
}

absl::Status RocksDbStorage::CommitOpen(absl::Span<Batch* const> batches,
                                        bool* unknown) {
  CommitPlan plan(&database_->db(), &catalogue_, counters_);
  plan.Plan(batches);
  // Used up, whatever becomes of the write.
  counters_.last_version = plan.counters().last_version;
  counters_.last_table = plan.counters().last_table;
  if (!plan.has_writes()) return absl::OkStatus();
  catalogue_.Publish(plan.changes());
  const rocksdb::Status written = Write(&plan.write());
  if (!written.ok()) {
    catalogue_.Retract(plan.changes());
    *unknown = !WasNotTried(written);
    return absl::UnavailableError(
        absl::StrCat("the write failed: ", written.ToString()));
  }
  catalogue_.Apply(plan.changes());
  counters_.version_bound = plan.counters().version_bound;
  return absl::OkStatus();
}

rocksdb::Status RocksDbStorage::Write(rocksdb::WriteBatch* write) {
  rocksdb::WriteOptions options;
  options.sync = options_.sync == SyncMode::kAlways;
  std::lock_guard lock(log_mutex_);
  const rocksdb::Status written = database_->db().Write(options, write);
  if (written.ok()) {
    unsynced_ = !options.sync;
  } else {
    OnError(written);
  }
  return written;
}

void RocksDbStorage::RefuseWrites(absl::Span<Batch* const> batches,
                                  const absl::Status& reason, bool unknown) {
  for (Batch* batch : batches) {
    absl::Span<Op> ops = batch->ops();
    for (size_t begin = 0; begin < ops.size();) {
      const size_t end = UnitEnd(ops, begin);
      const absl::Span<Op> unit = ops.subspan(begin, end - begin);
      begin = end;
      if (!HasWrite(unit)) {
        // No table changes meanwhile: it is this thread that changes them.
        Read(unit, batch->result_bytes_max(), ReadFrom::kDisk);
        continue;
      }
      if (!unit[0].status.ok()) continue;  // it failed before, on its own
      const absl::Status valid = CheckUnit(unit);
      for (Op& op : unit) {
        ClearResult(&op);
        op.status = valid.ok() ? reason : valid;
        op.outcome_unknown = valid.ok() && unknown && IsWrite(op.kind);
      }
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
  if (recovered.ok()) recovered = OpenAgain();
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
  auto database = Database::Open(options_, TellOfErrors());
  CommitCounters counters;
  absl::Status status = database.status();
  catalogue_.Clear();
  if (status.ok()) status = (*database)->Load(&catalogue_, &counters);
  if (!status.ok()) {
    OpenToRead();
    return status;
  }
  database_ = *std::move(database);
  // Those that were given to writes that failed are not given again.
  counters.last_version =
      std::max(counters.last_version, counters_.last_version);
  counters.last_table = std::max(counters.last_table, counters_.last_table);
  counters_ = counters;
  gate_.Open();
  return absl::OkStatus();
}

void RocksDbStorage::OpenToRead() {
  auto database =
      Database::Open(options_, TellOfErrors(), Database::Access::kReadOnly);
  CommitCounters unused;
  catalogue_.Clear();
  if (!database.ok() || !(*database)->Load(&catalogue_, &unused).ok()) return;
  database_ = *std::move(database);
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
  return {.durable = true, .atomic_across_keys = true, .ordered_scan = true};
}

}  // namespace coffer::server
