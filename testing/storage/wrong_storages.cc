// Those that are wrong about keys, values, tables, groups and done.

#include "coffer/testing/storage/wrong_storages.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/testing/storage/wrapped_storage.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Batch;
using ::coffer::server::Capabilities;
using ::coffer::server::Op;
using ::coffer::server::OpKind;
using ::coffer::server::SharedBytes;
using ::coffer::server::StorageCounts;
using ::coffer::server::TableEntry;

class HalfAppliedGroup : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      ExecuteAlone(op);
      if (op.group != 0 && IsWrite(op.kind)) LetOthersRun();
    }
  }
};

class GroupRunsDespiteFailure : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (!op.status.ok() && op.kind != OpKind::kGetTable) ExecuteAlone(op);
    }
  }
};

class FailureSpreads : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    absl::Status failure;
    for (Op& op : batch.ops()) failure.Update(op.status);
    for (Op& op : batch.ops()) op.status = failure;
  }
};

class VersionUsedTwice : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      op.version = (op.version + 1) / 2;
      for (TableEntry& entry : op.entries) {
        entry.version = (entry.version + 1) / 2;
      }
    }
  }
};

// Each draws the next, unless another thread is about to draw it too.
class VersionsDrawnInTwoSteps : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind != OpKind::kSet || !op.status.ok()) continue;
      op.version = last_.load(std::memory_order_relaxed) + 1;
      if (op.version % 64 == 0) LetOthersRun();
      last_.store(op.version, std::memory_order_relaxed);
    }
  }
  std::atomic<uint64_t> last_{0};
};

class NoPrevious : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind == OpKind::kSet) op.value_out = SharedBytes();
    }
  }
};

class ReadsFirst : public WrappedStorage {
  void Change(Batch& batch) override {
    for (bool writes : {false, true}) {
      for (Op& op : batch.ops()) {
        if (IsWrite(op.kind) == writes) {
          ExecuteAlone(op, batch.result_bytes_max());
        }
      }
    }
  }
};

// Reads the previous value, then writes, as two steps.
class StalePrevious : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      Op read = op;
      read.kind = OpKind::kGet;
      if (op.want_previous) ExecuteAlone(read);
      if (op.want_previous) LetOthersRun();
      ExecuteAlone(op, batch.result_bytes_max());
      if (op.want_previous) op.value_out = read.value_out;
    }
  }
};

class EmptyIsAbsent : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind != OpKind::kGet || op.value_out.size() != 0) continue;
      op.found = false;
      op.value_out = SharedBytes();
    }
  }
};

class AbsentHasAVersion : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (!op.found && op.kind == OpKind::kGet) op.version = 7;
    }
  }
};

// Reuses the memory of a value that a reader may have still.
class OverwritesInPlace : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      Op read = op;
      read.kind = OpKind::kGet;
      if (op.kind == OpKind::kSet) ExecuteAlone(read);
      if (read.found && read.value_out.size() == op.value.size()) {
        std::memcpy(const_cast<char*>(read.value_out.view().data()),
                    op.value.data(), op.value.size());
      }
      ExecuteAlone(op, batch.result_bytes_max());
    }
  }
};

class ExistsMeansTable : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      Op table = op;
      table.kind = OpKind::kGetTable;
      ExecuteAlone(table);
      ExecuteAlone(op, batch.result_bytes_max());
      if (op.kind == OpKind::kExists) op.found = !table.entries.empty();
    }
  }
};

class DeletesNothing : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      if (op.kind == OpKind::kDelete) op.kind = OpKind::kGet;
    }
    Execute(batch);
  }
};

// Keeps the view of the last value written.
class KeepsView : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind == OpKind::kSet) last_ = op.value;
      if (op.kind == OpKind::kGet) op.value_out = SharedBytes::Copy(last_);
    }
  }
  absl::string_view last_;
};

class CutsLargeValues : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) op.value = op.value.substr(0, 65535);
    Execute(batch);
  }
};

class LosesOperations : public WrappedStorage {
  void Change(Batch& batch) override {
    size_t n = 0;
    for (Op& op : batch.ops()) {
      if (n++ < 4096) ExecuteAlone(op, batch.result_bytes_max());
    }
  }
};

// Joins table and key with a colon, as the older durable engine did.
class NamesCollide : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      const Op before = op;
      const std::string joined = absl::StrCat(op.table, ":", op.key);
      op.table = "all";
      if (op.kind != OpKind::kGetTable) op.key = joined;
      ExecuteAlone(op);
      op.table = before.table;
      op.key = before.key;
    }
  }
};

class NamesEndAtNul : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      op.table = op.table.substr(0, op.table.find('\0'));
      op.key = op.key.substr(0, op.key.find('\0'));
    }
    Execute(batch);
  }
};

class SkipsAKey : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.entries.size() > 100) op.entries.pop_back();
    }
  }
};

class TableSurvivesItsLastKey : public WrappedStorage {
 public:
  StorageCounts counts() const override {
    StorageCounts counts = inner().counts();
    counts.tables = names_.size();
    return counts;
  }

 private:
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind == OpKind::kSet) names_.insert(std::string(op.table));
    }
  }
  std::set<std::string> names_;
};

class ReadCreatesTable : public WrappedStorage {
 public:
  StorageCounts counts() const override {
    StorageCounts counts = inner().counts();
    counts.tables += names_.size();
    return counts;
  }

 private:
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind == OpKind::kGet && !op.found) {
        names_.insert(std::string(op.table));
      }
    }
  }
  std::set<std::string> names_;
};

class NoLimit : public WrappedStorage {
  void Change(Batch& batch) override {
    batch.set_result_bytes_max(0);
    Execute(batch);
  }
};

class EntriesDespiteLimit : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (!op.status.ok()) op.entries.resize(1);
    }
  }
};

class ClaimsOrder : public WrappedStorage {
  Capabilities capabilities() const override {
    return {.durable = false, .atomic_across_keys = true, .ordered_scan = true};
  }
};

// Drops a table that looks empty, with what another thread has put in since.
class DropsTableLate : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind != OpKind::kDelete) continue;
      LetOthersRun();
      Batch table;
      table.GetTable(op.table);
      Execute(table);
      for (const TableEntry& entry : table.ops()[0].entries) {
        Batch drop;
        drop.Delete(op.table, entry.key.view());
        Execute(drop);
      }
    }
  }
};

// Answers reads from a copy that is brought up to date now and then.
class StaleReads : public WrappedStorage {
  void Change(Batch& batch) override {
    std::lock_guard lock(mutex_);
    for (Op& op : batch.ops()) {
      ExecuteAlone(op, batch.result_bytes_max());
      if (op.kind != OpKind::kGet) continue;
      if (reads_++ % 10 == 0) seen_ = op.version;
      op.version = seen_;
    }
  }
  std::mutex mutex_;
  int reads_ = 0;
  uint64_t seen_ = 0;
};

// Breaks the rule about done.
class WrongDone : public WrappedStorage {
 public:
  enum Way { kInsideSubmit, kTwice, kDropped, kAfterTrue, kKept };
  explicit WrongDone(Way way) : way_(way) {}
  ~WrongDone() override {
    for (std::thread& thread : threads_) thread.join();
  }
  bool Submit(Batch& batch, Done done) override {
    Execute(batch);
    switch (way_) {
      case kInsideSubmit:
        done();
        return false;
      case kTwice:
        threads_.emplace_back([done = std::move(done)]() mutable {
          done();
          done();
        });
        return false;
      case kDropped:
        return false;
      case kAfterTrue:
        done();
        return true;
      case kKept:
        kept_.push_back(std::move(done));
        return true;
    }
    return true;
  }

 private:
  const Way way_;
  std::vector<std::thread> threads_;
  std::vector<Done> kept_;
};

}  // namespace

std::vector<WrongStorage> WrongAboutKeys() {
  const char* seen_half = "half-applied";
  std::vector<WrongStorage> wrong = {
      Wrong<HalfAppliedGroup>("HalfAppliedGroup", "GroupIsSeenWhole",
                              seen_half),
      Wrong<HalfAppliedGroup>("HalfDeletedGroup", "GroupOfDeletesIsSeenWhole",
                              seen_half),
      Wrong<HalfAppliedGroup>("InterleavedGroups", "OverlappingGroupsFinish",
                              seen_half),
      Wrong<GroupRunsDespiteFailure>("GroupRunsDespiteFailure",
                                     "FailedGroupDoesNothing",
                                     "\"new\": found: got 1, want 0"),
      Wrong<FailureSpreads>("FailureSpreads", "FailedItemLeavesTheOthers",
                            "operation 0 succeeded: got 0, want 1"),
      Wrong<VersionUsedTwice>("VersionUsedTwice", "VersionsAreUnique",
                              "version 1 was used twice"),
      Wrong<VersionsDrawnInTwoSteps>("VersionsDrawnInTwoSteps",
                                     "VersionsAreUniqueAcrossThreads",
                                     "was used by two writes"),
      Wrong<NoPrevious>("NoPrevious", "PreviousValue",
                        "previous value of a set: got \"\", want \"1\""),
      Wrong<NoPrevious>("NoPreviousInGroup", "GroupKeepsItsOrder",
                        "previous value of a key twice in a group"),
      Wrong<ReadsFirst>("ReadsFirst", "ReadsSeeEarlierWrites",
                        "read after a write of its batch"),
      Wrong<StalePrevious>("StalePrevious", "WritesOfAKeyFormOneChain",
                           "two writes replaced"),
      Wrong<EmptyIsAbsent>("EmptyIsAbsent", "EmptyValueIsNotAbsent",
                           "found: got 0, want 1"),
      Wrong<ExistsMeansTable>("ExistsMeansTable", "SetThenGet",
                              "Exists finds it: got 1, want 0"),
      Wrong<DeletesNothing>("DeletesNothing", "SetThenGet",
                            "found: got 1, want 0"),
      Wrong<DeletesNothing>("DeletesNothingInTable", "TableHasItsKeys",
                            "exactly its own keys"),
      Wrong<KeepsView>("KeepsView", "ViewsAreNotKept",
                       "got \"zzzzz\", want \"value\""),
      Wrong<CutsLargeValues>("CutsLargeValues", "LargeValue", "8 MiB"),
      Wrong<LosesOperations>("LosesOperations", "LargeBatch",
                             "value of a large batch"),
      Wrong<NamesCollide>("NamesCollide", "NamesAreAnyBytes",
                          "names of pair 4 are taken"),
      Wrong<NamesEndAtNul>("NamesEndAtNul", "NamesAreAnyBytes",
                           "are taken already"),
      Wrong<SkipsAKey>("SkipsAKey", "TableHasItsKeys", "exactly its own keys"),
      Wrong<TableSurvivesItsLastKey>("TableSurvivesItsLastKey",
                                     "TableLivesUntilItsLastKey",
                                     "tables counted: got 2, want 1"),
      Wrong<ReadCreatesTable>("ReadCreatesTable", "ReadsCreateNothing",
                              "tables counted"),
      Wrong<AbsentHasAVersion>("AbsentHasAVersion", "AbsentNames",
                               "version of an absent key: got 7, want 0"),
      Wrong<OverwritesInPlace>("OverwritesInPlace", "ResultsStayAsTheyWere",
                               "got \"other\", want \"first\""),
      Wrong<NoLimit>("NoLimit", "TableOverTheLimit", "limit of 999: OK"),
      Wrong<EntriesDespiteLimit>("EntriesDespiteLimit", "TableOverTheLimit",
                                 "a refused table has entries"),
      Wrong<ClaimsOrder>("ClaimsOrder", "TableInOrder", "key "),
      Wrong<DropsTableLate>("DropsTableLate", "LastKeyRacesWithWriters",
                            "a key was lost after its set"),
      Wrong<StaleReads>("StaleReads", "ReadsOfAKeyNeverGoBack",
                        "missed an answered write"),
      Wrong<WrongDone>("DoneInsideSubmit", "SetThenGet", "inside Submit",
                       WrongDone::kInsideSubmit),
      Wrong<WrongDone>("DoneTwice", "SetThenGet", "called again",
                       WrongDone::kTwice),
      Wrong<WrongDone>("DoneDropped", "SetThenGet", "done was dropped",
                       WrongDone::kDropped),
      Wrong<WrongDone>("DoneAfterTrue", "SetThenGet",
                       "called although Submit returned true",
                       WrongDone::kAfterTrue),
      Wrong<WrongDone>("DoneKept", "SetThenGet",
                       "kept although Submit returned true", WrongDone::kKept),
  };
  return wrong;
}

std::vector<WrongStorage> WrongStorages() {
  std::vector<WrongStorage> all;
  for (const auto& some :
       {WrongAboutKeys(), WrongAboutOperations(), WrongAboutWholeTables(),
        WrongAboutTime(), WrongAboutChanges(), WrongAboutWhatLasts()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace coffer_testing
