#include "coffer/server/storage/durable/restore.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coffer/server/log.h"
#include "coffer/server/storage/durable/database.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "rocksdb/env.h"
#include "rocksdb/utilities/backup_engine.h"

namespace coffer::server {
namespace {

// Neither "." nor "..".
absl::Status Children(rocksdb::Env& env, const std::string& dir,
                      std::vector<std::string>* children) {
  const rocksdb::Status status = env.GetChildren(dir, children);
  if (status.IsNotFound()) children->clear();
  if (!status.ok() && !status.IsNotFound()) {
    return FromRocksDb(status, absl::StrCat("reading folder ", dir));
  }
  children->erase(std::remove_if(children->begin(), children->end(),
                                 [](const std::string& name) {
                                   return name == "." || name == "..";
                                 }),
                  children->end());
  return absl::OkStatus();
}

// Of files only.
absl::Status RemoveFolder(rocksdb::Env& env, const std::string& dir) {
  std::vector<std::string> children;
  const absl::Status read = Children(env, dir, &children);
  if (!read.ok()) return read;
  const std::string doing = absl::StrCat("removing ", dir);
  for (const std::string& child : children) {
    const rocksdb::Status status =
        env.DeleteFile(absl::StrCat(dir, "/", child));
    if (!status.ok()) return FromRocksDb(status, doing);
  }
  const rocksdb::Status status = env.DeleteDir(dir);
  if (status.ok() || !env.FileExists(dir).ok()) return absl::OkStatus();
  return FromRocksDb(status, doing);
}

absl::Status CheckEmpty(rocksdb::Env& env, const std::string& data_dir) {
  std::vector<std::string> children;
  const absl::Status read = Children(env, data_dir, &children);
  if (!read.ok() || children.empty()) return read;
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot restore: data directory ", data_dir, " has ", children[0],
      " in it already, and a restore overwrites nothing"));
}

absl::Status NoBackup(const RestoreSource& from, const std::string& why) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot restore from ", from.dir, ": ", why));
}

class Restore {
 public:
  Restore(const RestoreSource& from, const DurableOptions& options)
      : from_(from), options_(options), env_(rocksdb::Env::Default()) {
    if (options.file_system == nullptr) return;
    own_env_ = rocksdb::NewCompositeEnv(options.file_system);
    env_ = own_env_.get();
  }

  absl::Status Run() {
    absl::Status status = CheckEmpty(*env_, options_.data_dir);
    if (status.ok()) status = OpenBackups();
    if (status.ok()) status = ChooseBackup();
    if (status.ok()) status = Copy();
    if (status.ok()) status = PutInPlace();
    return status;
  }

 private:
  // Reading the folder must not make one.
  absl::Status OpenBackups() {
    if (!env_->FileExists(from_.dir).ok()) {
      return NoBackup(from_, "there is no such folder");
    }
    rocksdb::BackupEngineReadOnly* engine = nullptr;
    const rocksdb::Status status = rocksdb::BackupEngineReadOnly::Open(
        rocksdb::BackupEngineOptions(from_.dir, env_), env_, &engine);
    if (status.IsNotFound()) return NoBackup(from_, "there is no backup in it");
    if (!status.ok()) {
      return FromRocksDb(status, absl::StrCat("opening backups ", from_.dir));
    }
    engine_.reset(engine);
    return absl::OkStatus();
  }

  // The latest is not passed over in silence because it is damaged.
  absl::Status ChooseBackup() {
    std::vector<rocksdb::BackupInfo> whole;
    std::vector<rocksdb::BackupID> damaged;
    engine_->GetBackupInfo(&whole);
    engine_->GetCorruptedBackups(&damaged);
    std::vector<uint32_t> ids(damaged.begin(), damaged.end());
    for (const rocksdb::BackupInfo& info : whole) ids.push_back(info.backup_id);
    if (ids.empty()) return NoBackup(from_, "there is no backup in it");
    std::sort(ids.begin(), ids.end());
    id_ = from_.id != 0 ? from_.id : ids.back();
    if (!std::binary_search(ids.begin(), ids.end(), id_)) {
      return NoBackup(from_, absl::StrCat("there is no backup ", id_, ", but ",
                                          absl::StrJoin(ids, ", ")));
    }
    if (std::find(damaged.begin(), damaged.end(), id_) != damaged.end()) {
      return absl::DataLossError(
          absl::StrCat("cannot restore from ", from_.dir, ": backup ", id_,
                       " is damaged; --restore_id takes another"));
    }
    return absl::OkStatus();
  }

  absl::Status Copy() {
    absl::Status status = RemoveFolder(*env_, HalfDone());
    if (!status.ok()) return status;
    Log(LogLevel::kInfo, "restore begun",
        {{"from", from_.dir},
         {"id", absl::StrCat(id_)},
         {"data_dir", options_.data_dir}});
    const rocksdb::Status copied =
        engine_->RestoreDBFromBackup(id_, HalfDone(), HalfDone());
    status = FromRocksDb(
        copied, absl::StrCat("restoring backup ", id_, " of ", from_.dir));
    return status.ok() ? LeapVersions() : status;
  }

  absl::Status LeapVersions() {
    DurableOptions options = options_;
    options.data_dir = HalfDone();
    auto database = Database::Open(options, [](const rocksdb::Status&) {});
    if (!database.ok()) return database.status();
    return (*database)->LeapVersions();
  }

  absl::Status PutInPlace() {
    rocksdb::Status status;
    if (env_->FileExists(options_.data_dir).ok()) {
      status = env_->DeleteDir(options_.data_dir);  // it was empty
    }
    if (status.ok()) status = env_->RenameFile(HalfDone(), options_.data_dir);
    std::unique_ptr<rocksdb::Directory> parent;
    if (status.ok()) {
      status = env_->NewDirectory(Parent(), &parent);
    }
    if (status.ok()) status = parent->Fsync();
    if (!status.ok()) {
      return FromRocksDb(
          status, absl::StrCat("making data directory ", options_.data_dir));
    }
    Log(LogLevel::kInfo, "restore done", {{"data_dir", options_.data_dir}});
    return absl::OkStatus();
  }

  std::string Name() const {
    std::string name = options_.data_dir;
    while (name.size() > 1 && name.back() == '/') name.pop_back();
    return name;
  }
  std::string HalfDone() const { return Name() + ".restoring"; }
  std::string Parent() const {
    const std::string name = Name();
    const size_t slash = name.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : name.substr(0, slash);
  }

  const RestoreSource& from_;
  const DurableOptions& options_;
  std::unique_ptr<rocksdb::Env> own_env_;
  rocksdb::Env* env_;
  std::unique_ptr<rocksdb::BackupEngineReadOnly> engine_;
  uint32_t id_ = 0;
};

}  // namespace

absl::Status RestoreBackup(const RestoreSource& from,
                           const DurableOptions& options) {
  return Restore(from, options).Run();
}

}  // namespace coffer::server
