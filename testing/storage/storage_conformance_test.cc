// The suite checked itself: it fails on engines that are each wrong in one way,
// for the reason that is theirs. (That right ones pass, their own tests show.)

#include "coffer/testing/storage/storage_conformance.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/storage/wrong_storages.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

const StorageCheck* FindCheck(absl::string_view name) {
  for (const StorageCheck& check : StorageChecks()) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

class WrongStorageTest : public ::testing::TestWithParam<WrongStorage> {};

TEST_P(WrongStorageTest, IsFoundByItsCheck) {
  const WrongStorage& wrong = GetParam();
  const StorageCheck* check = FindCheck(wrong.check);
  ASSERT_NE(check, nullptr) << wrong.check;
  // An engine that declares less would escape the check.
  ASSERT_TRUE(check->applies(wrong.engine.open()->capabilities()));
  ASSERT_TRUE(!check->needs_clock || wrong.engine.clock != nullptr);
  // A race need not show in every run. Most show in the first.
  std::string failures;
  for (int run = 0; run < 20 && failures.empty(); ++run) {
    failures = absl::StrJoin(RunStorageCheck(*check, wrong.engine), "\n");
  }
  EXPECT_TRUE(absl::StrContains(failures, wrong.failure))
      << wrong.check << " should have said \"" << wrong.failure
      << "\" and said:\n"
      << failures;
}

INSTANTIATE_TEST_SUITE_P(All, WrongStorageTest,
                         ::testing::ValuesIn(WrongStorages()),
                         [](const auto& test) {
                           return test.param.engine.name;
                         });

TEST(StorageConformance, EveryCheckHasAWrongEngine) {
  std::set<absl::string_view> found;
  for (const WrongStorage& wrong : WrongStorages()) found.insert(wrong.check);
  for (const StorageCheck& check : StorageChecks()) {
    EXPECT_TRUE(found.count(check.name)) << check.name;
  }
}

TEST(StorageConformance, CheckNamesAreUnique) {
  std::set<absl::string_view> names;
  for (const StorageCheck& check : StorageChecks()) {
    EXPECT_TRUE(names.insert(check.name).second) << check.name;
  }
}

}  // namespace
}  // namespace coffer_testing
