// certs: makes a test authority, and a server and a client certificate.
//
//   bazel run //tools/certs -- --dir=DIR [--name=localhost --name=127.0.0.1]
//
// Exit codes: 0 done, 1 could not be done, 2 usage.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/sdk/clock.h"
#include "coffer/tools/certs/certificate_files.h"
#include "coffer/tools/certs/name_flags.h"

ABSL_FLAG(std::string, dir, "", "folder to write to; made if missing");
ABSL_FLAG(std::vector<std::string>, name,
          (std::vector<std::string>{"localhost", "127.0.0.1", "::1"}),
          "DNS names and IP addresses of the server; may be repeated");
ABSL_FLAG(std::string, client_name, "Coffer client",
          "common name of the client certificate");
ABSL_FLAG(int, days, 365, "how long the certificates are valid");
ABSL_FLAG(bool, force, false, "replace files that exist");

namespace {

int Usage(const char* problem) {
  std::fprintf(stderr,
               "certs: %s\nusage: certs --dir=DIR [--name=NAME]... "
               "[--client_name=NAME] [--days=N] [--force]\n",
               problem);
  return 2;
}

// `bazel run` starts programs elsewhere and says where the user was.
std::string FromUsersFolder(const std::string& dir) {
  const char* users = std::getenv("BUILD_WORKING_DIRECTORY");
  if (users == nullptr || dir.empty() || dir.front() == '/') return dir;
  return absl::StrCat(users, "/", dir);
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Makes a test authority (ca.pem), and a server and a client certificate "
      "with keys (server.pem, server.key, client.pem, client.key).\n"
      "certs --dir=DIR [--name=NAME]... [--client_name=NAME] [--days=N] "
      "[--force]");
  std::vector<std::string> arguments =
      coffer::internal::JoinNameFlags({argv, argv + argc});
  std::vector<char*> joined;
  for (std::string& argument : arguments) joined.push_back(argument.data());
  const std::vector<char*> rest =
      absl::ParseCommandLine(static_cast<int>(joined.size()), joined.data());
  if (rest.size() > 1) return Usage("arguments must begin with --");

  coffer::internal::CertificateFilesOptions options;
  options.dir = FromUsersFolder(absl::GetFlag(FLAGS_dir));
  options.server_names = absl::GetFlag(FLAGS_name);
  options.client_name = absl::GetFlag(FLAGS_client_name);
  options.now = coffer::Clock::System().WallNow();
  options.valid_for = absl::Hours(24) * absl::GetFlag(FLAGS_days);
  options.overwrite = absl::GetFlag(FLAGS_force);
  if (options.dir.empty()) return Usage("--dir is missing");
  if (options.server_names.empty()) return Usage("--name is empty");
  if (absl::GetFlag(FLAGS_days) <= 0) return Usage("--days must be positive");

  const auto written = coffer::internal::WriteCertificateFiles(options);
  if (!written.ok()) {
    std::fprintf(stderr, "certs: %s\n",
                 std::string(written.status().message()).c_str());
    if (absl::IsAlreadyExists(written.status())) {
      std::fprintf(stderr, "certs: --force replaces existing files\n");
    }
    return 1;
  }
  for (const std::string& path : *written) std::printf("%s\n", path.c_str());
  return 0;
}
