// SyncScanner: the keys of a table, or the tables there are, one after the
// other, for code without a loop; what BasicScanner (scan.h) is for the rest.
//
//   for (const auto& user : client.Scan("users")) {
//     if (!user.ok()) return user.status();
//     Use(user->key, user->value);
//   }
//
// The range ends after the last entry, or after an error. Next goes on after
// one, as that of BasicScanner.
//
// It may outlive its client, and goes on. Threads: any, one Next at a time; not
// the client's own thread (sync_client.h). Movable.

#ifndef COFFER_SDK_SYNC_SCANNER_H_
#define COFFER_SDK_SYNC_SCANNER_H_

#include <boost/asio/post.hpp>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/sdk/internal/sync_loop.h"
#include "coffer/sdk/scan.h"

namespace coffer {

template <class Entry>
class SyncScanner {
 public:
  // For SyncClient.
  SyncScanner(std::shared_ptr<internal::SyncLoop> loop,
              BasicScanner<Entry> scanner)
      : loop_(std::move(loop)),
        scanner_(std::make_unique<BasicScanner<Entry>>(std::move(scanner))) {}
  SyncScanner(SyncScanner&&) noexcept = default;
  SyncScanner& operator=(SyncScanner&& other) noexcept {
    if (this == &other) return *this;
    End();
    loop_ = std::move(other.loop_);
    scanner_ = std::move(other.scanner_);
    return *this;
  }
  ~SyncScanner() { End(); }

  // The next one; nullopt: that was all.
  absl::StatusOr<std::optional<Entry>> Next() {
    return Wait<std::optional<Entry>>(
        [&](auto handler) { scanner_->Next(std::move(handler)); });
  }
  // All that is left of the page at hand, or the next one; no entries: that was
  // all.
  absl::StatusOr<Page<Entry>> NextPage() {
    return Wait<Page<Entry>>(
        [&](auto handler) { scanner_->NextPage(std::move(handler)); });
  }

  // Goes through what is left, once.
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = absl::StatusOr<Entry>;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    iterator() = default;
    explicit iterator(SyncScanner* scanner) : scanner_(scanner) { ++*this; }

    reference operator*() const { return *entry_; }
    pointer operator->() const { return &*entry_; }
    iterator& operator++() {
      const bool failed = entry_.has_value() && !entry_->ok();
      entry_.reset();
      if (failed) return *this;
      absl::StatusOr<std::optional<Entry>> next = scanner_->Next();
      if (!next.ok()) {
        entry_.emplace(next.status());
      } else if (next->has_value()) {
        entry_.emplace(**std::move(next));
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& at, std::default_sentinel_t) {
      return !at.entry_.has_value();
    }

   private:
    SyncScanner* scanner_ = nullptr;
    std::optional<value_type> entry_;  // nullopt: the end
  };
  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  template <class Result, class Start>
  absl::StatusOr<Result> Wait(Start start) {
    if (!loop_->MayBlock().ok()) return loop_->MayBlock();
    internal::BlockingCall<absl::StatusOr<Result>> call;
    start(call.Handler());
    return call.Wait();
  }

  void End() {
    if (scanner_ == nullptr) return;
    // On the loop, where the connection may end with it.
    boost::asio::post(loop_->get_executor(), [ended = std::move(scanner_)] {});
  }

  std::shared_ptr<internal::SyncLoop> loop_;
  std::unique_ptr<BasicScanner<Entry>> scanner_;
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_SCANNER_H_
