// Exhaustive: makes every sequence of small choices once, in place of random
// ones: for the orders in which events can reach a state machine, for small
// inputs, for options in all combinations.
//
//   Exhaustive g;
//   while (g.NextRun()) {
//     Connection connection;
//     std::vector<Event> left = {Event::kConnected, Event::kCancel,
//                                Event::kClose};
//     while (!left.empty()) connection.On(g.Take(left));  // 6 orders
//     EXPECT_TRUE(connection.closed());
//   }
//
// The first run is answered 0 (false, the first) throughout; each next one
// differs in the last choice that has an answer left. What is asked may depend
// on the answers so far, and on nothing else: a run that asks otherwise than
// the one before, up to where they part, is a failure.
//
// A failure inside the loop ends it, after which it is said which choices it
// was, and how to make that run alone (--choices=2,0,1). A mistake in the use
// of this class is a failure that names the line, and throws where it could not
// go on.
//
// Threads: one. What captures failures inside the loop must not outlast a run.

#ifndef COFFER_TESTING_SWEEP_EXHAUSTIVE_H_
#define COFFER_TESTING_SWEEP_EXHAUSTIVE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/sweep/crash_note.h"
#include "coffer/testing/sweep/failure_watch.h"

namespace coffer_testing {

struct ExhaustiveOptions {
  // One more run is a failure, and the last.
  uint64_t runs_max = 10'000'000;
  // One more choice in a run is a failure, and throws: a run that asks for ever
  // could not be left otherwise.
  size_t choices_max = 10'000;
};

class Exhaustive {
 public:
  explicit Exhaustive(
      ExhaustiveOptions options = {},
      std::source_location where = std::source_location::current());
  Exhaustive(const Exhaustive&) = delete;
  Exhaustive& operator=(const Exhaustive&) = delete;
  ~Exhaustive();

  // Begins the next run. False when all were made, or the last one failed.
  bool NextRun();

  // One of 0 ... count - 1.
  size_t Choose(size_t count,
                std::source_location where = std::source_location::current());
  bool Coin(std::source_location where = std::source_location::current()) {
    return Choose(2, where) == 1;
  }

  // One of `items`, which stays, or which is taken out.
  template <class T>
  const T& Pick(const std::vector<T>& items,
                std::source_location where = std::source_location::current()) {
    return items[Choose(items.size(), where)];
  }
  template <class T>
  T Take(std::vector<T>& items,
         std::source_location where = std::source_location::current()) {
    const auto at =
        items.begin() + static_cast<ptrdiff_t>(Choose(items.size(), where));
    T item = std::move(*at);
    items.erase(at);
    return item;
  }

  // Runs begun.
  uint64_t runs() const { return runs_; }

  // The choices of this run so far, such as "2 of 3, 0 of 2, 1 of 2".
  std::string ToString() const;

 private:
  struct Choice {
    size_t answer;
    size_t count;
  };
  struct Run {
    explicit Run(const std::string* last_words) : note(last_words) {}

    internal::FailureWatch watch;
    internal::CrashNote note;
  };

  bool BeginReplay();
  bool Advance();
  bool EndRun();
  [[noreturn]] void Refuse(const std::string& what,
                           std::source_location where) const;
  std::string Answers() const;

  const ExhaustiveOptions options_;
  const std::source_location where_;
  const std::optional<std::string> replay_;
  // Up to the answers of this run.
  const std::string last_words_start_;
  std::string last_words_;
  uint64_t runs_ = 0;
  std::vector<Choice> choices_;  // made, and to be made, in this run
  size_t made_ = 0;
  std::optional<Run> run_;  // between two calls of NextRun
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_EXHAUSTIVE_H_
