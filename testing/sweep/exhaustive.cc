#include "coffer/testing/sweep/exhaustive.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/sweep/replay_command.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

// The answers follow.
constexpr char kArgument[] = "--choices=";

void FailAt(std::source_location where, const std::string& message) {
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << "Exhaustive: " << message;
}

}  // namespace

Exhaustive::Exhaustive(ExhaustiveOptions options, std::source_location where)
    : options_(options),
      where_(where),
      replay_(ReplayFlag("choices")),
      last_words_start_(absl::StrCat(
          "\nExhaustive: died; to make that run alone, up to there:\n  ",
          internal::ReplayCommand(kArgument))) {}

Exhaustive::~Exhaustive() {
  if (run_) EndRun();
}

bool Exhaustive::NextRun() {
  if (runs_ == 0) {
    if (replay_ && !BeginReplay()) return false;
  } else if (!run_ || !EndRun() || replay_ || !Advance()) {
    return false;
  }
  ++runs_;
  made_ = 0;
  last_words_ = last_words_start_;
  run_.emplace(&last_words_);
  return true;
}

// The counts are not known before they are asked for.
bool Exhaustive::BeginReplay() {
  for (const absl::string_view part :
       absl::StrSplit(*replay_, ',', absl::SkipEmpty())) {
    uint64_t answer = 0;
    if (!absl::SimpleAtoi(part, &answer)) {
      FailAt(where_, absl::StrCat("no run is ", kArgument, *replay_,
                                  ": not numbers with commas"));
      return false;
    }
    choices_.push_back({answer, 0});
  }
  return true;
}

// False if the test failed in this run.
bool Exhaustive::EndRun() {
  const bool failed = run_->watch.failed();
  const std::string first = run_->watch.first();
  run_.reset();
  if (failed) {
    FailAt(where_,
           absl::StrCat(
               "stopped: run ", runs_, " failed, with the choices ", ToString(),
               "\nFirst failure: ", first, "\nTo make that run alone:\n  ",
               internal::ReplayCommand(absl::StrCat(kArgument, Answers()))));
    return false;
  }
  if (made_ < choices_.size() && !replay_) {
    FailAt(where_,
           absl::StrCat("not the same run twice: ", choices_.size(),
                        " choices are due, and only these were asked for: ",
                        ToString()));
    return false;
  }
  return true;
}

// The last choice that has an answer left gets the next one; those after it
// are forgotten.
bool Exhaustive::Advance() {
  while (!choices_.empty() &&
         choices_.back().answer + 1 == choices_.back().count) {
    choices_.pop_back();
  }
  if (choices_.empty()) return false;
  ++choices_.back().answer;
  if (runs_ < options_.runs_max) return true;
  FailAt(where_, absl::StrCat("gave up after ", runs_,
                              " runs (runs_max); the next would begin with ",
                              absl::StrJoin(choices_, ",",
                                            [](std::string* out, Choice c) {
                                              absl::StrAppend(out, c.answer);
                                            })));
  return false;
}

size_t Exhaustive::Choose(size_t count, std::source_location where) {
  if (!run_) Refuse("a choice outside of a run: call NextRun first", where);
  if (count == 0) Refuse("a choice among nothing", where);
  if (made_ == options_.choices_max) {
    Refuse(absl::StrCat("more than ", made_, " choices in a run (choices_max)"),
           where);
  }
  if (made_ == choices_.size()) choices_.push_back({0, count});
  Choice& choice = choices_[made_];
  if (replay_) {
    choice.count = count;
    if (choice.answer >= count) {
      Refuse(absl::StrCat(kArgument, *replay_, " answers ", choice.answer,
                          " to a choice among ", count),
             where);
    }
  } else if (choice.count != count) {
    Refuse(absl::StrCat("not the same run twice: after ", ToString(),
                        ", a choice among ", choice.count, " before and among ",
                        count, " now"),
           where);
  }
  absl::StrAppend(&last_words_, made_ == 0 ? "" : ",", choice.answer);
  ++made_;
  return choice.answer;
}

void Exhaustive::Refuse(const std::string& what,
                        std::source_location where) const {
  FailAt(where, what);
  throw std::logic_error(absl::StrCat("Exhaustive: ", what));
}

std::string Exhaustive::ToString() const {
  return absl::StrJoin(choices_.begin(), choices_.begin() + made_, ", ",
                       [](std::string* out, const Choice& choice) {
                         absl::StrAppend(out, choice.answer, " of ",
                                         choice.count);
                       });
}

std::string Exhaustive::Answers() const {
  return absl::StrJoin(choices_.begin(), choices_.begin() + made_, ",",
                       [](std::string* out, const Choice& choice) {
                         absl::StrAppend(out, choice.answer);
                       });
}

}  // namespace coffer_testing
