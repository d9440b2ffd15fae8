// Expiry, in the time of the suite's clock: when it is set, kept and cleared,
// and that what has expired is absent to everything.

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/value_changes.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Condition;
using ::coffer::server::Expiry;
using ::coffer::server::Op;
using ::coffer::server::PageRange;

namespace {

constexpr uint64_t kLifeMs = 1000;

Op SetExpiring(StorageDriver& driver, absl::string_view table,
               absl::string_view key, absl::string_view value,
               const Expiry& expiry) {
  Batch batch;
  batch.op(batch.Set(table, key, value)).expiry = expiry;
  driver.RunOk(batch);
  return batch.op(0);
}

// A key that is expired, in a table with one that is not.
void MakeExpired(StorageDriver& driver) {
  driver.Set("t", "stays", "v");
  SetExpiring(driver, "t", "k", "old", {Expiry::Kind::kAfterMs, kLifeMs});
  driver.AdvanceMs(kLifeMs);
}

// The expiry as everything that tells it does.
void ExpectExpiresAt(StorageDriver& driver, absl::string_view what,
                     uint64_t want_ms) {
  CheckReport& report = driver.report();
  const PageRange page{.prefix = "k", .limit = 10};
  Batch batch;
  batch.Get("t", "k");
  batch.Exists("t", "k");
  const size_t table = batch.GetTable("t");
  const size_t scan = batch.Scan("t", &page);
  driver.RunOk(batch);
  for (size_t i = 0; i < table; ++i) {
    report.Expect(batch.op(i).found, absl::StrCat(what, ": it is there"));
    report.ExpectEqual(absl::StrCat(what, ": when a key expires"),
                       batch.op(i).expires_at_ms, want_ms);
  }
  for (size_t i = table; i <= scan; ++i) {
    for (const auto& entry : batch.op(i).entries) {
      if (entry.key.view() != "k") continue;
      report.ExpectEqual(absl::StrCat(what, ": when an entry expires"),
                         entry.expires_at_ms, want_ms);
    }
  }
}

}  // namespace

void CheckExpiryIsSetKeptAndCleared(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const uint64_t now_ms = driver.NowMs();
  const Expiry keep{Expiry::Kind::kKeep};
  const Expiry after{Expiry::Kind::kAfterMs, kLifeMs};
  const FunctionChange append = AppendText("x");
  const auto expect_result = [&](absl::string_view what, const Op& op,
                                 uint64_t want_ms) {
    report.ExpectEqual(absl::StrCat(what, ": expiry in the result"),
                       op.expires_at_ms, want_ms);
    ExpectExpiresAt(driver, what, want_ms);
  };
  const auto set = [&](absl::string_view what, const Expiry& expiry,
                       uint64_t want_ms) {
    expect_result(what, SetExpiring(driver, "t", "k", "v", expiry), want_ms);
  };
  const auto change = [&](absl::string_view what, const Expiry& expiry,
                          uint64_t want_ms) {
    Batch batch;
    batch.op(batch.Change("t", "k", &append)).expiry = expiry;
    driver.RunOk(batch);
    expect_result(what, batch.op(0), want_ms);
  };
  const auto expire = [&](absl::string_view what, const Expiry& expiry,
                          uint64_t want_ms) {
    const Op before = driver.Get("t", "k");
    Batch batch;
    batch.Expire("t", "k", expiry);
    driver.RunOk(batch);
    report.Expect(batch.op(0).found, "a key whose expiry is set is found");
    report.Expect(batch.op(0).version > before.version,
                  "an expiry that is set is a write, with a version");
    report.ExpectEqual("value after its expiry was set",
                       driver.Get("t", "k").value_out.view(),
                       before.value_out.view());
    expect_result(what, batch.op(0), want_ms);
  };
  set("a new key keeps none", keep, 0);
  set("a set with a time", {Expiry::Kind::kAtMs, now_ms + 500}, now_ms + 500);
  set("a set that keeps", keep, now_ms + 500);
  set("a set with a duration", after, now_ms + kLifeMs);
  change("a change that keeps", keep, now_ms + kLifeMs);
  change("a change with a time", {Expiry::Kind::kAtMs, now_ms + 700},
         now_ms + 700);
  expire("a duration of its own", after, now_ms + kLifeMs);
  set("a set without, which clears it", {}, 0);
  expire("a time of its own", {Expiry::Kind::kAtMs, now_ms + 600},
         now_ms + 600);
  expire("none from now on", {}, 0);
  set("a set with a duration", after, now_ms + kLifeMs);
  change("a change without, which clears it", {}, 0);
  driver.AdvanceMs(kLifeMs);
  driver.ExpectValue("t", "k", "vx");
  // In the far future, farther than the numbers go.
  const Op far = SetExpiring(driver, "t", "far", "v",
                             {Expiry::Kind::kAfterMs, UINT64_MAX});
  report.Expect(far.expires_at_ms > now_ms, "far is not past");
  driver.ExpectValue("t", "far", "v");
  Batch absent;
  absent.Expire("t", "absent", after);
  driver.RunOk(absent);
  report.Expect(!absent.op(0).found && absent.op(0).version == 0,
                "the expiry of an absent key was set");
}

void CheckPastExpiryIsADelete(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const FunctionChange append = AppendText("x");
  const Expiry pasts[] = {{Expiry::Kind::kAtMs, 1},
                          {Expiry::Kind::kAtMs, 0},
                          {Expiry::Kind::kAtMs, driver.NowMs()},
                          {Expiry::Kind::kAfterMs, 0}};
  uint64_t last = 0;
  for (const Expiry& past : pasts) {
    for (int kind = 0; kind < 3; ++kind) {
      for (const bool present : {false, true}) {
        if (present) driver.Set("t", "k", "v");
        Batch batch;
        if (kind == 0) batch.Set("t", "k", "w", /*want_previous=*/true);
        if (kind == 1) batch.Change("t", "k", &append);
        if (kind == 2) batch.Expire("t", "k", past);
        batch.op(0).expiry = past;
        batch.Get("t", "k");
        batch.GetTable("t");
        driver.RunOk(batch);
        const Op& op = batch.op(0);
        const std::string what =
            absl::StrCat("a write of kind ", kind, " that expires at once");
        report.ExpectEqual(absl::StrCat(what, ": found"), op.found, present);
        if (present || kind != 2) {
          report.Expect(op.version > last,
                        absl::StrCat(what, ": it has a version"));
          last = op.version;
        }
        report.Expect(!batch.op(1).found,
                      absl::StrCat(what, ": the key is there"));
        report.Expect(batch.op(2).entries.empty(),
                      absl::StrCat(what, ": its table has it"));
        driver.ExpectCounts(0, 0);
      }
    }
  }
}

namespace {

// Each needs an expired key of its own.
struct Look {
  const char* what;
  std::function<void(Batch&)> add;
  // Of the first operation; empty: it is as for an absent key.
  std::function<bool(const Op&)> absent;
};

bool NothingFound(const Op& op) {
  return op.status.ok() && !op.found && op.version == 0 && !op.value_out &&
         op.expires_at_ms == 0;
}

}  // namespace

void CheckExpiredIsAbsent(StorageDriver& driver) {
  const FunctionChange note_absence(
      [](absl::optional<absl::string_view> present, absl::Span<const Op>,
         std::string* changed) {
        *changed = present.has_value() ? "present" : "absent";
        return absl::OkStatus();
      });
  const Look looks[] = {
      {"Get", [](Batch& b) { b.Get("t", "k"); }, NothingFound},
      {"Exists", [](Batch& b) { b.Exists("t", "k"); }, NothingFound},
      {"Delete", [](Batch& b) { b.Delete("t", "k", true); },
       [](const Op& op) {
         return NothingFound(op) && op.previous_version == 0;
       }},
      {"Expire", [](Batch& b) { b.Expire("t", "k", {}); }, NothingFound},
      {"Set", [](Batch& b) { b.Set("t", "k", "new", true); },
       [](const Op& op) {
         return op.status.ok() && !op.found && !op.value_out &&
                op.previous_version == 0 && op.expires_at_ms == 0;
       }},
      {"Set that keeps its expiry",
       [](Batch& b) {
         b.op(b.Set("t", "k", "new")).expiry = {Expiry::Kind::kKeep};
       },
       [](const Op& op) { return !op.found && op.expires_at_ms == 0; }},
      {"Change", [&](Batch& b) { b.Change("t", "k", &note_absence); },
       [](const Op& op) {
         return !op.found && op.value_out.view() == "absent";
       }},
      {"Set if absent",
       [](Batch& b) {
         b.op(b.Set("t", "k", "new")).condition = {Condition::Kind::kAbsent};
       },
       [](const Op& op) { return op.status.ok(); }},
      {"Delete if present",
       [](Batch& b) {
         b.op(b.Delete("t", "k")).condition = {Condition::Kind::kPresent};
       },
       [](const Op& op) {
         return absl::IsFailedPrecondition(op.status) && !op.found &&
                op.version == 0;
       }},
      {"Compare",
       [](Batch& b) {
         b.Compare("t", "k", {Condition::Kind::kValueEqual}, "old",
                   b.NewGroup());
       },
       NothingFound},
      {"a group of reads",
       [](Batch& b) {
         const uint32_t group = b.NewGroup();
         b.Get("t", "k", group);
         b.Get("t", "stays", group);
       },
       NothingFound},
      {"GetTable", [](Batch& b) { b.GetTable("t"); },
       [](const Op& op) { return op.entries.size() == 1; }},
      {"CountKeys", [](Batch& b) { b.CountKeys("t"); },
       [](const Op& op) {
         return op.found && op.tables.size() == 1 && op.tables[0].keys == 1 &&
                op.tables[0].bytes == absl::string_view("staysv").size();
       }},
      {"DropTable", [](Batch& b) { b.DropTable("t"); },
       [](const Op& op) {
         return op.found && op.tables.size() == 1 && op.tables[0].keys == 1;
       }},
  };
  for (const Look& look : looks) {
    MakeExpired(driver);
    Batch batch;
    look.add(batch);
    driver.Run(batch);
    driver.report().Expect(
        look.absent(batch.op(0)),
        absl::StrCat(look.what, " sees a key that has expired: ",
                     batch.op(0).status.ToString(), ", found ",
                     batch.op(0).found, ", version ", batch.op(0).version,
                     ", expires at ", batch.op(0).expires_at_ms, ", value '",
                     batch.op(0).value_out.view(), "'"));
    Batch clear;
    clear.DropTable("t");
    driver.RunOk(clear);
  }
  // Pages.
  MakeExpired(driver);
  const PageRange page{.limit = 10};
  Batch scan;
  scan.Scan("t", &page);
  driver.RunOk(scan);
  for (const auto& entry : scan.op(0).entries) {
    driver.report().ExpectEqual("key of a page", entry.key.view(), "stays");
  }
}

// A table whose keys have all expired is none.
void CheckExpiredTableIsNone(StorageDriver& driver) {
  CheckReport& report = driver.report();
  for (int round = 0; round < 2; ++round) {
    SetExpiring(driver, "gone", "a", "1", {Expiry::Kind::kAfterMs, kLifeMs});
    SetExpiring(driver, "gone", "b", "2", {Expiry::Kind::kAfterMs, kLifeMs});
    driver.Set("t", "k", "v");
    report.ExpectEqual("keys that are to expire", driver.Count("gone").keys, 2);
    driver.AdvanceMs(kLifeMs);
    report.ExpectEqual("keys of an expired table", driver.Count("gone").keys,
                       0);
    const PageRange page{.limit = 10};
    Batch batch;
    batch.ListTables(&page);
    batch.DropTable("gone");
    batch.RenameTable("gone", "other");
    if (round == 1) batch.RenameTable("t", "gone");
    driver.RunOk(batch);
    report.ExpectEqual("tables listed beside an expired one",
                       batch.op(0).tables.size(), 1);
    report.Expect(!batch.op(1).found, "an expired table was dropped");
    report.Expect(!batch.op(2).found, "an expired table was renamed");
    if (round == 0) continue;
    report.Expect(batch.op(3).found,
                  "an expired table is in the way of a renamed one");
    report.ExpectEqual("keys of the renamed table", driver.Count("gone").keys,
                       1);
    driver.ExpectValue("gone", "k", "v");
    driver.ExpectValue("gone", "a", nullptr);
  }
}

// The wall clock may be set back; what has expired does not come back.
void CheckTimeDoesNotGoBack(StorageDriver& driver) {
  MakeExpired(driver);
  const absl::Time now = driver.clock()->WallNow();
  driver.ExpectValue("t", "k", nullptr);
  driver.clock()->SetWall(now - absl::Milliseconds(kLifeMs / 2));
  driver.ExpectValue("t", "k", nullptr);
  driver.report().ExpectEqual("entries after the clock was set back",
                              driver.GetTable("t").entries.size(), 1);
  driver.clock()->SetWall(now);
}

void CheckExpiryOutlivesTheStore(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const uint64_t at_ms = driver.NowMs() + kLifeMs;
  SetExpiring(driver, "t", "k", "v", {Expiry::Kind::kAtMs, at_ms});
  SetExpiring(driver, "t", "long", "v", {Expiry::Kind::kAtMs, 10 * at_ms});
  driver.Set("t", "stays", "v");
  driver.Reopen();
  report.ExpectEqual("expiry after reopening",
                     driver.Get("t", "k").expires_at_ms, at_ms);
  driver.AdvanceMs(kLifeMs - 1);
  driver.ExpectValue("t", "k", "v");
  driver.Reopen();
  driver.AdvanceMs(1);
  driver.ExpectValue("t", "k", nullptr);
  driver.Reopen();
  driver.ExpectValue("t", "k", nullptr);
  driver.ExpectValue("t", "long", "v");
  report.ExpectEqual("keys that have not expired", driver.Count("t").keys, 2);
  driver.Set("t", "k", "again");
  driver.AdvanceMs(kLifeMs);
  driver.ExpectValue("t", "k", "again");
}

}  // namespace coffer_testing
