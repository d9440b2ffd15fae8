#include "coffer/tools/crash/linearizability.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace coffer::crash {
namespace {

using State = std::optional<std::string>;

// What the register is after the operation; false if it cannot have been so.
bool Apply(const Operation& operation, State* state) {
  switch (operation.kind) {
    case Operation::Kind::kWrite:
      *state = operation.value;
      return true;
    case Operation::Kind::kRead:
      return *state == operation.value;
    case Operation::Kind::kAdd: {
      int64_t sum = 0;
      if (state->has_value() && !absl::SimpleAtoi(**state, &sum)) return false;
      *state = absl::StrCat(sum + 1);
      return operation.end == Operation::kNever || *state == operation.value;
    }
  }
  return false;
}

class Search {
 public:
  Search(std::vector<Operation> history, State initial)
      : history_(std::move(history)), state_(std::move(initial)) {
    std::sort(history_.begin(), history_.end(),
              [](const Operation& a, const Operation& b) {
                return a.begin < b.begin;
              });
    done_.resize(history_.size());
    for (const Operation& operation : history_) {
      if (operation.end != Operation::kNever) ++left_;
    }
  }

  // Depth first, without recursion: a history may be long.
  bool Run() {
    size_t next = 0;  // the first that is to be tried from here
    for (;;) {
      if (left_ == 0) return true;  // the others never took effect
      const std::optional<size_t> found = Find(next);
      if (found.has_value()) {
        Take(*found);
        if (seen_.insert(Configuration()).second) {
          next = 0;
          continue;
        }
      } else if (path_.empty()) {
        return false;
      }
      next = PutBack() + 1;
    }
  }

 private:
  struct Step {
    size_t operation;
    State before;
  };

  // The next operation, from `from` on, that can be the first of those left:
  // none of them was answered before it was called, and it fits.
  std::optional<size_t> Find(size_t from) {
    uint64_t first_end = Operation::kNever;
    for (size_t i = 0; i < history_.size(); ++i) {
      if (!done_[i]) first_end = std::min(first_end, history_[i].end);
    }
    for (size_t i = from; i < history_.size(); ++i) {
      if (history_[i].begin > first_end) break;
      if (done_[i]) continue;
      State after = state_;
      if (Apply(history_[i], &after)) return i;
    }
    return std::nullopt;
  }

  void Take(size_t i) {
    path_.push_back({i, state_});
    Apply(history_[i], &state_);
    done_[i] = true;
    if (history_[i].end != Operation::kNever) --left_;
  }

  size_t PutBack() {
    const size_t i = path_.back().operation;
    state_ = path_.back().before;
    path_.pop_back();
    done_[i] = false;
    if (history_[i].end != Operation::kNever) ++left_;
    return i;
  }

  // What is done, and what has come of it: all that the rest depends on.
  std::string Configuration() const {
    std::string bits((history_.size() + 7) / 8, '\0');
    for (size_t i = 0; i < history_.size(); ++i) {
      if (done_[i]) bits[i / 8] |= static_cast<char>(1 << (i % 8));
    }
    return absl::StrCat(bits, state_.has_value() ? "=" : "-",
                        state_.value_or(""));
  }

  std::vector<Operation> history_;
  State state_;
  std::vector<bool> done_;
  size_t left_ = 0;  // of those that were answered
  std::vector<Step> path_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

std::string Describe(const Operation& operation) {
  static constexpr const char* kNames[] = {"write", "read", "add"};
  return absl::StrCat(
      "client ", operation.client, " ",
      kNames[static_cast<int>(operation.kind)], " ",
      operation.value.has_value() ? *operation.value : "nothing", " [",
      operation.begin, ", ",
      operation.end == Operation::kNever ? "unknown"
                                         : absl::StrCat(operation.end),
      "]");
}

bool IsLinearizable(const std::vector<Operation>& history,
                    const std::optional<std::string>& initial) {
  return Search(history, initial).Run();
}

}  // namespace coffer::crash
