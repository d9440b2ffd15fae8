#include "coffer/testing/script/script.h"

#include "absl/strings/str_cat.h"
#include "coffer/testing/internal/pending_op.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

Script::Script(std::string name, std::source_location where)
    : name_(std::move(name)), where_(where) {}

Script::Step& Script::Add(Kind kind, std::string description, size_t index,
                          std::source_location where) {
  ++added_;
  steps_.push_back({kind, std::move(description), where, index, {}});
  return steps_.back();
}

Script::Step Script::TakeFront() {
  ++taken_;
  Step step = std::move(steps_.front());
  steps_.pop_front();
  return step;
}

std::string Script::Left() const {
  std::string left;
  size_t number = taken_;
  for (const Step& step : steps_) {
    absl::StrAppend(&left, "\n  ", ++number, ". ", step.description, " (",
                    ToString(step.where), ")");
  }
  return left;
}

void Script::Fail(absl::string_view what) {
  if (std::exchange(failed_, true)) return;
  const std::source_location where = empty() ? where_ : front().where;
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << name_
      << (empty() ? absl::StrCat(": after all ", added_, " steps")
                  : absl::StrCat(": at step ", taken_ + 1, " of ", added_))
      << ": " << what
      << (empty() ? "" : absl::StrCat("\nThe script goes on:", Left()));
}

void Script::FailIfUnfinished() {
  if (!empty()) Fail("it was not reached");
}

void ScriptAnswers::Send(ScriptAnswer answer) {
  if (answer.out_of_order) {
    for (ScriptItem& item : answer.items) held_.push_back(std::move(item));
    return;
  }
  for (ScriptItem& item : answer.items) writer_->Send(std::move(item));
  for (ScriptItem& item : held_) writer_->Send(std::move(item));
  held_.clear();
}

}  // namespace coffer_testing::internal
