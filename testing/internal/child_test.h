// RunChildTest: runs another test program, which may fail, and gives what it
// has printed: for tests of what a failing test says.
//
// The child is a test of its own: it does not inherit what Bazel tells a test
// about its report, its shard and its filter.

#ifndef COFFER_TESTING_INTERNAL_CHILD_TEST_H_
#define COFFER_TESTING_INTERNAL_CHILD_TEST_H_

#include <cstdio>
#include <string>

namespace coffer_testing::internal {

struct ChildTest {
  int status = -1;  // 0: it has passed
  std::string output;
};

// `program` is a path in the runfiles, among the test's data; `arguments` are
// for the shell.
inline ChildTest RunChildTest(const std::string& program,
                              const std::string& arguments) {
  const std::string command =
      "env -u XML_OUTPUT_FILE -u TEST_PREMATURE_EXIT_FILE -u TEST_SHARD_INDEX "
      "-u TEST_TOTAL_SHARDS -u TEST_SHARD_STATUS_FILE -u TESTBRIDGE_TEST_ONLY "
      "-u GTEST_OUTPUT " +
      program + " " + arguments + " 2>&1";
  ChildTest child;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return child;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    child.output.append(buffer, n);
  }
  child.status = pclose(pipe);
  return child;
}

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_CHILD_TEST_H_
