#include "coffer/testing/storage/deferred_storage.h"

#include <cstdio>
#include <cstdlib>

namespace coffer_testing {

using ::coffer::server::Batch;

DeferredStorage::DeferredStorage(std::unique_ptr<coffer::server::Storage> inner)
    : inner_(std::move(inner)), thread_([this] { Work(); }) {}

DeferredStorage::~DeferredStorage() {
  {
    std::lock_guard lock(mutex_);
    held_ = false;
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

bool DeferredStorage::Submit(Batch& batch, Done done) {
  std::lock_guard lock(mutex_);
  queue_.emplace_back(&batch, std::move(done));
  changed_.notify_all();
  return false;
}

coffer::server::Capabilities DeferredStorage::capabilities() const {
  return inner_->capabilities();
}

absl::string_view DeferredStorage::name() const { return inner_->name(); }

coffer::server::StorageCounts DeferredStorage::counts() const {
  return inner_->counts();
}

void DeferredStorage::SetChangeSink(coffer::server::ChangeSink* sink) {
  inner_->SetChangeSink(sink);
}

bool DeferredStorage::Sweep() { return inner_->Sweep(); }

coffer::server::Backups* DeferredStorage::backups() {
  return inner_->backups();
}

absl::Status DeferredStorage::ForEachNote(NoteVisitor visit) {
  return inner_->ForEachNote(visit);
}

void DeferredStorage::Hold() {
  std::lock_guard lock(mutex_);
  held_ = true;
}

void DeferredStorage::Release() {
  std::lock_guard lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

size_t DeferredStorage::waiting() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

void DeferredStorage::Work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock,
                  [this] { return !held_ && (stopping_ || !queue_.empty()); });
    if (queue_.empty()) return;
    auto [batch, done] = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    if (!inner_->Submit(*batch, nullptr)) {
      std::fprintf(stderr,
                   "DeferredStorage: the engine inside did not finish "
                   "inside Submit\n");
      std::abort();
    }
    done();
  }
}

}  // namespace coffer_testing
