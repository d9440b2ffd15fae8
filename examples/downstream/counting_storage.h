// A storage engine of one's own: keeps its data in another engine, and counts
// the writes. Whatever Storage can do is passed on: what it leaves out, the
// other engine is not asked for. The test holds it to the suite that every
// engine passes.

#ifndef DOWNSTREAM_COUNTING_STORAGE_H_
#define DOWNSTREAM_COUNTING_STORAGE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/storage.h"

class CountingStorage final : public coffer::server::Storage {
 public:
  explicit CountingStorage(std::unique_ptr<coffer::server::Storage> inner)
      : inner_(std::move(inner)) {}

  // Any thread may submit: what the engine adds is an atomic.
  bool Submit(coffer::server::Batch& batch, Done done) override {
    for (const coffer::server::Op& op : batch.ops()) {
      if (IsWrite(op.kind)) ++writes_;
    }
    return inner_->Submit(batch, std::move(done));
  }
  coffer::server::Capabilities capabilities() const override {
    return inner_->capabilities();
  }
  absl::string_view name() const override { return "counting"; }
  coffer::server::StorageCounts counts() const override {
    return inner_->counts();
  }
  void SetChangeSink(coffer::server::ChangeSink* sink) override {
    inner_->SetChangeSink(sink);
  }
  bool Sweep() override { return inner_->Sweep(); }
  coffer::server::Backups* backups() override { return inner_->backups(); }
  absl::Status ForEachNote(NoteVisitor visit) override {
    return inner_->ForEachNote(visit);
  }

  uint64_t writes() const { return writes_; }

 private:
  const std::unique_ptr<coffer::server::Storage> inner_;
  std::atomic<uint64_t> writes_{0};
};

#endif  // DOWNSTREAM_COUNTING_STORAGE_H_
