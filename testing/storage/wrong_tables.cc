// Those that are wrong about pages and whole tables.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/storage/wrapped_storage.h"
#include "coffer/testing/storage/wrong_storages.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Batch;
using ::coffer::server::Op;
using ::coffer::server::OpKind;
using ::coffer::server::PageRange;
using ::coffer::server::StorageCounts;
using ::coffer::server::TableStats;

// Gives other pages than it was asked for.
class MisreadsPages : public WrappedStorage {
 public:
  explicit MisreadsPages(void (*misread)(PageRange&)) : misread_(misread) {}

 private:
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      PageRange page;
      const PageRange* const given = op.page;
      if (given != nullptr) {
        page = *given;
        misread_(page);
        op.page = &page;
      }
      ExecuteAlone(op);
      op.page = given;
    }
  }
  void (*const misread_)(PageRange&);
};

void ForgetPrefix(PageRange& page) { page.prefix = ""; }
void ForgetEnd(PageRange& page) { page.end = ""; }
void ForgetBytes(PageRange& page) { page.bytes_max = 0; }

class LosesLastOfPage : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (!op.cursor_out.empty() && !op.entries.empty()) op.entries.pop_back();
    }
  }
};

// The cursor is how many keys there were before.
class CountsItsWay : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      if (op.kind != OpKind::kScan) {
        ExecuteAlone(op);
        continue;
      }
      Op all = op;
      all.kind = OpKind::kGetTable;
      ExecuteAlone(all);
      size_t from = 0;
      if (!absl::SimpleAtoi(op.page->cursor, &from)) from = 0;
      const size_t end = std::min(all.entries.size(), from + op.page->limit);
      for (size_t i = from; i < end; ++i) {
        op.entries.push_back(all.entries[i]);
      }
      if (end < all.entries.size()) op.cursor_out = absl::StrCat(end);
    }
  }
};

class BadCursorIsAFault : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      if (absl::IsInvalidArgument(op.status)) {
        op.status = absl::InternalError("no such segment");
      }
    }
  }
};

// Of values only.
class KnowsBytesOfValues : public WrappedStorage {
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) {
      for (TableStats& table : op.tables) table.bytes -= table.keys;
    }
  }
};

class RenamesOver : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      if (op.kind == OpKind::kRenameTable && op.table != op.value) {
        Batch drop;
        drop.DropTable(op.value);
        Execute(drop);
      }
      ExecuteAlone(op);
    }
  }
};

// A table goes key by key.
class DropsKeyByKey : public WrappedStorage {
  void Change(Batch& batch) override {
    bool drops = false;
    for (const Op& op : batch.ops()) drops |= op.kind == OpKind::kDropTable;
    if (!drops) return Execute(batch);
    for (Op& op : batch.ops()) {
      if (op.kind != OpKind::kDropTable) {
        ExecuteAlone(op);
        continue;
      }
      Batch read;
      read.GetTable(op.table);
      Execute(read);
      op.kind = OpKind::kCountKeys;
      ExecuteAlone(op);
      for (const auto& entry : read.op(0).entries) {
        Batch remove;
        remove.Delete(op.table, entry.key.view());
        Execute(remove);
        LetOthersRun();
      }
    }
  }
};

class CountsFailedWrites : public WrappedStorage {
 public:
  StorageCounts counts() const override {
    StorageCounts counts = inner().counts();
    counts.keys += failed_;
    return counts;
  }

 private:
  void Change(Batch& batch) override {
    Execute(batch);
    for (const Op& op : batch.ops()) failed_ += absl::IsAborted(op.status);
  }
  std::atomic<uint64_t> failed_{0};
};

// Executes each operation of a group for itself.
class AppliesOneByOne : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      ExecuteAlone(op);
      if (op.group != 0) LetOthersRun();
    }
  }
};

}  // namespace

std::vector<WrongStorage> WrongAboutWholeTables() {
  return {
      Wrong<MisreadsPages>("ForgetsPrefix", "TablesInPages",
                           "are not listed by name", ForgetPrefix),
      Wrong<MisreadsPages>("ForgetsEnd", "ScanHasItsRange", "a range: keys",
                           ForgetEnd),
      Wrong<MisreadsPages>("ForgetsBytes", "ScanPagesAreBounded", ": it has ",
                           ForgetBytes),
      Wrong<LosesLastOfPage>("LosesLastOfPage", "ScanInPages",
                             "pages of 2: keys: got "),
      Wrong<CountsItsWay>("CountsItsWay", "ScanWhileTheTableChanges",
                          "times that a key was given"),
      Wrong<CountsItsWay>("CountsItsWayBesideWriters", "ScanBesideWriters",
                          "times that a key was given"),
      Wrong<BadCursorIsAFault>("BadCursorIsAFault", "CursorsAreAnyBytes",
                               "no such segment"),
      Wrong<KnowsBytesOfValues>("KnowsBytesOfValues", "TablesKnowWhatTheyHave",
                                "bytes after sets"),
      Wrong<RenamesOver>("RenamesOver", "TableIsRenamed",
                         "a rename to a name that is taken"),
      Wrong<DropsKeyByKey>("DropsKeyByKey", "TableIsSeenWhole", "saw a half"),
      Wrong<AppliesOneByOne>("TablesComeOneByOne",
                             "GroupOverTablesThatComeAndGo", "saw a half"),
      Wrong<CountsFailedWrites>("CountsFailedWrites", "CountsStayExact",
                                "keys counted: got "),
  };
}

}  // namespace coffer_testing
