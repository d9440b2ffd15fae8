// WrappedStorage: a right engine, of which the wrong ones of wrong_storages.h
// change one thing each. Finishes inline. Its time is that of SuiteClock.

#ifndef COFFER_TESTING_STORAGE_WRAPPED_STORAGE_H_
#define COFFER_TESTING_STORAGE_WRAPPED_STORAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/wrong_storages.h"

namespace coffer_testing {

inline std::shared_ptr<ManualClock> SuiteClock() {
  static const auto* const clock =
      new std::shared_ptr<ManualClock>(std::make_shared<ManualClock>());
  return *clock;
}

class WrappedStorage : public coffer::server::Storage {
 public:
  WrappedStorage()
      : WrappedStorage(std::make_unique<coffer::server::MemoryStorage>(
            SuiteClock().get())) {}
  explicit WrappedStorage(std::unique_ptr<coffer::server::Storage> inner)
      : inner_(std::move(inner)) {}

  bool Submit(coffer::server::Batch& batch, Done) override {
    Change(batch);
    ++submitted_;
    return true;
  }
  coffer::server::Capabilities capabilities() const override {
    return inner_->capabilities();
  }
  absl::string_view name() const override { return "wrong"; }
  coffer::server::StorageCounts counts() const override {
    return inner_->counts();
  }
  void SetChangeSink(coffer::server::ChangeSink* sink) override {
    inner_->SetChangeSink(sink);
  }
  bool Sweep() override { return inner_->Sweep(); }
  absl::Status ForEachNote(NoteVisitor visit) override {
    return inner_->ForEachNote(visit);
  }

 protected:
  using Batch = coffer::server::Batch;
  using Op = coffer::server::Op;
  using OpKind = coffer::server::OpKind;

  // Executes the batch, wrongly.
  virtual void Change(Batch& batch) { Execute(batch); }

  void Execute(Batch& batch) { inner_->Submit(batch, nullptr); }
  // Executes one operation on its own.
  void ExecuteAlone(Op& op, size_t result_bytes_max = 0) {
    Batch batch;
    batch.set_result_bytes_max(result_bytes_max);
    batch.GetTable("");
    const uint32_t group = std::exchange(op.group, 0);
    batch.op(0) = op;
    Execute(batch);
    op = batch.op(0);
    op.group = group;
  }
  // What there is of the key.
  Op Read(const Op& op) {
    Op read;
    read.kind = OpKind::kGet;
    read.table = op.table;
    read.key = op.key;
    ExecuteAlone(read);
    return read;
  }

  // Lets another thread see what is half done: waits until it has executed a
  // batch, if there is such a thread.
  void LetOthersRun() {
    const uint64_t before = submitted_;
    for (int i = 0; i < 500 && submitted_ == before; ++i) {
      std::this_thread::yield();
    }
  }

  coffer::server::Storage& inner() const { return *inner_; }

 private:
  const std::unique_ptr<coffer::server::Storage> inner_;
  std::atomic<uint64_t> submitted_{0};
};

// An engine of class T, made of `args`, and the check that must find it out.
template <class T, class... Args>
WrongStorage Wrong(const char* name, absl::string_view check,
                   absl::string_view failure, Args... args) {
  return {.engine = {.name = name,
                     .open = [=] { return std::make_unique<T>(args...); },
                     .clock = SuiteClock()},
          .check = check,
          .failure = failure};
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_WRAPPED_STORAGE_H_
