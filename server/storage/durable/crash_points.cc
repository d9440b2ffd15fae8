#include "coffer/server/storage/durable/crash_points.h"

#include <atomic>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/durable/rocksdb_storage.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/disk/fake_file_system.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/model_storage.h"
#include "rocksdb/io_status.h"

namespace coffer_testing {
namespace {

using coffer::server::Batch;
using coffer::server::Branch;
using coffer::server::Condition;
using coffer::server::DurableOptions;
using coffer::server::Expiry;
using coffer::server::Op;
using coffer::server::RocksDbStorage;
using coffer::server::Storage;
using coffer::server::TableEntry;
using coffer::server::ValueChange;
using Trouble = CrashPoint::Trouble;

constexpr int kBatches = 40;
constexpr absl::string_view kTables[] = {"a", "b", "c"};

void Execute(Storage& storage, Batch& batch) {
  std::promise<void> done;
  if (storage.Submit(batch, [&] { done.set_value(); })) return;
  done.get_future().wait();
}

class Note final : public ValueChange {
 public:
  explicit Note(std::string text) : text_(std::move(text)) {}
  absl::Status Apply(absl::optional<absl::string_view>, absl::Span<const Op>,
                     std::string* changed) const override {
    *changed = text_;
    return absl::OkStatus();
  }

 private:
  const std::string text_;
};

// The writes of a run: the same for each seed.
class Writes {
 public:
  explicit Writes(std::uint64_t seed) : random_(seed) {}

  // Adds those of the next batch; the names and values live as long as this.
  void Next(Batch* batch) {
    ++number_;
    switch (random_() % 8) {
      case 0:
      case 1:
        for (int i = Below(4); i >= 0; --i) Set(batch, 0);
        return;
      case 2:
      case 3:
        return Group(batch);
      case 4:
        return Choose(batch);
      case 5:
        return Expiring(batch);
      case 6:
        batch->Delete(Table(), Key());
        batch->op(batch->Set(Table(), Key(), Value())).condition = {
            .kind = Below(2) == 0 ? Condition::Kind::kAbsent
                                  : Condition::Kind::kPresent};
        return;
      default:
        if (Below(3) == 0) {
          batch->DropTable(Table());
        } else {
          batch->RenameTable(Table(), Table());
        }
    }
  }

 private:
  int Below(int end) {
    return static_cast<int>(random_() % static_cast<std::uint64_t>(end));
  }
  absl::string_view Table() { return kTables[Below(3)]; }
  absl::string_view Key() { return Keep(absl::StrCat("k", Below(8))); }
  // Now and then large: what is in memory becomes a file.
  absl::string_view Value() {
    const int size = Below(6) == 0 ? 24000 : Below(300);
    return Keep(absl::StrCat(number_, std::string(size, 'v')));
  }
  absl::string_view Keep(std::string text) {
    return kept_.emplace_back(std::move(text));
  }
  const Note* NewNote() {
    return &notes_.emplace_back(absl::StrCat("note ", number_));
  }

  void Set(Batch* batch, std::uint32_t group) {
    batch->Set(Table(), Key(), Value(), false, group);
  }
  void Group(Batch* batch) {
    const std::uint32_t group = batch->NewGroup();
    // Last, so that a group always shows.
    batch->Delete(Table(), Key(), false, group);
    for (int i = Below(5); i >= 0; --i) Set(batch, group);
    batch->SetNote(Keep(absl::StrCat("n", Below(3))), NewNote(), group);
  }
  void Choose(Batch* batch) {
    const std::uint32_t group = batch->NewGroup();
    batch->Compare(Table(), Key(), {.kind = Condition::Kind::kPresent}, "",
                   group);
    for (const Branch branch : {Branch::kThen, Branch::kElse}) {
      for (int i = Below(3); i >= 0; --i) {
        batch->op(batch->Set(Table(), Key(), Value(), false, group)).branch =
            branch;
      }
    }
  }
  void Expiring(Batch* batch) {
    batch->op(batch->Set(Table(), Key(), Value())).expiry = {
        .kind = Expiry::Kind::kAfterMs,
        .ms = static_cast<std::uint64_t>(1 + Below(20000))};
    batch->Expire(Table(), Key(), {.kind = Expiry::Kind::kAfterMs, .ms = 5000});
  }

  std::mt19937_64 random_;
  int number_ = 0;
  std::deque<std::string> kept_;
  std::deque<Note> notes_;
};

// All that a store has, but for versions.
std::string Contents(Storage& storage) {
  Batch batch;
  for (const absl::string_view table : kTables) {
    batch.GetTable(table);
    batch.CountKeys(table);
  }
  Execute(storage, batch);
  std::string all;
  for (const Op& op : batch.ops()) {
    if (!op.status.ok())
      return absl::StrCat("unreadable: ", op.status.ToString());
    std::map<std::string, std::string> entries;
    for (const TableEntry& entry : op.entries) {
      const absl::string_view value = entry.value.view();
      const bool added =
          entries
              .emplace(entry.key.view(),
                       absl::StrCat(value.substr(0, value.find('v')), "+",
                                    value.size(), "@", entry.expires_at_ms))
              .second;
      if (!added) absl::StrAppend(&all, "twice: ");
    }
    for (const auto& [key, value] : entries) {
      absl::StrAppend(&all, op.table, "/", key, "=", value, " ");
    }
    for (const auto& stats : op.tables) {
      absl::StrAppend(&all, op.table, " has ", stats.keys, " keys, ",
                      stats.bytes, " bytes; ");
    }
  }
  return all;
}

std::string Notes(Storage& storage) {
  std::string all;
  const absl::Status visited =
      storage.ForEachNote([&](absl::string_view name, absl::string_view note) {
        absl::StrAppend(&all, name, "=", note, " ");
      });
  return visited.ok() ? all : absl::StrCat("unreadable: ", visited.ToString());
}

class Run {
 public:
  explicit Run(const CrashPoint& point)
      : point_(point), random_(point.seed), writes_(point.seed) {
    options_.data_dir = "/data";
    options_.file_system = disk_;
    options_.clock = &clock_;
    options_.sync = point.sync;
    options_.write_buffer_bytes = 64 << 10;
    options_.block_cache_bytes = 1 << 20;
  }

  absl::StatusOr<std::uint64_t> Count() {
    const std::string wrong = Write();
    storage_.reset();
    if (!wrong.empty()) return absl::InternalError(wrong);
    return disk_->operations();
  }

  std::string Check() {
    using rocksdb::IOStatus;
    switch (point_.trouble) {
      case Trouble::kNoSpace:
        disk_->FailAt(point_.operation, IOStatus::NoSpace("full"));
        break;
      case Trouble::kFails:
        disk_->FailAt(point_.operation, IOStatus::IOError("broken"));
        break;
      default:
        disk_->CrashAt(point_.operation);
    }
    std::string wrong = Write();
    if (wrong.empty()) wrong = CheckAfterPowerLoss();
    // Whatever is wrong, the engine ends before the disk.
    storage_.reset();
    return wrong;
  }

 private:
  bool loses_power() const {
    return point_.trouble != Trouble::kNoSpace &&
           point_.trouble != Trouble::kFails;
  }

  std::string Open(absl::string_view when) {
    auto opened = RocksDbStorage::Open(options_);
    if (!opened.ok()) {
      return absl::StrCat(when, ": cannot start: ", opened.status().ToString());
    }
    storage_ = *std::move(opened);
    return "";
  }

  // Until the power goes.
  std::string Write() {
    std::string wrong = Open("at first");
    if (!wrong.empty() && disk_->has_failed()) {
      if (loses_power()) return "";
      wrong = Open("after a fault in the first start");
    }
    for (int i = 0; wrong.empty() && i < kBatches; ++i) {
      if (random_() % 8 == 0) clock_.AdvanceBy(std::chrono::seconds(3));
      Batch batch;
      writes_.Next(&batch);
      Execute(*storage_, batch);
      const Result result = ResultOf(batch);
      if (result == Result::kAnswered) {
        GiveToModel(&before_, batch);
        after_ = before_;
        continue;
      }
      if (!disk_->has_failed()) {
        return absl::StrCat("refused without a reason: ", Reason(batch));
      }
      if (result == Result::kUnknown) GiveToModel(&after_, batch);
      if (loses_power()) return "";
      wrong = Recover();
    }
    return wrong;
  }

  enum class Result { kAnswered, kNotExecuted, kUnknown };
  static Result ResultOf(const Batch& batch) {
    Result result = Result::kAnswered;
    for (const Op& op : batch.ops()) {
      if (!absl::IsUnavailable(op.status)) continue;
      if (op.outcome_unknown) return Result::kUnknown;
      result = Result::kNotExecuted;
    }
    return result;
  }
  static std::string Reason(const Batch& batch) {
    for (const Op& op : batch.ops()) {
      if (absl::IsUnavailable(op.status)) return op.status.ToString();
    }
    return "";
  }

  void GiveToModel(ModelStorage::Data* data, const Batch& batch) {
    auto own = std::make_shared<ModelStorage::Data>(*data);
    ModelStorage model(own, &clock_);
    Batch copy = batch;
    Execute(model, copy);
    *data = *own;
  }
  std::string ContentsOf(const ModelStorage::Data& data) {
    ModelStorage model(std::make_shared<ModelStorage::Data>(data), &clock_);
    return Contents(model);
  }
  std::string NotesOf(const ModelStorage::Data& data) {
    ModelStorage model(std::make_shared<ModelStorage::Data>(data), &clock_);
    return Notes(model);
  }

  // The disk has failed once and works again: reads go on, writes resume, and
  // what became of the batch that failed is found out.
  std::string Recover() {
    std::string wrong = Compare("while writes are refused");
    if (!wrong.empty()) return wrong;
    while (!storage_->WriteStatus().ok()) {
      clock_.AdvanceToNextDeadline();
      std::this_thread::yield();
    }
    return Settle("after the fault");
  }

  // It must be as before the batch that failed, or as after it: and is so from
  // now on.
  std::string Settle(absl::string_view when) {
    std::string wrong = Compare(when);
    if (!wrong.empty()) return wrong;
    const bool done = Contents(*storage_) == ContentsOf(after_);
    (done ? before_ : after_) = done ? after_ : before_;
    return "";
  }

  std::string Compare(absl::string_view when) {
    const std::string found = Contents(*storage_);
    const std::string before = ContentsOf(before_);
    const std::string after = ContentsOf(after_);
    if (found == before || found == after) return "";
    return absl::StrCat(when, ": there is\n  ", found, "\nbut it should be\n  ",
                        before, before == after ? "" : "\nor\n  ",
                        before == after ? "" : after);
  }

  std::string CompareNotes(absl::string_view when) {
    const std::string found = Notes(*storage_);
    if (found == NotesOf(before_)) return "";
    return absl::StrCat(when, ": the notes are ", found, ", not ",
                        NotesOf(before_));
  }

  // Power is lost, in any case, and the engine starts on what is left.
  std::string CheckAfterPowerLoss() {
    disk_->CrashAt(disk_->operations() + 1);
    storage_.reset();
    PowerLoss manner = PowerLoss::kDropped;
    if (point_.trouble == Trouble::kTorn) manner = PowerLoss::kTorn;
    if (point_.trouble == Trouble::kReordered) manner = PowerLoss::kReordered;
    disk_->LosePower(manner, point_.seed * 1000003 + point_.operation);
    std::string wrong = Open("after a loss of power");
    // The notes of a group tell, if its keys do not, whether it was done.
    const std::string notes = wrong.empty() ? Notes(*storage_) : "";
    if (wrong.empty()) wrong = Compare("after a loss of power");
    if (!wrong.empty()) return wrong;
    const bool done =
        Contents(*storage_) == ContentsOf(after_) && notes == NotesOf(after_);
    if (done) before_ = after_;
    wrong = CompareNotes("after a loss of power");
    if (!wrong.empty()) return wrong;
    after_ = before_;
    Batch batch;
    batch.Set("a", "afterwards", "v");
    Execute(*storage_, batch);
    if (!batch.ops()[0].status.ok()) {
      return absl::StrCat("cannot be written to: ",
                          batch.ops()[0].status.ToString());
    }
    GiveToModel(&before_, batch);
    after_ = before_;
    storage_.reset();
    wrong = Open("in the end");
    if (wrong.empty()) wrong = Compare("in the end");
    if (wrong.empty()) wrong = CompareNotes("in the end");
    return wrong;
  }

  const CrashPoint point_;
  std::mt19937_64 random_;
  ManualClock clock_;
  const std::shared_ptr<FakeFileSystem> disk_ =
      std::make_shared<FakeFileSystem>();
  DurableOptions options_;
  Writes writes_;
  // What was answered; and the batch that was not, if it was done.
  ModelStorage::Data before_;
  ModelStorage::Data after_;
  std::unique_ptr<RocksDbStorage> storage_;
};

}  // namespace

absl::string_view ToString(Trouble trouble) {
  switch (trouble) {
    case Trouble::kDropped:
      return "dropped";
    case Trouble::kTorn:
      return "torn";
    case Trouble::kReordered:
      return "reordered";
    case Trouble::kNoSpace:
      return "no space";
    case Trouble::kFails:
      return "fails";
  }
  return "";
}

absl::StatusOr<std::uint64_t> CountOperations(const CrashPoint& like) {
  return Run(like).Count();
}

std::vector<std::string> RunCrashPoints(absl::Span<const CrashPoint> points) {
  constexpr int kThreads = 16;
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::vector<std::string> failures;
  auto work = [&] {
    for (size_t i = next++; i < points.size(); i = next++) {
      const CrashPoint& point = points[i];
      const std::string wrong = Run(point).Check();
      if (wrong.empty()) continue;
      const std::lock_guard<std::mutex> lock(mutex);
      failures.push_back(absl::StrCat("operation ", point.operation,
                                      " of seed ", point.seed, ", ",
                                      ToString(point.trouble), ": ", wrong));
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return failures;
}

}  // namespace coffer_testing
