#include "coffer/testing/script/script.h"

#include "absl/strings/str_cat.h"
#include "coffer/testing/internal/pending_op.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

Script::Script(std::string name, std::source_location where)
    : name_(std::move(name)), where_(where) {}

std::shared_ptr<Script::Step> Script::Add(Kind kind, std::string description,
                                          size_t index,
                                          std::source_location where) {
  ++added_;
  steps_.push_back(
      std::make_shared<Step>(Step{kind, std::move(description), where, index}));
  return steps_.back();
}

std::shared_ptr<const Script::Step> Script::TakeFront() {
  ++taken_;
  std::shared_ptr<Step> step = std::move(steps_.front());
  steps_.pop_front();
  step->taken = true;
  return step;
}

std::string Script::Left() const {
  std::string left;
  size_t number = taken_;
  for (const auto& step : steps_) {
    absl::StrAppend(&left, "\n  ", ++number, ". ", step->description, " (",
                    ToString(step->where), ")");
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

void Script::FailIfUnfinished(const ScriptAnswers& answers) {
  if (!empty()) return Fail("it was not reached");
  const Step* const held = answers.held();
  if (held == nullptr || std::exchange(failed_, true)) return;
  ADD_FAILURE_AT(held->where.file_name(), static_cast<int>(held->where.line()))
      << name_ << ": the reply of this step is OutOfOrder, and was never said: "
      << "no step has come true behind it";
}

void ScriptAnswers::Send(std::shared_ptr<const Script::Step> step) {
  held_.push_back(std::move(step));
  if (held_.back()->answer.out_of_order) return;
  while (!held_.empty()) {
    for (const ScriptItem& item : held_.back()->answer.items) {
      writer_->Send(item);
    }
    held_.pop_back();
  }
}

}  // namespace coffer_testing::internal
