// Script: the steps of a scripted peer, what is left of them, and the words for
// what goes wrong. What a step expects is known by its description alone; the
// peers know how to compare.

#ifndef COFFER_TESTING_SCRIPT_SCRIPT_H_
#define COFFER_TESTING_SCRIPT_SCRIPT_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"
#include "coffer/testing/script/script_writer.h"

namespace coffer_testing::internal {

// What is said in answer to one step.
struct ScriptAnswer {
  std::vector<ScriptItem> items;
  bool out_of_order = false;
};

class ScriptAnswers;

class Script {
 public:
  enum class Kind { kExpect, kExpectEnd, kPush };

  struct Step {
    Kind kind;
    std::string description;
    std::source_location where;
    size_t index;  // of what is compared, with the peer
    ScriptAnswer answer = {};
    bool taken = false;  // what is added now would come too late
  };

  Script(std::string name, std::source_location where);

  // The step outlives the script with whoever still adds to it.
  std::shared_ptr<Step> Add(Kind kind, std::string description, size_t index,
                            std::source_location where);

  bool empty() const { return steps_.empty(); }
  const Step& front() const { return *steps_.front(); }
  std::shared_ptr<const Step> TakeFront();

  // Fails the test at the step that is due, or else where the peer was made.
  void Fail(absl::string_view what);
  // If there are steps left, or answers that are held back, and nothing has
  // failed before.
  void FailIfUnfinished(const ScriptAnswers& answers);
  bool failed() const { return failed_; }

 private:
  std::string Left() const;

  const std::string name_;
  const std::source_location where_;
  std::deque<std::shared_ptr<Step>> steps_;
  size_t added_ = 0;
  size_t taken_ = 0;
  bool failed_ = false;
};

// Sends the answers of steps: those that are out of order behind those of the
// step that follows them, whichever way that one's are.
class ScriptAnswers {
 public:
  explicit ScriptAnswers(std::shared_ptr<ScriptWriter> writer)
      : writer_(std::move(writer)) {}

  void Send(std::shared_ptr<const Script::Step> step);

  // The last step whose answers wait for those of another; null if none.
  const Script::Step* held() const {
    return held_.empty() ? nullptr : held_.back().get();
  }

 private:
  const std::shared_ptr<ScriptWriter> writer_;
  std::vector<std::shared_ptr<const Script::Step>> held_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SCRIPT_SCRIPT_H_
