#include "coffer/testing/sweep/replay_command.h"

#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

std::string ShellQuote(const std::string& word) {
  constexpr char kPlain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "_-+.,:/=@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
    return word;
  }
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string ReplayCommand(const std::string& argument) {
  std::string filter = "*";
  if (const auto* const test =
          ::testing::UnitTest::GetInstance()->current_test_info()) {
    filter = absl::StrCat(test->test_suite_name(), ".", test->name());
  }
  // Set by `bazel test`.
  if (const char* const target = std::getenv("TEST_TARGET")) {
    return absl::StrCat("bazel test ", ShellQuote(target), " ",
                        ShellQuote(absl::StrCat("--test_filter=", filter)), " ",
                        ShellQuote(absl::StrCat("--test_arg=", argument)));
  }
  const std::vector<std::string> program = ::testing::internal::GetArgvs();
  return absl::StrCat(program.empty() ? "TEST" : ShellQuote(program[0]), " ",
                      ShellQuote(absl::StrCat("--gtest_filter=", filter)), " ",
                      ShellQuote(argument));
}

}  // namespace coffer_testing::internal
