#include "coffer/testing/storage/model_comparison.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/testing/storage/model_storage.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using coffer::server::Batch;
using coffer::server::Branch;
using coffer::server::ClearResult;
using coffer::server::Condition;
using coffer::server::Expiry;
using coffer::server::Op;
using coffer::server::PageRange;
using coffer::server::Storage;
using coffer::server::TableEntry;
using coffer::server::TableStats;
using coffer::server::ValueChange;

// Appends a letter; refuses what has become long.
class Lengthen final : public ValueChange {
 public:
  absl::Status Apply(absl::optional<absl::string_view> present,
                     absl::Span<const Op>,
                     std::string* changed) const override {
    if (present.has_value() && present->size() > 6) {
      return absl::OutOfRangeError("long");
    }
    *changed = absl::StrCat(present.value_or(""), "x");
    return absl::OkStatus();
  }
};

class RandomBatch {
 public:
  // Times are about `now_ms`; 0: none is set.
  RandomBatch(std::mt19937* random, const Batch* earlier, uint64_t now_ms)
      : random_(*random), earlier_(*earlier), now_ms_(now_ms) {}

  void Fill(Batch* batch) {
    const int units = Below(6) + 1;
    for (int i = 0; i < units; ++i) {
      const bool alone = Below(3) == 0;
      const int ops = alone ? 1 : Below(6) + 2;
      const uint32_t group = alone ? 0 : batch->NewGroup();
      if (alone && Below(3) == 0) {
        AddTableOp(batch);
        continue;
      }
      for (int j = 0; j < ops; ++j) AddKeyOp(batch, group);
    }
  }

 private:
  int Below(int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random_);
  }
  absl::string_view Name() {
    static constexpr absl::string_view kNames[] = {"a", "b", "c", ""};
    return kNames[Below(4)];
  }
  absl::string_view Key() {
    static constexpr absl::string_view kKeys[] = {"k", "l", "m", "n", ""};
    return kKeys[Below(5)];
  }
  absl::string_view Value() {
    static constexpr absl::string_view kValues[] = {"", "1", "22", "333"};
    return kValues[Below(4)];
  }

  Condition SomeCondition() {
    Condition condition;
    if (Below(3) > 0) return condition;
    condition.kind = static_cast<Condition::Kind>(Below(7));
    // A version that was given, often that of the key.
    if (!earlier_.empty()) {
      condition.version =
          earlier_.ops()[Below(static_cast<int>(earlier_.size()))].version;
    }
    return condition;
  }
  Expiry SomeExpiry() {
    Expiry expiry;
    if (now_ms_ == 0 || Below(3) > 0) return expiry;
    expiry.kind = static_cast<Expiry::Kind>(Below(4));
    expiry.ms = Below(40);
    if (expiry.kind == Expiry::Kind::kAtMs) expiry.ms += now_ms_ - 5;
    return expiry;
  }

  void AddKeyOp(Batch* batch, uint32_t group) {
    size_t i = 0;
    switch (Below(9)) {
      case 0:
        i = batch->Get(Name(), Key(), group);
        break;
      case 1:
        i = batch->Exists(Name(), Key(), group);
        break;
      case 2:
        i = batch->Delete(Name(), Key(), Below(2) == 0, group);
        batch->op(i).condition = SomeCondition();
        break;
      case 3:
        i = batch->Change(Name(), Key(), &lengthen_, group);
        if (Below(2) == 0) batch->op(i).expiry = SomeExpiry();
        break;
      case 4:
        i = batch->Expire(Name(), Key(), SomeExpiry(), group);
        batch->op(i).condition = SomeCondition();
        break;
      case 5:
        if (group != 0) {
          Condition condition = SomeCondition();
          if (Below(2) == 0) {
            condition.kind = Below(2) == 0 ? Condition::Kind::kValueEqual
                                           : Condition::Kind::kValueNotEqual;
          }
          i = batch->Compare(Name(), Key(), condition, Value(), group);
          return;
        }
        [[fallthrough]];
      default:
        i = batch->Set(Name(), Key(), Value(), Below(2) == 0, group);
        batch->op(i).condition = SomeCondition();
        batch->op(i).expiry = SomeExpiry();
    }
    if (group != 0) {
      batch->op(i).branch = static_cast<Branch>(std::max(0, Below(6) - 3));
    }
  }

  void AddTableOp(Batch* batch) {
    switch (Below(5)) {
      case 0:
        batch->GetTable(Name());
        return;
      case 1:
        batch->CountKeys(Name());
        return;
      case 2:
        batch->DropTable(Name());
        return;
      case 3:
        batch->RenameTable(Name(), Name());
        return;
      default:
        batch->ListTables(&page_);
    }
  }

  std::mt19937& random_;
  const Batch& earlier_;
  const uint64_t now_ms_;
  // They outlive the batches.
  static const Lengthen lengthen_;
  static const PageRange page_;
};

const Lengthen RandomBatch::lengthen_;
const PageRange RandomBatch::page_ = {.limit = 100};

std::string Describe(const Op& op) {
  std::string text = absl::StrCat(
      static_cast<int>(op.kind), " ", op.table, "/", op.key, " group ",
      op.group, ": ", absl::StatusCodeToString(op.status.code()),
      op.skipped ? " skipped" : "", op.found ? " found" : "", " v", op.version,
      " pv", op.previous_version, " at", op.expires_at_ms,
      op.value_out ? absl::StrCat(" '", op.value_out.view(), "'") : "");
  std::map<std::string, std::string> entries;
  for (const TableEntry& entry : op.entries) {
    entries[std::string(entry.key.view())] = absl::StrCat(
        entry.value.view(), " v", entry.version, " at", entry.expires_at_ms);
  }
  for (const auto& [key, entry] : entries) {
    absl::StrAppend(&text, "\n  ", key, ": ", entry);
  }
  for (const TableStats& table : op.tables) {
    absl::StrAppend(&text, "\n  table ", table.name, " ", table.keys, " ",
                    table.bytes);
  }
  return text;
}

std::string Describe(const Batch& batch) {
  std::string text;
  for (const Op& op : batch.ops()) absl::StrAppend(&text, Describe(op), "\n");
  return text;
}

// After an error, but for a condition that does not hold.
void ForgetWhatHasNoMeaning(Op* op) {
  if (op->status.ok() || absl::IsFailedPrecondition(op->status)) return;
  const absl::Status status = op->status;
  ClearResult(op);
  op->status = status;
}

void Execute(Storage& storage, Batch& batch) {
  std::promise<void> done;
  if (storage.Submit(batch, [&done] { done.set_value(); })) return;
  done.get_future().wait();
}

// The two draw versions of their own: the model's for each of the engine's.
class Versions {
 public:
  uint64_t ToModel(uint64_t version) const {
    const auto known = to_model_.find(version);
    return known == to_model_.end() ? version : known->second;
  }
  // False: the engine's has stood for another one.
  bool Learn(uint64_t version, uint64_t of_model) {
    if (version == 0 || of_model == 0) return version == of_model;
    return to_model_.emplace(version, of_model).first->second == of_model;
  }
  void Translate(Op* op) const {
    op->version = ToModel(op->version);
    op->previous_version = ToModel(op->previous_version);
    for (TableEntry& entry : op->entries)
      entry.version = ToModel(entry.version);
  }

 private:
  std::map<uint64_t, uint64_t> to_model_;
};

}  // namespace

std::string FirstDifference(Storage* storage, ManualClock& clock,
                            const ModelComparison& how) {
  std::mt19937 random(how.seed);
  ModelStorage model(std::make_shared<ModelStorage::Data>(), &clock);
  Versions versions;
  Batch last;
  for (int round = 0; round < how.rounds; ++round) {
    Batch batch;
    const auto now_ms =
        static_cast<uint64_t>(absl::ToUnixMillis(clock.WallNow()));
    RandomBatch(&random, &last, how.expiry ? now_ms : 0).Fill(&batch);
    Batch same = batch;
    for (Op& op : same.ops()) {
      op.condition.version = versions.ToModel(op.condition.version);
    }
    Execute(*storage, batch);
    Execute(model, same);
    bool learned = true;
    for (size_t i = 0; i < batch.size(); ++i) {
      ForgetWhatHasNoMeaning(&batch.op(i));
      ForgetWhatHasNoMeaning(&same.op(i));
      learned =
          learned && versions.Learn(batch.op(i).version, same.op(i).version);
    }
    Batch seen = batch;
    for (Op& op : seen.ops()) versions.Translate(&op);
    if (!learned || Describe(seen) != Describe(same)) {
      return absl::StrCat("seed ", how.seed, ", round ", round,
                          ", with the model's versions:\n", Describe(seen),
                          "model:\n", Describe(same));
    }
    if (how.compare_counts &&
        (storage->counts().keys != model.counts().keys ||
         storage->counts().tables != model.counts().tables)) {
      return absl::StrCat(
          "seed ", how.seed, ", round ", round, ": counts of ",
          storage->counts().keys, " keys, ", storage->counts().tables,
          " tables; model: ", model.counts().keys, ", ", model.counts().tables);
    }
    if (round % 3 == 0)
      clock.AdvanceBy(std::chrono::milliseconds(random() % 9));
    if (how.after_round) storage = how.after_round(round);
    last = batch;
  }
  return "";
}

void CompareWithModel(Storage* storage, ManualClock& clock,
                      const ModelComparison& how) {
  EXPECT_EQ(FirstDifference(storage, clock, how), "");
}

}  // namespace coffer_testing
