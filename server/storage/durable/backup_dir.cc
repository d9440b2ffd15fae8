#include "coffer/server/storage/durable/backup_dir.h"

#include <algorithm>
#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace coffer::server {
namespace {

using std::filesystem::path;

// Without a slash at its end.
path Normal(const path& name) {
  const path normal = name.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

}  // namespace

absl::StatusOr<std::string> ResolveBackupDir(absl::string_view root,
                                             absl::string_view dir) {
  if (root.empty()) {
    return absl::PermissionDeniedError(
        "this server makes no backups: it was started without --backup_dir");
  }
  if (dir.empty() || dir.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("a backup needs the name of a folder");
  }
  const path base = Normal(std::string(root));
  const path full = Normal(base / std::string(dir));  // `dir` if it is absolute
  const auto differ =
      std::mismatch(base.begin(), base.end(), full.begin(), full.end());
  if (differ.first != base.end() || differ.second == full.end()) {
    return absl::PermissionDeniedError(
        absl::StrCat("backups go inside ", base.string(),
                     " (--backup_dir), and not to ", full.string()));
  }
  return full.string();
}

}  // namespace coffer::server
