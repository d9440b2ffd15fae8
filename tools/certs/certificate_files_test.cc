#include "coffer/tools/certs/certificate_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_options.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int Mode(const std::string& path) {
  struct stat found;
  return stat(path.c_str(), &found) == 0 ? found.st_mode & 0777 : -1;
}

CertificateFilesOptions Options(const std::string& folder) {
  CertificateFilesOptions options;
  options.dir = absl::StrCat(::testing::TempDir(), "/", folder);
  options.server_names = {"localhost", "127.0.0.1"};
  options.client_name = "Alice";
  options.now =
      absl::FromCivil(absl::CivilDay(2024, 5, 6), absl::UTCTimeZone());
  options.valid_for = absl::Hours(24 * 365);
  return options;
}

TEST(WriteCertificateFiles, NewFolderHoldsAllFilesWithPrivateKeys) {
  const CertificateFilesOptions options = Options("new/deep");
  auto written = WriteCertificateFiles(options);
  ASSERT_TRUE(written.ok()) << written.status();
  std::vector<std::pair<std::string, int>> expected = {{"ca.pem", 0644},
                                                       {"server.pem", 0644},
                                                       {"server.key", 0600},
                                                       {"client.pem", 0644},
                                                       {"client.key", 0600}};
  ASSERT_EQ(written->size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ((*written)[i], absl::StrCat(options.dir, "/", expected[i].first));
    EXPECT_EQ(Mode((*written)[i]), expected[i].second) << (*written)[i];
    EXPECT_EQ(Mode((*written)[i] + ".new"), -1) << "a temporary file was left";
  }
}

TEST(WriteCertificateFiles, FilesMakeServerAndClientContexts) {
  const CertificateFilesOptions options = Options("contexts");
  ASSERT_TRUE(WriteCertificateFiles(options).ok());
  const auto file = [&options](const char* name) {
    return Pem::File(absl::StrCat(options.dir, "/", name));
  };
  TlsServerOptions server;
  server.certificate_chain = file("server.pem");
  server.private_key = file("server.key");
  server.client_ca = file("ca.pem");
  EXPECT_TRUE(MakeTlsServerContext(server).ok())
      << MakeTlsServerContext(server).status();
  TlsClientOptions client;
  client.ca = file("ca.pem");
  client.certificate_chain = file("client.pem");
  client.private_key = file("client.key");
  EXPECT_TRUE(MakeTlsClientContext(client).ok())
      << MakeTlsClientContext(client).status();
}

TEST(WriteCertificateFiles, ExistingFileStopsEverything) {
  const CertificateFilesOptions options = Options("existing");
  ASSERT_TRUE(WriteCertificateFiles(options).ok());
  const std::string ca = absl::StrCat(options.dir, "/ca.pem");
  const std::string last = absl::StrCat(options.dir, "/client.key");
  for (const char* name :
       {"ca.pem", "server.pem", "server.key", "client.pem"}) {
    ASSERT_EQ(::remove(absl::StrCat(options.dir, "/", name).c_str()), 0);
  }
  const auto again = WriteCertificateFiles(options);
  EXPECT_TRUE(absl::IsAlreadyExists(again.status())) << again.status();
  EXPECT_TRUE(absl::StrContains(again.status().message(), last))
      << again.status();
  EXPECT_EQ(Mode(ca), -1) << "written although client.key exists";
}

TEST(WriteCertificateFiles, OverwriteReplacesContentAndMode) {
  CertificateFilesOptions options = Options("overwrite");
  ASSERT_TRUE(WriteCertificateFiles(options).ok());
  const std::string key = absl::StrCat(options.dir, "/server.key");
  const std::string before = Content(key);
  ASSERT_FALSE(before.empty());
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  options.overwrite = true;
  ASSERT_TRUE(WriteCertificateFiles(options).ok());
  EXPECT_NE(Content(key), before);
  EXPECT_EQ(Mode(key), 0600);
}

TEST(WriteCertificateFiles, UnusableFolderIsNamed) {
  CertificateFilesOptions options = Options("unused");
  options.dir = "/dev/null/certificates";
  const auto written = WriteCertificateFiles(options);
  EXPECT_FALSE(written.ok());
  EXPECT_TRUE(absl::StrContains(written.status().message(), options.dir))
      << written.status();
}

TEST(WriteCertificateFiles, UnusableServerNamesAreRefused) {
  for (const std::string& name : {std::string(), std::string("a\0b", 3)}) {
    CertificateFilesOptions options = Options("names");
    options.server_names = {"localhost", name};
    const auto written = WriteCertificateFiles(options);
    EXPECT_TRUE(absl::IsInvalidArgument(written.status())) << written.status();
  }
  CertificateFilesOptions options = Options("names");
  options.server_names.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(WriteCertificateFiles(options).status()));
}

TEST(WriteCertificateFiles, OverlongClientNameIsRefused) {
  CertificateFilesOptions options = Options("long");
  options.client_name = std::string(65, 'x');
  const auto written = WriteCertificateFiles(options);
  EXPECT_TRUE(absl::IsInvalidArgument(written.status())) << written.status();
  EXPECT_EQ(Mode(options.dir), -1);
}

}  // namespace
}  // namespace coffer::internal
