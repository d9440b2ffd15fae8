// The files that tools/certs writes: ca.pem, server.pem, server.key, client.pem
// and client.key in one folder.

#ifndef COFFER_TOOLS_CERTS_CERTIFICATE_FILES_H_
#define COFFER_TOOLS_CERTS_CERTIFICATE_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace coffer::internal {

struct CertificateFilesOptions {
  std::string dir;                        // made if it does not exist
  std::vector<std::string> server_names;  // DNS names and IP addresses
  std::string client_name;                // the client's common name
  absl::Time now;
  absl::Duration valid_for;
  bool overwrite = false;
};

// Makes a new authority, and a server and a client certificate signed by it;
// the authority's key is not kept. Keys are readable by their owner only. A
// file is replaced in one step, never half written. Returns the paths written.
// AlreadyExists, with nothing written: one of the files is there and
// `overwrite` is not set.
absl::StatusOr<std::vector<std::string>> WriteCertificateFiles(
    const CertificateFilesOptions& options);

}  // namespace coffer::internal

#endif  // COFFER_TOOLS_CERTS_CERTIFICATE_FILES_H_
