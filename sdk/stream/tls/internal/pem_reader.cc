#include "coffer/sdk/stream/tls/internal/pem_reader.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace coffer::internal {
namespace {

// Above any bundle of authorities; keeps /dev/zero from filling the memory.
constexpr size_t kPemBytesMax = 16u << 20;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

absl::StatusOr<std::string> ReadFile(absl::string_view role,
                                     const std::string& path) {
  const std::string what = absl::StrCat("cannot read ", role, " ", path);
  std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return absl::ErrnoToStatus(errno, what);
  std::string content;
  char chunk[8192];
  size_t bytes;
  while ((bytes = std::fread(chunk, 1, sizeof(chunk), file.get())) > 0) {
    content.append(chunk, bytes);
    if (content.size() > kPemBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, ": more than ", kPemBytesMax, " bytes"));
    }
  }
  if (std::ferror(file.get()) != 0) return absl::ErrnoToStatus(errno, what);
  return content;
}

absl::StatusOr<std::string> ReadPem(absl::string_view role, const Pem& pem) {
  if (!pem.file.empty() && !pem.text.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(role, " is given both as the file ", pem.file,
                     " and as text: give one"));
  }
  if (pem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("no ", role, " is given"));
  }
  if (!pem.file.empty()) return ReadFile(role, pem.file);
  return pem.text;
}

bssl::UniquePtr<BIO> MakeBio(const std::string& content) {
  return bssl::UniquePtr<BIO>(
      BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
}

bool LastErrorIs(int library, int reason) {
  const uint32_t error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == library && ERR_GET_REASON(error) == reason;
}

// Gives no pass phrase: encrypted keys are refused, never asked for.
int NoPassPhrase(char*, int, int, void*) { return 0; }

}  // namespace

std::string DescribePem(absl::string_view role, const Pem& pem) {
  return pem.file.empty() ? absl::StrCat(role, " (given as text)")
                          : absl::StrCat(role, " ", pem.file);
}

absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(
    absl::string_view role, const Pem& pem) {
  absl::StatusOr<std::string> content = ReadPem(role, pem);
  if (!content.ok()) return content.status();
  bssl::UniquePtr<BIO> bio = MakeBio(*content);
  std::vector<bssl::UniquePtr<X509>> certificates;
  ERR_clear_error();
  for (;;) {
    bssl::UniquePtr<X509> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    certificates.push_back(std::move(certificate));
  }
  const bool at_end = LastErrorIs(ERR_LIB_PEM, PEM_R_NO_START_LINE);
  const std::string reason = TakeSslError();
  if (!at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat(DescribePem(role, pem), ": certificate ",
                     certificates.size() + 1, " in it is malformed: ", reason));
  }
  if (certificates.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(DescribePem(role, pem), ": no PEM certificate in it"));
  }
  return certificates;
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadPrivateKey(absl::string_view role,
                                                         const Pem& pem) {
  absl::StatusOr<std::string> content = ReadPem(role, pem);
  if (!content.ok()) return content.status();
  bssl::UniquePtr<BIO> bio = MakeBio(*content);
  ERR_clear_error();
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr));
  if (key != nullptr) return key;
  const bool none = LastErrorIs(ERR_LIB_PEM, PEM_R_NO_START_LINE);
  const bool encrypted = LastErrorIs(ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ);
  const std::string reason = TakeSslError();
  return absl::InvalidArgumentError(absl::StrCat(
      DescribePem(role, pem), ": ",
      none        ? "no PEM private key in it"
      : encrypted ? "it is encrypted; give an unencrypted key"
                  : absl::StrCat("the private key is malformed: ", reason)));
}

std::string TakeSslError() {
  const uint32_t error = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? absl::StrCat("error ", error)
                           : std::string(reason);
}

}  // namespace coffer::internal
