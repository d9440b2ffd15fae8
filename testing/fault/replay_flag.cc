#include "coffer/testing/fault/replay_flag.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace coffer_testing {

std::optional<std::string> ReplayFlag(absl::string_view name) {
  const std::string start = absl::StrCat("--", name, "=");
  std::optional<std::string> value;
  // GoogleTest keeps the arguments for its death tests, and gives them to
  // nobody by a public name.
  for (const std::string& argument : ::testing::internal::GetArgvs()) {
    absl::string_view rest = argument;
    if (absl::ConsumePrefix(&rest, start)) value = std::string(rest);
  }
  return value;
}

}  // namespace coffer_testing
