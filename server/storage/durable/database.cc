#include "coffer/server/storage/durable/database.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/log.h"
#include "coffer/server/storage/durable/directory_lock.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "coffer/server/storage/durable/error_listener.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/rocksdb_options.h"
#include "coffer/server/storage/durable/table_scan.h"
#include "rocksdb/iterator.h"
#include "rocksdb/options.h"
#include "rocksdb/write_batch.h"

namespace coffer::server {
namespace {

// What RocksDB puts into a new directory before the file CURRENT, which makes
// it a database; and what stands in a file system's root.
bool MayBeInANewDirectory(absl::string_view name) {
  return name == "." || name == ".." || name == "lost+found" ||
         name == "LOCK" || name == "IN_USE" || name == "IDENTITY" ||
         name == "MANIFEST-000001" || absl::StartsWith(name, "LOG") ||
         absl::EndsWith(name, ".dbtmp");
}

LogFileSystem::Options LogOptions(const DurableOptions& options,
                                  Database::Access access,
                                  std::shared_ptr<SyncedFiles> synced) {
  const bool always = options.sync == SyncMode::kAlways;
  return {.zeros_bytes = always ? options.log_zeros_bytes : 0,
          .accept_holes = options.accept_damaged_log,
          .each_is_synced = always,
          .synced = std::move(synced),
          // Else what was answered is not all synced.
          .synced_only = always && access == Database::Access::kReadOnly,
          .clock = options.clock};
}

}  // namespace

Database::Database(const DurableOptions& options, Access access,
                   std::shared_ptr<SyncedFiles> synced)
    : options_(options),
      access_(access),
      files_(std::make_shared<LogFileSystem>(
          options.file_system != nullptr ? options.file_system
                                         : rocksdb::FileSystem::Default(),
          LogOptions(options, access, std::move(synced)))),
      env_(rocksdb::NewCompositeEnv(files_)) {}

std::string Database::Doing(absl::string_view what) const {
  return absl::StrCat(what, " data directory ", options_.data_dir);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const DurableOptions& options, OnError on_error, Access access,
    std::shared_ptr<SyncedFiles> synced) {
  std::unique_ptr<Database> database(
      new Database(options, access, std::move(synced)));
  // RocksDB takes it again when it opens: this is to say clearly that it cannot
  // be had, before anything is read that another process may be writing.
  absl::Status status = CheckRocksDbLock(*database->env_, options.data_dir);
  if (status.ok()) status = database->CheckFiles();
  if (status.ok()) {
    status = database->OpenRocksDb(std::move(on_error));
  }
  if (status.ok()) status = database->CheckFormat();
  if (!status.ok()) return status;
  return database;
}

absl::Status Database::CheckFiles() {
  std::vector<std::string> children;
  rocksdb::Status status = env_->GetChildren(options_.data_dir, &children);
  if (!status.ok()) return FromRocksDb(status, Doing("cannot use"));
  status = env_->FileExists(options_.data_dir + "/CURRENT");
  if (status.ok()) return CheckColumnFamilies();
  if (!status.IsNotFound()) return FromRocksDb(status, Doing("cannot use"));
  // RocksDB would make a new database, and remove the files of an old one that
  // has lost its beginning.
  for (const std::string& name : children) {
    if (MayBeInANewDirectory(name)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(Doing("cannot use"), ": it has no file CURRENT, but ",
                     name, ": not data of Coffer, or damaged"));
  }
  return absl::OkStatus();
}

// Reads, and changes nothing: what a newer version has made is left as it is.
absl::Status Database::CheckColumnFamilies() {
  std::vector<std::string> families;
  rocksdb::DBOptions options;
  options.env = env_.get();
  const rocksdb::Status status =
      rocksdb::DB::ListColumnFamilies(options, options_.data_dir, &families);
  if (!status.ok()) return FromRocksDb(status, Doing("cannot open"));
  for (const std::string& family : families) {
    if (family == rocksdb::kDefaultColumnFamilyName) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(Doing("cannot open"), ": it has a column family ", family,
                     ": not data of Coffer, or written by a newer version"));
  }
  return absl::OkStatus();
}

absl::Status Database::OpenRocksDb(OnError on_error) {
  rocksdb::Options options = MakeRocksDbOptions(options_);
  options.env = env_.get();
  options.listeners = {std::make_shared<ErrorListener>(std::move(on_error))};
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      access_ == Access::kReadWrite
          ? rocksdb::DB::Open(options, options_.data_dir, &db)
          : rocksdb::DB::OpenForReadOnly(options, options_.data_dir, &db);
  if (status.ok()) {
    db_.reset(db);
    return absl::OkStatus();
  }
  if (status.IsCorruption() && !options_.accept_damaged_log) {
    return absl::DataLossError(absl::StrCat(
        Doing("cannot open"), ": ", status.ToString(),
        "; the file LOG in it says more. If it is the log of the last writes "
        "that is damaged, --accept_damaged_log opens it without those from "
        "there on"));
  }
  return FromRocksDb(status, Doing("cannot open"));
}

absl::Status Database::CheckFormat() {
  std::string format;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), FormatKey(), &format);
  if (status.ok()) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(format, &number)) {
      return absl::DataLossError(
          absl::StrCat(Doing("cannot open"), ": its format record is damaged"));
    }
    format_ = number;
    if (number <= kDataFormat) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        Doing("cannot open"), ": its format is ", number,
        ", written by a newer version; this one reads up to ", kDataFormat));
  }
  if (!status.IsNotFound()) return FromRocksDb(status, Doing("cannot open"));
  {
    const std::unique_ptr<rocksdb::Iterator> any(
        db_->NewIterator(rocksdb::ReadOptions()));
    any->SeekToFirst();
    if (!any->status().ok()) {
      return FromRocksDb(any->status(), Doing("cannot open"));
    }
    if (any->Valid()) {
      return absl::FailedPreconditionError(absl::StrCat(
          Doing("cannot open"), ": a RocksDB database that is not Coffer's"));
    }
  }
  return WriteFormat();
}

absl::Status Database::WriteFormat() {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return FromRocksDb(db_->Put(synced, FormatKey(), absl::StrCat(kDataFormat)),
                     Doing("cannot write to"));
}

absl::Status Database::CountBytes(TableCatalogue* catalogue) {
  rocksdb::WriteBatch counted;
  absl::Status status;
  std::vector<TableChange> changes;
  std::vector<std::string> names;  // they do not move
  names.reserve(catalogue->counts().tables);
  catalogue->ForEach("", [&](absl::string_view name, const TableRecord& table) {
    TableRecord record = table;
    record.bytes = 0;
    status = ForEachRecord(*db_, table.id, "",
                           [&](absl::string_view key, const DataRecord& data) {
                             record.bytes += key.size() + data.value.size();
                             return true;
                           });
    names.emplace_back(name);
    changes.push_back({.name = names.back(),
                       .id = table.id,
                       .keys_before = table.keys,
                       .keys = table.keys,
                       .bytes = record.bytes});
    counted.Put(TableKey(name), EncodeTable(record));
    return status.ok();
  });
  if (!status.ok()) return status;
  catalogue->Apply(changes);
  if (access_ == Access::kReadOnly) return absl::OkStatus();
  counted.Put(FormatKey(), absl::StrCat(kDataFormat));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  format_ = kDataFormat;
  return FromRocksDb(db_->Write(synced, &counted), Doing("cannot write to"));
}

absl::Status Database::ReadNumber(const std::string& key, uint64_t* number) {
  std::string bytes;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &bytes);
  if (status.IsNotFound()) return absl::OkStatus();  // as it is
  if (!status.ok()) return FromRocksDb(status, Doing("cannot read"));
  if (DecodeNumber(bytes, number)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(Doing("cannot read"), ": record ",
                                          key.substr(1), " is damaged"));
}

absl::Status Database::Load(TableCatalogue* catalogue,
                            CommitCounters* counters) {
  const KeyRange tables = AllTables();
  const rocksdb::Slice end(tables.end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  for (it->Seek(tables.begin); it->Valid(); it->Next()) {
    TableRecord table;
    if (!DecodeTable(ToView(it->value()), &table)) {
      return absl::DataLossError(
          absl::StrCat(Doing("cannot read"), ": a table's record is damaged"));
    }
    catalogue->Add(TableNameOf(ToView(it->key())), table);
  }
  if (!it->status().ok()) {
    return FromRocksDb(it->status(), Doing("cannot read"));
  }
  absl::Status status;
  if (format_ < 2) status = CountBytes(catalogue);
  if (status.ok()) status = ReadNumber(LastTableKey(), &counters->last_table);
  if (status.ok()) {
    status = ReadNumber(VersionBoundKey(), &counters->version_bound);
  }
  counters->last_version = counters->version_bound;
  return status;
}

absl::Status Database::LeapVersions() {
  // More than a store can be thought to give between two backups, and room for
  // millions of leaps.
  constexpr uint64_t kLeap = uint64_t{1} << 40;
  uint64_t bound = 0;
  const absl::Status read = ReadNumber(VersionBoundKey(), &bound);
  if (!read.ok()) return read;
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return FromRocksDb(
      db_->Put(synced, VersionBoundKey(), EncodeNumber(bound + kLeap)),
      Doing("cannot write to"));
}

absl::Status Database::ProbeDisk() {
  uint64_t free = 0;
  // What was only in the log goes to a file, and a new log is begun.
  const uint64_t wanted = 2 * options_.write_buffer_bytes;
  if (env_->GetFreeSpace(options_.data_dir, &free).ok() && free < wanted) {
    return absl::UnavailableError(
        absl::StrCat(Doing("cannot write to"), ": ", free,
                     " bytes are free there, and ", wanted, " are needed"));
  }
  return WriteProbe(options_.data_dir + "/PROBE");
}

absl::Status Database::WriteProbe(const std::string& path) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status =
      env_->NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Append(std::string(4096, 'p'));
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  const rocksdb::Status removed = env_->DeleteFile(path);
  if (status.ok()) status = removed;
  return FromRocksDb(status, Doing("cannot write to"));
}

Database::~Database() {
  if (db_ == nullptr) return;
  const rocksdb::Status status = db_->Close();
  if (status.ok()) return;
  Log(LogLevel::kError, "data not closed cleanly",
      {{"data_dir", options_.data_dir}, {"error", status.ToString()}});
}

}  // namespace coffer::server
