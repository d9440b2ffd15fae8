#include "coffer/server/storage/durable/backup_dir.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

std::string Resolved(absl::string_view root, absl::string_view dir) {
  const auto resolved = ResolveBackupDir(root, dir);
  if (!resolved.ok())
    return std::string(absl::StatusCodeToString(resolved.status().code()));
  return *resolved;
}

TEST(BackupDir, IsInsideTheRoot) {
  EXPECT_EQ(Resolved("/b", "nightly"), "/b/nightly");
  EXPECT_EQ(Resolved("/b/", "nightly/"), "/b/nightly");
  EXPECT_EQ(Resolved("/b", "a/./b//c"), "/b/a/b/c");
  EXPECT_EQ(Resolved("/b", "a/../c"), "/b/c");
  EXPECT_EQ(Resolved("/b", "/b/nightly"), "/b/nightly");
  EXPECT_EQ(Resolved("/", "/anywhere"), "/anywhere");
  EXPECT_EQ(Resolved("relative", "nightly"), "relative/nightly");
  EXPECT_EQ(Resolved("/b", "..."), "/b/...");
}

TEST(BackupDir, NothingElseIsAllowed) {
  for (const char* dir : {"..", "../c", "a/../..", "/", "/c", "/bb", "/b", ".",
                          "a/..", "../b", "/b/../c"}) {
    EXPECT_EQ(Resolved("/b", dir), "PERMISSION_DENIED") << dir;
  }
  EXPECT_EQ(Resolved("", "nightly"), "PERMISSION_DENIED");
}

TEST(BackupDir, NeedsAName) {
  EXPECT_EQ(Resolved("/b", ""), "INVALID_ARGUMENT");
  EXPECT_EQ(Resolved("/b", absl::string_view("a\0b", 3)), "INVALID_ARGUMENT");
}

}  // namespace
}  // namespace coffer::server
