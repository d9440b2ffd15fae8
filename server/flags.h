// The command line of kvs.

#ifndef COFFER_SERVER_FLAGS_H_
#define COFFER_SERVER_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/server/log.h"
#include "coffer/server/server.h"
#include "coffer/server/service/topics/topic_limits.h"
#include "coffer/server/storage_flags.h"

namespace coffer::server {

struct KvsOptions {
  StorageFlags storage;
  LogLevel log_level = LogLevel::kInfo;
  TopicLimits topics;
  TopicLimits watches;
  ServerOptions server;
};

// Parses argv and makes what it names (the TLS context). A malformed or unknown
// flag ends the process with one line on standard error and exit code 1, --help
// and --version with their output and 0, as in every program with absl flags.
// InvalidArgument and others: the flags do not make sense together, or a file
// cannot be read.
absl::StatusOr<KvsOptions> ParseKvsFlags(int argc, char** argv);

// "--listen=a --listen b" is "--listen=a,b": absl's flags would forget the
// first. `arguments` begin with the program's name.
std::vector<std::string> JoinRepeated(const std::vector<std::string>& arguments,
                                      const std::string& flag);

}  // namespace coffer::server

#endif  // COFFER_SERVER_FLAGS_H_
