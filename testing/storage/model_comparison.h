// CompareWithModel: an engine beside ModelStorage. Both are given the same
// operations, at random, and must have the same results: all kinds of
// operations on keys and tables, alone and in groups that choose and fail, with
// conditions and expiry, on few names, so that they meet.

#ifndef COFFER_TESTING_STORAGE_MODEL_COMPARISON_H_
#define COFFER_TESTING_STORAGE_MODEL_COMPARISON_H_

#include <functional>
#include <string>

#include "coffer/server/storage/storage.h"
#include "coffer/testing/manual_clock.h"

namespace coffer_testing {

struct ModelComparison {
  unsigned seed = 0;
  int rounds = 300;
  // Without: no operation sets one, and time does not matter.
  bool expiry = true;
  // An engine that counts expired keys until they are removed is asked for its
  // counts only when it says so.
  bool compare_counts = true;
  // Called after each round; returns the engine to go on with.
  std::function<coffer::server::Storage*(int round)> after_round = nullptr;
};

// The first difference, with the round and both results; empty: there was none.
// `storage` is empty and has its time from `clock`.
std::string FirstDifference(coffer::server::Storage* storage,
                            ManualClock& clock, const ModelComparison& how);

// A difference is a test failure.
void CompareWithModel(coffer::server::Storage* storage, ManualClock& clock,
                      const ModelComparison& how);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_MODEL_COMPARISON_H_
