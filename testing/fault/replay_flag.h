// ReplayFlag: the value of an argument of the test program, with which a failed
// test says how to make the one run that failed:
//
//   bazel test //path:test --test_filter=Suite.Name --test_arg=--fault=PLAN
//
// ReplayFlag("fault") is "PLAN" then. GoogleTest leaves arguments alone that it
// does not know.

#ifndef COFFER_TESTING_FAULT_REPLAY_FLAG_H_
#define COFFER_TESTING_FAULT_REPLAY_FLAG_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace coffer_testing {

// Of --name=VALUE; of the last one, if there are several.
std::optional<std::string> ReplayFlag(absl::string_view name);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_FAULT_REPLAY_FLAG_H_
