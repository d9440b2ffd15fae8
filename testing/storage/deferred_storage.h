// DeferredStorage: an engine that finishes later. Submit always returns false;
// a thread of its own executes the batches, in order, on the engine it wraps,
// and calls done. For tests of whatever uses a Storage: what works on the
// in-memory engine may rest on its finishing inside Submit.
//
// Hold() keeps batches waiting until Release(), so that a test can look at the
// time between. Any thread may call anything. The destructor releases, executes
// what is waiting, and joins the thread.

#ifndef COFFER_TESTING_STORAGE_DEFERRED_STORAGE_H_
#define COFFER_TESTING_STORAGE_DEFERRED_STORAGE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/storage.h"

namespace coffer_testing {

class DeferredStorage final : public coffer::server::Storage {
 public:
  // `inner` finishes inside Submit.
  explicit DeferredStorage(std::unique_ptr<coffer::server::Storage> inner);
  DeferredStorage(const DeferredStorage&) = delete;
  DeferredStorage& operator=(const DeferredStorage&) = delete;
  ~DeferredStorage() override;

  bool Submit(coffer::server::Batch& batch, Done done) override;
  coffer::server::Capabilities capabilities() const override;
  absl::string_view name() const override;
  coffer::server::StorageCounts counts() const override;
  void SetChangeSink(coffer::server::ChangeSink* sink) override;
  bool Sweep() override;
  coffer::server::Backups* backups() override;
  absl::Status ForEachNote(NoteVisitor visit) override;

  void Hold();
  void Release();
  // Submitted and not begun.
  size_t waiting() const;

 private:
  void Work();

  const std::unique_ptr<coffer::server::Storage> inner_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<coffer::server::Batch*, Done>> queue_;
  bool held_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_DEFERRED_STORAGE_H_
