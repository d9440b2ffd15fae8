#include "coffer/sdk/mocks/call_sequencer.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace coffer_testing {

struct CallSequencer::Held {
  coffer::v1::CommandRequest request;
  coffer::CallOptions options;
  // Null: a call that never was.
  std::shared_ptr<internal::HeldOperation<Response>> operation;
};

const coffer::v1::CommandRequest& CallSequencer::Call::request() const {
  return held_->request;
}

const coffer::CallOptions& CallSequencer::Call::options() const {
  return held_->options;
}

bool CallSequencer::Call::cancelled() const {
  return held_->operation != nullptr && held_->operation->cancelled();
}

void CallSequencer::Call::Complete(Response result, Where where) const {
  if (held_->operation == nullptr ||
      held_->operation->Complete(std::move(result)))
    return;
  if (held_->operation->cancelled()) return;
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << "the call was completed before: " << held_->request.ShortDebugString();
}

CallSequencer::CallSequencer(boost::asio::any_io_executor executor, Where where)
    : executor_(std::move(executor)),
      where_(where),
      cancellations_(std::make_shared<std::atomic<std::size_t>>(0)) {}

CallSequencer::~CallSequencer() {
  std::string left;
  popped_.insert(popped_.end(), waiting_.begin(), waiting_.end());
  for (const auto& held : popped_) {
    if (!held->operation->Complete(
            absl::CancelledError("the sequencer of this call is gone"))) {
      continue;
    }
    absl::StrAppend(&left, "\n  ", held->request.ShortDebugString());
  }
  if (left.empty()) return;
  ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line()))
      << "calls of this sequencer were not completed:" << left;
}

void CallSequencer::Hold(coffer::v1::CommandRequest request,
                         coffer::CallOptions options,
                         coffer::Connection::ExecuteHandler handler) {
  const auto held = std::make_shared<Held>();
  held->request = std::move(request);
  held->options = std::move(options);
  held->operation = internal::HeldOperation<Response>::Make(
      std::move(handler), executor_, [count = cancellations_] { ++*count; });
  const std::lock_guard lock(mutex_);
  waiting_.push_back(held);
}

CallSequencer::Call CallSequencer::Pop(CallMatcher matcher, Where where) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(
      waiting_.begin(), waiting_.end(),
      [&](const auto& held) { return matcher.Matches(held->request); });
  if (found == waiting_.end()) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "no such call among the " << waiting_.size() << " that wait";
    return Call(std::make_shared<Held>());
  }
  Call call(*found);
  popped_.push_back(*found);
  waiting_.erase(found);
  return call;
}

std::size_t CallSequencer::size() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace coffer_testing
