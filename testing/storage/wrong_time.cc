// Those that are wrong about expiry.

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/wrapped_storage.h"
#include "coffer/testing/storage/wrong_storages.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Batch;
using ::coffer::server::Expiry;
using ::coffer::server::MemoryStorage;
using ::coffer::server::Op;
using ::coffer::server::OpKind;
using ::coffer::server::SharedBytes;

class SetKeepsExpiry : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      const bool clears =
          op.kind == OpKind::kSet && op.expiry.kind == Expiry::Kind::kNever;
      if (clears) op.expiry.kind = Expiry::Kind::kKeep;
    }
    Execute(batch);
  }
};

class PastIsNever : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      const bool past =
          op.expiry.kind == Expiry::Kind::kAtMs && op.expiry.ms <= 1;
      if (past) op.expiry = {};
    }
    Execute(batch);
  }
};

// An engine whose time is that of its making.
class StandsStill : public WrappedStorage {
 public:
  StandsStill() : StandsStill(std::make_shared<ManualClock>()) {}

 private:
  explicit StandsStill(std::shared_ptr<ManualClock> clock)
      : WrappedStorage(std::make_unique<MemoryStorage>(clock.get())),
        clock_(std::move(clock)) {
    clock_->SetWall(SuiteClock()->WallNow());
  }
  const std::shared_ptr<ManualClock> clock_;
};

// Counts what another engine has, in which nothing expires.
class CountsExpired : public WrappedStorage {
  void Change(Batch& batch) override {
    Batch same = batch;
    Execute(batch);
    still_.Submit(same, nullptr);
    for (size_t i = 0; i < batch.size(); ++i) {
      if (batch.op(i).kind == OpKind::kCountKeys) batch.op(i) = same.op(i);
    }
  }
  StandsStill still_;
};

// By the clock as it is, and not by the latest that it was.
class TimeGoesBack : public WrappedStorage {
 public:
  TimeGoesBack() : WrappedStorage(std::make_unique<StandsStill>()) {}

 private:
  void Change(Batch& batch) override {
    Execute(batch);
    const auto now_ms =
        static_cast<uint64_t>(absl::ToUnixMillis(SuiteClock()->WallNow()));
    for (Op& op : batch.ops()) {
      const bool reads = op.kind == OpKind::kGet || op.kind == OpKind::kExists;
      if (!reads || op.expires_at_ms == 0 || op.expires_at_ms > now_ms) {
        continue;
      }
      coffer::server::ClearResult(&op);
    }
  }
};

}  // namespace

std::vector<WrongStorage> WrongAboutTime() {
  return {
      Wrong<SetKeepsExpiry>("SetKeepsExpiry", "ExpiryIsSetKeptAndCleared",
                            "a set without, which clears it"),
      Wrong<SetKeepsExpiry>("SetKeepsExpiryBesideTheModel",
                            "SameResultsAsTheModelInTime", "model:"),
      Wrong<PastIsNever>("PastIsNever", "PastExpiryIsADelete",
                         "the key is there"),
      Wrong<StandsStill>("StandsStill", "ExpiredIsAbsent",
                         "Get sees a key that has expired"),
      Wrong<CountsExpired>("CountsExpired", "ExpiredTableIsNone",
                           "keys of an expired table: got 2, want 0"),
      Wrong<TimeGoesBack>("TimeGoesBack", "TimeDoesNotGoBack",
                          "key \"k\": found: got 1, want 0"),
  };
}

}  // namespace coffer_testing
