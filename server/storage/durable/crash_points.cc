#include "coffer/server/storage/durable/crash_points.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
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
    batch->Set(Table(), Key(), Value(), Below(2) == 0, group);
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

struct Entry {
  std::string value;  // in short
  std::uint64_t version = 0;
  std::uint64_t expires_at_ms = 0;

  bool operator==(const Entry&) const = default;
};

// All that a store has.
struct State {
  std::map<std::string, Entry> entries;  // by table and key
  std::string counts;
  std::string notes;
  absl::Status read;

  bool operator==(const State&) const = default;
};

std::string InShort(absl::string_view value) {
  const absl::string_view number = value.substr(0, value.find('v'));
  const absl::string_view rest = value.substr(number.size());
  const bool whole = rest.find_first_not_of('v') == absl::string_view::npos;
  return absl::StrCat(whole ? "" : "damaged: ", number, "+", value.size());
}

std::string Counted(absl::string_view table, std::uint64_t keys,
                    std::uint64_t bytes) {
  return absl::StrCat(table, " has ", keys, " keys, ", bytes, " bytes; ");
}

std::string Noted(absl::string_view name, absl::string_view note) {
  return absl::StrCat(name, "=", note, " ");
}

void ReadTables(Storage& storage, State* state) {
  Batch batch;
  for (const absl::string_view table : kTables) {
    batch.GetTable(table);
    batch.CountKeys(table);
  }
  Execute(storage, batch);
  for (const Op& op : batch.ops()) {
    if (!op.status.ok()) state->read = op.status;
    for (const TableEntry& entry : op.entries) {
      const bool added =
          state->entries
              .emplace(absl::StrCat(op.table, "/", entry.key.view()),
                       Entry{InShort(entry.value.view()), entry.version,
                             entry.expires_at_ms})
              .second;
      if (!added) {
        state->read = absl::InternalError(
            absl::StrCat(op.table, "/", entry.key.view(), " is there twice"));
      }
    }
    for (const auto& stats : op.tables) {
      state->counts += Counted(op.table, stats.keys, stats.bytes);
    }
  }
}

State ReadState(Storage& storage) {
  State state;
  ReadTables(storage, &state);
  const absl::Status visited =
      storage.ForEachNote([&](absl::string_view name, absl::string_view note) {
        state.notes += Noted(name, note);
      });
  if (!visited.ok()) state.read = visited;
  return state;
}

// What the engine's versions are for the model's. Both give a higher one to
// each write, so they are in the same order, but the engine leaves some out.
class Versions {
 public:
  // False: it contradicts what was added before.
  bool Add(std::uint64_t of_model, std::uint64_t of_engine) {
    const auto [at, added] = known_.try_emplace(of_model, of_engine);
    if (!added) return at->second == of_engine;
    const auto next = std::next(at);
    if ((at == known_.begin() || std::prev(at)->second < of_engine) &&
        (next == known_.end() || of_engine < next->second)) {
      return true;
    }
    known_.erase(at);
    return false;
  }

  std::string Of(std::uint64_t of_model) const {
    const auto at = known_.find(of_model);
    return at == known_.end() ? "a new one" : absl::StrCat(at->second);
  }

 private:
  // That of what is absent.
  std::map<std::uint64_t, std::uint64_t> known_ = {{0, 0}};
};

class Run {
 public:
  explicit Run(const CrashPoint& point)
      : point_(point),
        random_(point.seed),
        chances_(point.seed * 1000003 + point.operation),
        writes_(point.seed) {
    options_.data_dir = "/data";
    options_.file_system = disk_;
    options_.clock = &clock_;
    options_.sync = point.sync;
    // A run fills several of each.
    options_.write_buffer_bytes = 64 << 10;
    options_.log_zeros_bytes = 8 << 10;
    options_.block_cache_bytes = 1 << 20;
  }

  absl::StatusOr<std::uint64_t> Count() {
    const std::string wrong = WriteAll();
    storage_.reset();
    if (!wrong.empty()) return absl::InternalError(wrong);
    return disk_->operations();
  }

  std::string Check() {
    PlanFaults();
    std::string wrong = WriteAll();
    if (wrong.empty()) wrong = CheckAfterPowerLoss();
    // Whatever is wrong, the engine ends before the disk.
    storage_.reset();
    return wrong;
  }

 private:
  std::uint64_t Chance(std::uint64_t end) { return chances_() % end; }

  void PlanFaults() {
    using rocksdb::IOStatus;
    const IOStatus broken = IOStatus::IOError("broken");
    // To look whether the disk works, and to open the data again, takes the
    // engine some fifty operations.
    const std::uint64_t later = point_.operation + 1 + Chance(50);
    switch (point_.trouble) {
      case Trouble::kNoSpace:
        return disk_->FailAt(point_.operation, IOStatus::NoSpace("full"));
      case Trouble::kFails:
        return disk_->FailAt(point_.operation, broken);
      case Trouble::kFailsAgain:
        disk_->FailAt(point_.operation, broken);
        return disk_->FailFrom(later, 1 + Chance(8), broken);
      case Trouble::kStaysBroken:
        disk_->FailAt(point_.operation, broken);
        return disk_->FailFrom(later, UINT64_MAX, broken);
      default:
        disk_->CrashAt(point_.operation);
    }
  }

  bool loses_power() const { return point_.trouble <= Trouble::kReordered; }
  // Nothing more is to be learned from it: the engine has tried again.
  bool stays_broken() const {
    return point_.trouble == Trouble::kStaysBroken && disk_->failures() > 10;
  }

  std::string Open(absl::string_view when) {
    auto opened = RocksDbStorage::Open(options_);
    if (!opened.ok()) {
      return absl::StrCat(when, ": cannot start: ", opened.status().ToString());
    }
    storage_ = *std::move(opened);
    return "";
  }

  std::string OpenAtFirst() {
    for (;;) {
      const std::uint64_t failures = disk_->failures();
      std::string wrong = Open("at first");
      if (wrong.empty()) return "";
      // Each start that fails has met another fault.
      if (disk_->failures() == failures) return wrong;
      is_over_ = loses_power() || stays_broken();
      if (is_over_) return "";
    }
  }

  // Until the power goes.
  std::string WriteAll() {
    std::string wrong = OpenAtFirst();
    for (int i = 0; wrong.empty() && !is_over_ && i < kBatches; ++i) {
      if (random_() % 8 == 0) clock_.AdvanceBy(std::chrono::seconds(3));
      wrong = WriteNext();
    }
    return wrong;
  }

  std::string WriteNext() {
    Batch batch;
    writes_.Next(&batch);
    return Write(batch);
  }

  std::string Write(Batch& batch) {
    Execute(*storage_, batch);
    const Result result = ResultOf(batch);
    if (result == Result::kAnswered) {
      const Batch expected = GiveToModel(&before_, batch);
      after_ = before_;
      return CompareResults(batch, expected);
    }
    // One failure makes the engine refuse writes once.
    if (++refusals_ > disk_->failures()) {
      return absl::StrCat("refused without a reason: ", Reason(batch));
    }
    if (result == Result::kUnknown) GiveToModel(&after_, batch);
    is_over_ = loses_power();
    return is_over_ ? "" : Recover();
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

  // Returns it with the model's results.
  Batch GiveToModel(ModelStorage::Data* data, const Batch& batch) {
    auto own = std::make_shared<ModelStorage::Data>(*data);
    ModelStorage model(own, &clock_);
    Batch copy = batch;
    Execute(model, copy);
    *data = *own;
    return copy;
  }

  std::string CompareResults(const Batch& batch, const Batch& expected) {
    for (size_t i = 0; i < batch.size(); ++i) {
      const std::string wrong = DifferenceOf(batch.ops()[i], expected.ops()[i]);
      if (wrong.empty()) continue;
      return absl::StrCat("answered wrongly: operation ", i,
                          " of a batch has another ", wrong);
    }
    return "";
  }

  std::string DifferenceOf(const Op& op, const Op& model) {
    if (op.status.code() != model.status.code()) {
      return absl::StrCat("status: ", op.status.ToString(), ", not ",
                          model.status.ToString());
    }
    // One that failed tells how the key is only where a condition did.
    if (!op.status.ok() && !absl::IsFailedPrecondition(op.status)) return "";
    if (op.skipped != model.skipped) return "branch";
    if (op.skipped) return "";
    if (op.found != model.found) return "found";
    if (op.expires_at_ms != model.expires_at_ms) return "expiry";
    if (static_cast<bool>(op.value_out) != static_cast<bool>(model.value_out) ||
        op.value_out.view() != model.value_out.view()) {
      return absl::StrCat("value: ", InShort(op.value_out.view()), ", not ",
                          InShort(model.value_out.view()));
    }
    if (!versions_.Add(model.version, op.version) ||
        !versions_.Add(model.previous_version, op.previous_version)) {
      return absl::StrCat("version: ", op.version, " in place of ",
                          op.previous_version, ", not ",
                          versions_.Of(model.version), " in place of ",
                          versions_.Of(model.previous_version));
    }
    std::string counts;
    std::string of_model;
    for (const auto& stats : op.tables) {
      counts += Counted(stats.name, stats.keys, stats.bytes);
    }
    for (const auto& stats : model.tables) {
      of_model += Counted(stats.name, stats.keys, stats.bytes);
    }
    if (counts == of_model) return "";
    return absl::StrCat("table: ", counts, "not ", of_model);
  }

  // The disk works again, or will: reads go on, writes resume, and what became
  // of the batch that failed is found out.
  std::string Recover() {
    std::uint64_t failures = 0;
    std::uint64_t since = 0;
    for (;;) {
      const std::uint64_t operations = disk_->operations();
      if (failures != disk_->failures()) {
        failures = disk_->failures();
        since = operations;
      }
      is_over_ = stays_broken();
      const absl::Status status = storage_->WriteStatus();
      std::string wrong = Compare("while writes are refused");
      if (!wrong.empty() || is_over_) return wrong;
      if (status.ok()) return Settle("after the fault");
      // It does not try to open again what is damaged.
      if (absl::StrContains(status.message(), "Corruption") ||
          operations - since > 1000) {
        return absl::StrCat("for good, ", status.message());
      }
      while (disk_->operations() == operations &&
             !storage_->WriteStatus().ok()) {
        clock_.AdvanceToNextDeadline();
        std::this_thread::yield();
      }
    }
  }

  // It must be as before the batch that failed, or as after it: and is so from
  // now on.
  std::string Settle(absl::string_view when) {
    std::string wrong = Compare(when);
    // No version is given twice, though its write was not done.
    before_.last_version = after_.last_version;
    after_ = before_;
    return wrong;
  }

  std::string Compare(absl::string_view when) {
    const State found = Look();
    // Where a fault has come into the opening, too, the engine may have nothing
    // to read from that it knows to be on the disk.
    if (absl::IsUnavailable(found.read) && disk_->failures() > 1) return "";
    if (!found.read.ok()) {
      return absl::StrCat(when, ": unreadable: ", found.read.ToString());
    }
    if (IsSo(found, before_)) return "";
    if (IsSo(found, after_)) {
      // Who has seen it may rely on it.
      before_ = after_;
      return "";
    }
    return absl::StrCat(when, ": there is\n  ", InWords(found, nullptr),
                        "\nbut it should be\n  ",
                        InWords(StateOf(before_), &versions_), "\nor\n  ",
                        InWords(StateOf(after_), &versions_));
  }

  // What is there at one moment. What failed may turn out to be done between
  // the reads of the tables and of the notes.
  State Look() {
    State state = ReadState(*storage_);
    for (;;) {
      State again = ReadState(*storage_);
      if (again == state) return state;
      state = std::move(again);
    }
  }

  // With the model's versions.
  State StateOf(const ModelStorage::Data& data) const {
    const auto now_ms =
        static_cast<std::uint64_t>(absl::ToUnixMillis(clock_.WallNow()));
    State state;
    for (const auto& [name, table] : data.tables) {
      std::uint64_t keys = 0;
      std::uint64_t bytes = 0;
      for (const auto& [key, record] : table) {
        const std::uint64_t at_ms = record.expires_at_ms;
        if (at_ms != 0 && at_ms <= now_ms) continue;
        state.entries[absl::StrCat(name, "/", key)] = {InShort(record.value),
                                                       record.version, at_ms};
        ++keys;
        bytes += key.size() + record.value.size();
      }
      if (keys > 0) state.counts += Counted(name, keys, bytes);
    }
    for (const auto& [name, note] : data.notes) {
      state.notes += Noted(name, note);
    }
    return state;
  }

  bool IsSo(const State& found, const ModelStorage::Data& data) {
    const State expected = StateOf(data);
    if (found.counts != expected.counts || found.notes != expected.notes ||
        found.entries.size() != expected.entries.size()) {
      return false;
    }
    Versions versions = versions_;
    auto at = expected.entries.begin();
    for (const auto& [key, entry] : found.entries) {
      const Entry& other = at->second;
      if (key != at->first || entry.value != other.value ||
          entry.expires_at_ms != other.expires_at_ms ||
          !versions.Add(other.version, entry.version)) {
        return false;
      }
      ++at;
    }
    versions_ = std::move(versions);
    return true;
  }

  // With the engine's versions; null: they are what it has.
  static std::string InWords(const State& state, const Versions* versions) {
    std::string words;
    for (const auto& [key, entry] : state.entries) {
      const std::string version = versions == nullptr
                                      ? absl::StrCat(entry.version)
                                      : versions->Of(entry.version);
      absl::StrAppend(&words, key, "=", entry.value, "#", version, "@",
                      entry.expires_at_ms, " ");
    }
    return absl::StrCat(words, state.counts, "notes: ", state.notes);
  }

  // Power is lost, in any case, and the engine starts on what is left.
  std::string CheckAfterPowerLoss() {
    disk_->CrashAt(disk_->operations() + 1);
    LosePower();
    std::string wrong = LosePowerInTheStart();
    if (wrong.empty()) wrong = Open("after a loss of power");
    if (wrong.empty()) wrong = Settle("after a loss of power");
    for (int i = 0; wrong.empty() && i < 3; ++i) wrong = WriteNext();
    if (!wrong.empty()) return wrong;
    Batch batch;
    batch.Set("a", "afterwards", "v");
    wrong = Write(batch);
    storage_.reset();
    if (wrong.empty()) wrong = Open("in the end");
    if (wrong.empty()) wrong = Compare("in the end");
    return wrong;
  }

  void LosePower() {
    storage_.reset();
    PowerLoss manner = static_cast<PowerLoss>(Chance(3));
    if (point_.trouble == Trouble::kDropped) manner = PowerLoss::kDropped;
    if (point_.trouble == Trouble::kTorn) manner = PowerLoss::kTorn;
    if (point_.trouble == Trouble::kReordered) manner = PowerLoss::kReordered;
    disk_->LosePower(manner, chances_());
    refusals_ = 0;
  }

  // Of every third run, so that the others are tried, too.
  std::string LosePowerInTheStart() {
    if (Chance(3) != 0) return "";
    disk_->CrashAt(disk_->operations() + 1 + Chance(40));
    std::string wrong = Open("after a loss of power");
    if (!wrong.empty() && !disk_->has_failed()) return wrong;
    LosePower();
    return "";
  }

  const CrashPoint point_;
  std::mt19937_64 random_;
  // Of what the disk does.
  std::mt19937_64 chances_;
  ManualClock clock_;
  const std::shared_ptr<FakeFileSystem> disk_ =
      std::make_shared<FakeFileSystem>();
  DurableOptions options_;
  Writes writes_;
  // What was answered or seen; and the batch that was not, if it was done.
  ModelStorage::Data before_;
  ModelStorage::Data after_;
  Versions versions_;
  std::uint64_t refusals_ = 0;  // how often writes began to be refused
  bool is_over_ = false;        // until the power is back
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
    case Trouble::kFailsAgain:
      return "fails again";
    case Trouble::kStaysBroken:
      return "stays broken";
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
