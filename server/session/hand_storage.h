// HandStorage: an engine whose batches wait until a test finishes them, one by
// one and in any order. For sessions that run on the test's thread.

#ifndef COFFER_SERVER_SESSION_HAND_STORAGE_H_
#define COFFER_SERVER_SESSION_HAND_STORAGE_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/server/storage/storage.h"
#include "gtest/gtest.h"

namespace coffer::server {

// As an engine may do, it executes batches when they finish.
class HandStorage final : public Storage {
 public:
  // `inner` finishes inside Submit.
  explicit HandStorage(
      std::unique_ptr<Storage> inner = std::make_unique<MemoryStorage>())
      : inner_(std::move(inner)) {}
  ~HandStorage() override { EXPECT_EQ(waiting(), 0u) << "a batch was left"; }

  bool Submit(Batch& batch, Done done) override {
    if (inline_) return inner_->Submit(batch, nullptr);
    batches_.emplace_back(&batch, std::move(done));
    return false;
  }
  Capabilities capabilities() const override { return inner_->capabilities(); }
  StorageCounts counts() const override { return inner_->counts(); }
  absl::string_view name() const override { return "hand"; }
  void SetChangeSink(ChangeSink* sink) override { inner_->SetChangeSink(sink); }

  std::size_t waiting() const { return batches_.size(); }
  void Finish(std::size_t i) {
    auto [batch, done] = std::move(batches_[i]);
    batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_TRUE(inner_->Submit(*batch, nullptr));
    done();
  }
  void set_inline(bool now) { inline_ = now; }

 private:
  const std::unique_ptr<Storage> inner_;
  bool inline_ = false;
  std::vector<std::pair<Batch*, Done>> batches_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_HAND_STORAGE_H_
