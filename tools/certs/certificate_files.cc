#include "coffer/tools/certs/certificate_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/tools/certs/certificate_maker.h"

namespace coffer::internal {
namespace {

constexpr mode_t kPublicMode = 0644;
constexpr mode_t kSecretMode = 0600;

// Certificates begin a little in the past: clocks of other machines may be
// slow.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

struct OutputFile {
  std::string path;
  std::string content;
  mode_t mode;
};

absl::StatusOr<std::vector<OutputFile>> MakeFiles(
    const CertificateFilesOptions& options) {
  CertificateSpec spec;
  spec.not_before = options.now - kClockSkew;
  spec.not_after = options.now + options.valid_for;
  spec.purpose = CertificatePurpose::kAuthority;
  spec.common_name = "Coffer test CA";
  absl::StatusOr<CertificatePem> ca = MakeCertificate(spec, nullptr);
  if (!ca.ok()) return ca.status();

  spec.purpose = CertificatePurpose::kServer;
  spec.common_name = "Coffer server";
  spec.names = options.server_names;
  absl::StatusOr<CertificatePem> server = MakeCertificate(spec, &*ca);
  if (!server.ok()) return server.status();

  spec.purpose = CertificatePurpose::kClient;
  spec.common_name = options.client_name;
  spec.names.clear();
  absl::StatusOr<CertificatePem> client = MakeCertificate(spec, &*ca);
  if (!client.ok()) return client.status();

  const auto path = [&options](const char* name) {
    return absl::StrCat(options.dir, "/", name);
  };
  return std::vector<OutputFile>{
      {path("ca.pem"), ca->certificate, kPublicMode},
      {path("server.pem"), server->certificate, kPublicMode},
      {path("server.key"), server->private_key, kSecretMode},
      {path("client.pem"), client->certificate, kPublicMode},
      {path("client.key"), client->private_key, kSecretMode},
  };
}

absl::Status RefuseExisting(const std::vector<OutputFile>& files) {
  for (const OutputFile& file : files) {
    struct stat unused;
    if (lstat(file.path.c_str(), &unused) == 0) {
      return absl::AlreadyExistsError(
          absl::StrCat(file.path, " exists; nothing was written"));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::string_view content,
                      const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Through a temporary file: its mode is right from the first byte on, and what
// was there before stays until the new content is complete.
absl::Status WriteFile(const OutputFile& file) {
  const std::string temporary = file.path + ".new";
  if (unlink(temporary.c_str()) != 0 && errno != ENOENT) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("cannot remove ", temporary));
  }
  const int fd = open(temporary.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.mode);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", temporary));
  }
  absl::Status status = WriteAll(fd, file.content, temporary);
  if (close(fd) != 0 && status.ok()) {
    status =
        absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", temporary));
  }
  if (status.ok() && std::rename(temporary.c_str(), file.path.c_str()) != 0) {
    status =
        absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", file.path));
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> WriteCertificateFiles(
    const CertificateFilesOptions& options) {
  if (options.dir.empty()) {
    return absl::InvalidArgumentError("no folder to write to is given");
  }
  if (options.server_names.empty()) {
    return absl::InvalidArgumentError("the server needs at least one name");
  }
  if (options.valid_for <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("the time of validity must be positive");
  }
  auto files = MakeFiles(options);
  if (!files.ok()) return files.status();
  std::error_code error;
  std::filesystem::create_directories(options.dir, error);
  if (error) {
    return absl::ErrnoToStatus(
        error.value(), absl::StrCat("cannot make the folder ", options.dir));
  }
  if (!options.overwrite) {
    absl::Status status = RefuseExisting(*files);
    if (!status.ok()) return status;
  }
  std::vector<std::string> paths;
  for (const OutputFile& file : *files) {
    absl::Status status = WriteFile(file);
    if (!status.ok()) return status;
    paths.push_back(file.path);
  }
  return paths;
}

}  // namespace coffer::internal
