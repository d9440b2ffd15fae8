// ScriptStep: what a scripted peer does when a step of its script has come
// true. Each call adds to the step, in order; After, Chunked and the ends are
// about the reply before them:
//
//   peer.Expect(...).Reply(a).After(50ms).Reply(b).Chunked({1, 3}).ThenEof();
//
// To add to a step that has come true is a test failure.

#ifndef COFFER_TESTING_SCRIPT_SCRIPT_STEP_H_
#define COFFER_TESTING_SCRIPT_SCRIPT_STEP_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "coffer/sdk/clock.h"
#include "coffer/testing/script/script.h"
#include "gtest/gtest.h"

namespace coffer_testing {

class ScriptStep {
 public:
  explicit ScriptStep(std::shared_ptr<internal::Script::Step> step)
      : step_(std::move(step)) {}

  // The reply comes so much later.
  ScriptStep& After(coffer::Clock::Duration delay) {
    if (auto* item = Last("After")) item->after = delay;
    return *this;
  }
  // The reply comes in pieces of these sizes, and the rest in one more, each
  // when the one before could have been read.
  ScriptStep& Chunked(std::vector<size_t> sizes) {
    if (auto* item = Last("Chunked")) item->pieces = std::move(sizes);
    return *this;
  }
  // Behind the reply, or behind its first bytes only, the peer ends its
  // sending, or resets the connection.
  ScriptStep& ThenEof(std::optional<size_t> after_bytes = std::nullopt) {
    return End("ThenEof", internal::ScriptItem::Then::kEnd, after_bytes);
  }
  ScriptStep& ThenReset(std::optional<size_t> after_bytes = std::nullopt) {
    return End("ThenReset", internal::ScriptItem::Then::kReset, after_bytes);
  }
  // All replies of this step come behind those of the next step. Without a
  // next step, the test fails.
  ScriptStep& OutOfOrder() {
    if (MayChange()) step_->answer.out_of_order = true;
    return *this;
  }
  // For the reader: there is no answer.
  ScriptStep& Never() {
    if (!step_->answer.items.empty()) Misused("Never, after a reply");
    return *this;
  }

 protected:
  void AddReply(std::string bytes) {
    if (MayChange()) step_->answer.items.push_back({.bytes = std::move(bytes)});
  }

 private:
  using Item = internal::ScriptItem;

  bool MayChange() const {
    if (!step_->taken) return true;
    Misused("it has come true already, and what is added comes too late");
    return false;
  }

  Item* Last(const char* what) {
    if (!MayChange()) return nullptr;
    if (!step_->answer.items.empty()) return &step_->answer.items.back();
    Misused(std::string(what) + ", without a reply before it");
    return nullptr;
  }

  ScriptStep& End(const char* what, Item::Then then,
                  std::optional<size_t> after_bytes) {
    if (!MayChange()) return *this;
    // Without a reply: just that.
    if (step_->answer.items.empty()) AddReply("");
    Item& item = step_->answer.items.back();
    if (after_bytes && *after_bytes > item.bytes.size()) {
      Misused(std::string(what) + ", behind the end of the reply");
    } else if (after_bytes) {
      item.bytes.resize(*after_bytes);
    }
    item.then = then;
    return *this;
  }

  void Misused(const std::string& what) const {
    ADD_FAILURE_AT(step_->where.file_name(),
                   static_cast<int>(step_->where.line()))
        << "a step of a script: " << what;
  }

  std::shared_ptr<internal::Script::Step> step_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SCRIPT_SCRIPT_STEP_H_
