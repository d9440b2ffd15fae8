// ReplayCommand: what to type to make one run of one test again.

#ifndef COFFER_TESTING_SWEEP_REPLAY_COMMAND_H_
#define COFFER_TESTING_SWEEP_REPLAY_COMMAND_H_

#include <string>

namespace coffer_testing::internal {

// `argument` is for the test program, such as "--fault=...". Of the test that
// runs: "bazel test TARGET --test_filter=TEST --test_arg=ARGUMENT", or without
// Bazel "PROGRAM --gtest_filter=TEST ARGUMENT".
std::string ReplayCommand(const std::string& argument);

// `word` as a POSIX shell has to see it.
std::string ShellQuote(const std::string& word);

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SWEEP_REPLAY_COMMAND_H_
