// RocksDbStorage: the engine that keeps everything on the disk, in RocksDB.
//
// Writes. One thread commits: it takes all batches that wait, executes them one
// after another (commit_plan.h), and writes them to RocksDB at once, with one
// sync under SyncMode::kAlways. So batches that come while a sync runs share
// the next one, reads of previous values need no locks, and a write is seen by
// reads only when it is committed, synced included.
//
// Reads. A batch of reads is executed inside Submit if all that it needs is in
// memory; if not, and for whole tables, by threads that may block on the disk.
// They go on while writes sync, and while writes are refused.
//
// Errors of the disk. A write that fails has an unknown outcome, and those that
// follow are refused with Unavailable and the reason, until the disk takes
// writes again, which is tried now and then. Reads go on. Then the database is
// closed and opened again, which takes from its log all that was answered, and
// writes are taken. (Not DB::Resume: in RocksDB 7.8 it may wait for ever for a
// flush that an error has kept from starting, and a log that has failed must
// not be used again.) What is corrupt fails with DataLoss.
//
// Threads: as Storage says. Done is called on the committing thread, or on one
// of those that read.

#ifndef COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_STORAGE_H_
#define COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_STORAGE_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/durable/batch_queue.h"
#include "coffer/server/storage/durable/batch_reader.h"
#include "coffer/server/storage/durable/commit_pacer.h"
#include "coffer/server/storage/durable/commit_plan.h"
#include "coffer/server/storage/durable/database.h"
#include "coffer/server/storage/durable/directory_lock.h"
#include "coffer/server/storage/durable/durable_options.h"
#include "coffer/server/storage/durable/maintenance_thread.h"
#include "coffer/server/storage/durable/rocksdb_backups.h"
#include "coffer/server/storage/durable/table_catalogue.h"
#include "coffer/server/storage/durable/write_gate.h"
#include "coffer/server/storage/held_bytes.h"
#include "coffer/server/storage/storage.h"
#include "rocksdb/db.h"
#include "rocksdb/status.h"
#include "rocksdb/write_batch.h"

namespace coffer::server {

class RocksDbStorage final : public Storage {
 public:
  // Errors as of Database::Open; ResourceExhausted without threads.
  static absl::StatusOr<std::unique_ptr<RocksDbStorage>> Open(
      const DurableOptions& options);
  ~RocksDbStorage() override;
  RocksDbStorage(const RocksDbStorage&) = delete;
  RocksDbStorage& operator=(const RocksDbStorage&) = delete;

  bool Submit(Batch& batch, Done done) override;
  Capabilities capabilities() const override;
  absl::string_view name() const override { return "rocksdb"; }
  StorageCounts counts() const override { return catalogue_.counts(); }

  Backups* backups() override { return &backups_; }
  void SetChangeSink(ChangeSink* sink) override {
    sink_.store(sink, std::memory_order_release);
  }
  absl::Status ForEachNote(NoteVisitor visit) override;

  // OK, or why writes are refused at present. Any thread.
  absl::Status WriteStatus() const { return gate_.Check(); }

 private:
  using Entries = std::vector<BatchQueue::Entry>;

  explicit RocksDbStorage(const DurableOptions& options);

  absl::Status Start();
  void StartThreads();
  absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(
      Database::Access access = Database::Access::kReadWrite);
  bool Enqueue(BatchQueue& queue, Batch& batch, Done& done);
  // The database is not opened again while the lock is held.
  std::shared_lock<std::shared_mutex> LockDatabase();
  ReadOutcome Read(Batch& batch, ReadFrom from);
  ReadOutcome Read(absl::Span<Op> ops, size_t result_bytes_max, HeldBytes* held,
                   ReadFrom from);

  // What is committed at once.
  using Parts = std::vector<CommitPart>;

  void CommitLoop();
  void WaitForMore();
  // Executes batches in their order. Operations of tables come between commits:
  // they see what was committed before them.
  void Commit(absl::Span<Batch* const> batches);
  void CommitParts(Parts* parts);
  // With the lock held and the gate open.
  absl::Status CommitOpen(absl::Span<const CommitPart> parts, bool* unknown);
  // `version_bound` is what it is once that is written.
  absl::Status Commit(rocksdb::WriteBatch* write, uint64_t version_bound,
                      bool* unknown);
  rocksdb::Status Write(rocksdb::WriteBatch* write, bool sync);
  // `unknown`: writes may have had their effect. Reads are executed.
  void RefuseWrites(const CommitPart& part, const absl::Status& reason,
                    bool unknown);
  void ExecuteOnTable(Op& op, size_t result_bytes_max, HeldBytes* held);
  absl::Status ChangeTable(Op& op, bool* unknown);
  // Not there, or all its keys have expired: without keys.
  absl::StatusOr<TableStats> StatsOf(absl::string_view name);
  void TellOfTable(KeyChange::Kind kind, absl::string_view name,
                   uint64_t version);

  // rocksdb_sweep.cc
  void AskForSweep();
  void SweepSome();
  absl::StatusOr<bool> SweepOpen();
  std::string SweepFrom();
  void PassBy(const std::string& last_entry, const absl::Status& why);
  uint64_t NowMs();
  void ReadLoop();

  void OnError(const rocksdb::Status& error);
  bool TryToRecover();
  absl::Status OpenAgain();
  void TellOfUnknownWrites();
  void OpenToRead();
  void SyncWhatIsNot();
  absl::Status UseDatabase(absl::FunctionRef<absl::Status(rocksdb::DB&)> use);

  const DurableOptions options_;
  WriteGate gate_;
  TableCatalogue catalogue_;
  CommitCounters counters_;     // only the committing thread changes them
  CommitPacer pacer_;           // the committing thread's
  Clock::Duration log_sync_{};  // likewise: what the latest one took
  BatchQueue commits_;
  BatchQueue reads_;
  // Set while the engine may be at work already, sweeping.
  std::atomic<ChangeSink*> sink_{nullptr};
  std::atomic<uint64_t> now_ms_{0};  // the latest that was seen
  // In commits_, it asks for a piece of sweeping; it has no operations.
  Batch sweep_;
  std::atomic<bool> sweep_asked_{false};
  std::mutex sweep_mutex_;
  std::string sweep_from_;  // under it: the first entry that is looked at
  std::atomic<bool> closing_{false};  // what has expired is left as it is

  // Held for whatever uses RocksDB's log while the gate is open: one that has
  // failed must not be used again.
  std::mutex log_mutex_;
  bool unsynced_ = false;  // under it: an answered write is not synced
  // Likewise: a write has failed that may be there once the data are open
  // again.
  bool unknown_writes_ = false;
  bool told_of_unknown_ = false;  // to those who watch

  std::mutex maintenance_mutex_;
  bool stopping_ = false;  // under it: no more jobs
  std::optional<MaintenanceThread> maintenance_;

  // Held shared by whatever uses the database, catalogue_ and counters_, and
  // alone while it is closed and opened again.
  std::shared_mutex database_mutex_;
  // Whoever wants it alone holds this while it waits for it, and so do others
  // while they take it: a stream of reads cannot keep it waiting.
  std::mutex turnstile_;
  std::atomic<bool> opens_again_{false};  // for reads that must not wait
  std::unique_ptr<DirectoryLock> directory_lock_;
  const std::shared_ptr<SyncedFiles> synced_ = std::make_shared<SyncedFiles>();
  // Null if it could not be opened again, even to be read.
  std::unique_ptr<Database> database_;
  RocksDbBackups backups_;
  std::thread committer_;
  std::vector<std::thread> readers_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_STORAGE_H_
