// Those that are wrong about what they tell a ChangeSink.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/testing/storage/wrapped_storage.h"
#include "coffer/testing/storage/wrong_storages.h"

namespace coffer_testing {
namespace {

using ::coffer::server::ChangeSink;
using ::coffer::server::KeyChange;
using ::coffer::server::SharedBytes;

// Tells each change on its own, if at all, and as `mistell` has it.
class Mistells : public WrappedStorage, private ChangeSink {
 public:
  using Mistell = bool (*)(KeyChange& change);  // false: it is not told
  explicit Mistells(Mistell mistell) : mistell_(mistell) {}

  void SetChangeSink(ChangeSink* sink) override {
    sink_ = sink;
    inner().SetChangeSink(this);
  }

 private:
  bool Wants(absl::string_view table) override { return sink_->Wants(table); }
  void OnChanges(absl::Span<const KeyChange> changes) override {
    for (KeyChange change : changes) {
      if (!mistell_(change)) continue;
      sink_->OnChanges({&change, 1});
      // Lets others tell theirs in between, if there are any.
      const int told = ++told_;
      for (int i = 0; i < 100 && told_ == told; ++i) {
        std::this_thread::yield();
      }
    }
  }

  void OnChangesLost() override { sink_->OnChangesLost(); }

  const Mistell mistell_;
  ChangeSink* sink_ = nullptr;
  std::atomic<int> told_{0};
};

bool TellNoRemoval(KeyChange& change) {
  return change.kind != KeyChange::Kind::kRemoved;
}
bool TellNoExpiry(KeyChange& change) {
  return change.kind != KeyChange::Kind::kExpired;
}
bool TellOldValue(KeyChange& change) {
  if (change.version % 3 == 0) change.value = SharedBytes::Copy("old");
  return true;
}
bool TellOneByOne(KeyChange&) { return true; }

}  // namespace

std::vector<WrongStorage> WrongAboutChanges() {
  return {
      Wrong<Mistells>("TellsNoRemoval", "ChangesAreTold",
                      "changes told: got 5, want 6", TellNoRemoval),
      Wrong<Mistells>("TellsOldValues", "ToldChangesGiveTheTable",
                      "the changes told give", TellOldValue),
      Wrong<Mistells>("TellsOneByOne", "GroupsAreToldTogether",
                      "a group is not told together", TellOneByOne),
      Wrong<Mistells>("TellsNoExpiry", "ExpiryIsTold",
                      "keys that were told to have expired: got 0",
                      TellNoExpiry),
  };
}

}  // namespace coffer_testing
