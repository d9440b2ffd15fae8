// The process has one TLS library, BoringSSL: a second one of OpenSSL's family
// would bind to the first one's symbols and crash.

#include <gtest/gtest.h>
#include <link.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

int AddName(dl_phdr_info* info, size_t, void* names) {
  static_cast<std::vector<std::string>*>(names)->push_back(info->dlpi_name);
  return 0;
}

std::vector<std::string> LoadedLibraries(absl::string_view containing) {
  std::vector<std::string> all;
  dl_iterate_phdr(AddName, &all);
  std::vector<std::string> found;
  for (const std::string& name : all) {
    if (absl::StrContains(name, containing)) found.push_back(name);
  }
  return found;
}

TEST(TlsLibrary, OnlyBoringSslIsLoaded) {
  // Something of each, so that neither is left out of the link.
  const bssl::UniquePtr<SSL_CTX> handle(SSL_CTX_new(TLS_method()));
  ASSERT_NE(handle, nullptr);
  EXPECT_STREQ(OpenSSL_version(OPENSSL_VERSION), "BoringSSL");
  for (const char* library : {"libssl", "libcrypto"}) {
    const std::vector<std::string> found = LoadedLibraries(library);
    ASSERT_EQ(found.size(), 1u) << absl::StrJoin(found, " ");
    EXPECT_TRUE(absl::StrContains(found.front(), "/android/")) << found.front();
  }
}

}  // namespace
}  // namespace coffer
