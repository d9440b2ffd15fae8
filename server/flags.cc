#include "coffer/server/flags.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/server/version.h"

ABSL_FLAG(std::vector<std::string>, listen, {"127.0.0.1:9527"},
          "HOST:PORT to listen on; several with commas or by repeating the "
          "flag. Port 0 lets the system choose.");
ABSL_FLAG(int, threads, 0,
          "threads that serve connections; 0: one for each processor");
ABSL_FLAG(std::string, tls_cert, "",
          "PEM file of the server's certificate chain; serves TLS");
ABSL_FLAG(std::string, tls_key, "", "PEM file of the certificate's key");
ABSL_FLAG(std::string, tls_client_ca, "",
          "PEM file of the authorities whose client certificates are accepted; "
          "clients without one are refused");
ABSL_FLAG(uint32_t, frame_bytes_max, coffer::kFrameBytesMaxDefault,
          "largest frame, and largest message in it, both ways; 1024 to "
          "536870912");
ABSL_FLAG(uint32_t, connections_max, 10000, "connections at once");
ABSL_FLAG(absl::Duration, idle_timeout, absl::Minutes(10),
          "close a connection without a request for so long; 0: never");
ABSL_FLAG(absl::Duration, stall_timeout, absl::Seconds(30),
          "close a connection whose frame stays incomplete, or whose answers "
          "are not read, for so long; 0: never");
ABSL_FLAG(absl::Duration, handshake_timeout, absl::Seconds(10),
          "close a connection whose TLS handshake takes longer");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(10),
          "on SIGTERM and SIGINT: time for what is in flight");
ABSL_FLAG(uint64_t, topic_ring_events_max, 1024,
          "latest events of a topic that are kept for slow and returning "
          "subscribers; at least 1");
ABSL_FLAG(uint64_t, topic_ring_bytes_max, 1 << 20,
          "bytes of these; the latest event is kept whatever its size");
ABSL_FLAG(uint64_t, topics_bytes_max, 64 << 20,
          "bytes of the events of all topics together; those of the topics "
          "that were published to least recently go first");
ABSL_FLAG(uint64_t, watch_ring_events_max, 1024,
          "latest changes of a watched key, and of a watched table, that are "
          "kept for slow and returning watchers; at least 1");
ABSL_FLAG(uint64_t, watch_ring_bytes_max, 1 << 20,
          "bytes of these; the latest change is kept whatever its size");
ABSL_FLAG(uint64_t, watch_bytes_max, 64 << 20,
          "bytes of the changes of all that is watched together; those of what "
          "changed least recently go first");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning, error or off");

namespace coffer::server {
namespace {

absl::StatusOr<std::chrono::milliseconds> Timeout(absl::string_view flag,
                                                  absl::Duration value,
                                                  bool zero_allowed) {
  if (value < absl::ZeroDuration() ||
      (value == absl::ZeroDuration() && !zero_allowed) ||
      value > absl::Hours(24 * 365)) {
    return InvalidFlag(flag, absl::StrCat(absl::FormatDuration(value),
                                          " is not a sensible time"));
  }
  // What is not zero must not become so.
  return std::chrono::milliseconds(absl::ToInt64Milliseconds(
      value == absl::ZeroDuration() ? value
                                    : std::max(value, absl::Milliseconds(1))));
}

absl::StatusOr<ServerLimits> LimitsFromFlags() {
  ServerLimits limits;
  const uint32_t frame = absl::GetFlag(FLAGS_frame_bytes_max);
  if (frame < kFrameBytesMaxLeast || frame > kFrameBytesMaxCeiling) {
    return InvalidFlag("frame_bytes_max",
                       absl::StrCat(frame, " is not from ", kFrameBytesMaxLeast,
                                    " to ", kFrameBytesMaxCeiling));
  }
  limits.frame.frame_bytes_max = frame;
  limits.frame.uncompressed_bytes_max = frame;
  limits.connections_max = absl::GetFlag(FLAGS_connections_max);
  if (limits.connections_max == 0) {
    return InvalidFlag("connections_max", "is 0");
  }
  const struct {
    absl::string_view flag;
    absl::Duration value;
    bool zero_allowed;
    std::chrono::milliseconds* to;
  } timeouts[] = {{"idle_timeout", absl::GetFlag(FLAGS_idle_timeout), true,
                   &limits.idle_timeout},
                  {"stall_timeout", absl::GetFlag(FLAGS_stall_timeout), true,
                   &limits.stall_timeout},
                  {"handshake_timeout", absl::GetFlag(FLAGS_handshake_timeout),
                   false, &limits.handshake_timeout},
                  {"drain_timeout", absl::GetFlag(FLAGS_drain_timeout), false,
                   &limits.drain_timeout}};
  for (const auto& timeout : timeouts) {
    auto value = Timeout(timeout.flag, timeout.value, timeout.zero_allowed);
    if (!value.ok()) return value.status();
    *timeout.to = *value;
  }
  return limits;
}

// `events`, `bytes` and `total`: the values of the flags for rings and for all
// of them.
absl::StatusOr<TopicLimits> RingLimits(absl::string_view events_flag,
                                       uint64_t events, uint64_t bytes,
                                       uint64_t total) {
  if (events == 0) return InvalidFlag(events_flag, "is 0");
  TopicLimits limits;
  limits.ring_events_max = events;
  limits.ring_bytes_max = bytes;
  limits.total_bytes_max = total;
  return limits;
}

absl::StatusOr<TopicLimits> TopicLimitsFromFlags() {
  return RingLimits("topic_ring_events_max",
                    absl::GetFlag(FLAGS_topic_ring_events_max),
                    absl::GetFlag(FLAGS_topic_ring_bytes_max),
                    absl::GetFlag(FLAGS_topics_bytes_max));
}

absl::StatusOr<TopicLimits> WatchLimitsFromFlags() {
  return RingLimits("watch_ring_events_max",
                    absl::GetFlag(FLAGS_watch_ring_events_max),
                    absl::GetFlag(FLAGS_watch_ring_bytes_max),
                    absl::GetFlag(FLAGS_watch_bytes_max));
}

absl::StatusOr<std::shared_ptr<TlsContext>> TlsFromFlags() {
  const std::string cert = absl::GetFlag(FLAGS_tls_cert);
  const std::string key = absl::GetFlag(FLAGS_tls_key);
  const std::string client_ca = absl::GetFlag(FLAGS_tls_client_ca);
  if (cert.empty() != key.empty()) {
    return InvalidFlag(cert.empty() ? "tls_cert" : "tls_key",
                       "certificate and key go together");
  }
  if (cert.empty()) {
    if (!client_ca.empty()) {
      return InvalidFlag("tls_client_ca", "needs --tls_cert and --tls_key");
    }
    return std::shared_ptr<TlsContext>();
  }
  TlsServerOptions options;
  options.certificate_chain = Pem::File(cert);
  options.private_key = Pem::File(key);
  if (!client_ca.empty()) options.client_ca = Pem::File(client_ca);
  return MakeTlsServerContext(options);
}

absl::StatusOr<KvsOptions> OptionsFromFlags() {
  KvsOptions options;
  auto storage = StorageFromFlags();
  if (!storage.ok()) return storage.status();
  options.storage = *std::move(storage);
  if (!ParseLogLevel(absl::GetFlag(FLAGS_log_level), &options.log_level)) {
    return InvalidFlag(
        "log_level", absl::StrCat("\"", absl::GetFlag(FLAGS_log_level),
                                  "\" is none of debug, info, warning, error, "
                                  "off"));
  }
  options.server.listen.clear();
  for (const std::string& text : absl::GetFlag(FLAGS_listen)) {
    auto endpoint = ParseEndpoint(text);
    if (!endpoint.ok())
      return InvalidFlag("listen", endpoint.status().message());
    options.server.listen.push_back(*endpoint);
  }
  if (options.server.listen.empty()) return InvalidFlag("listen", "is empty");
  const int threads = absl::GetFlag(FLAGS_threads);
  if (threads < 0 || threads > 1024) {
    return InvalidFlag("threads",
                       absl::StrCat(threads, " is not from 0 to 1024"));
  }
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  options.server.threads = threads > 0 ? threads : std::max(1, processors);
  auto limits = LimitsFromFlags();
  if (!limits.ok()) return limits.status();
  options.server.limits = *limits;
  auto topics = TopicLimitsFromFlags();
  if (!topics.ok()) return topics.status();
  options.topics = *topics;
  auto watches = WatchLimitsFromFlags();
  if (!watches.ok()) return watches.status();
  options.watches = *watches;
  auto tls = TlsFromFlags();
  if (!tls.ok()) return tls.status();
  options.server.tls = *std::move(tls);
  return options;
}

bool IsOurs(absl::string_view file) {
  return absl::EndsWith(file, "server/flags.cc") ||
         absl::EndsWith(file, "server/storage_flags.cc");
}

constexpr char kUsage[] =
    "Coffer's key-value server.\n\n  kvs --listen=127.0.0.1:9527\n";

// absl's own --help ends a program with 1, as if it had failed.
void PrintHelpIfAsked(const std::vector<std::string>& arguments) {
  if (std::none_of(arguments.begin() + 1, arguments.end(),
                   [](const std::string& argument) {
                     return argument == "--help" || argument == "-help" ||
                            argument == "-h";
                   })) {
    return;
  }
  std::map<absl::string_view, absl::CommandLineFlag*> ours;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (IsOurs(flag->Filename())) ours.emplace(name, flag);
  }
  std::printf("%s\n", kUsage);
  for (const auto& [name, flag] : ours) {
    std::printf("  --%s=%s\n      %s\n", std::string(name).c_str(),
                flag->DefaultValue().c_str(), flag->Help().c_str());
  }
  std::exit(0);
}

bool ConfigureUsage() {
  absl::SetProgramUsageMessage(kUsage);
  absl::FlagsUsageConfig usage;
  usage.contains_help_flags = IsOurs;
  usage.contains_helpshort_flags = IsOurs;
  usage.version_string = [] { return absl::StrCat("kvs ", kVersion, "\n"); };
  absl::SetFlagsUsageConfig(usage);
  return true;
}

}  // namespace

std::vector<std::string> JoinRepeated(const std::vector<std::string>& arguments,
                                      const std::string& flag) {
  const std::string word = absl::StrCat("--", flag);
  const std::string prefix = absl::StrCat(word, "=");
  std::vector<std::string> joined;
  std::size_t first_at =
      0;  // in `joined`; 0: none yet, the program stands there
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") {
      joined.insert(joined.end(), arguments.begin() + i, arguments.end());
      break;
    }
    // One dash is as good as two.
    const bool one_dash = absl::StartsWith(arguments[i], "-") &&
                          !absl::StartsWith(arguments[i], "--");
    const std::string dashed = absl::StrCat(one_dash ? "-" : "", arguments[i]);
    absl::string_view value = dashed;
    if (dashed == word && i + 1 < arguments.size()) {
      value = arguments[++i];
    } else if (!absl::ConsumePrefix(&value, prefix)) {
      joined.push_back(arguments[i]);
      continue;
    }
    if (first_at == 0) {
      first_at = joined.size();
      joined.push_back(absl::StrCat(prefix, value));
    } else {
      absl::StrAppend(&joined[first_at], ",", value);
    }
  }
  return joined;
}

absl::StatusOr<KvsOptions> ParseKvsFlags(int argc, char** argv) {
  static const bool configured = ConfigureUsage();  // once, or absl aborts
  (void)configured;
  std::vector<std::string> arguments =
      JoinRepeated(std::vector<std::string>(argv, argv + argc), "listen");
  PrintHelpIfAsked(arguments);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(&argument[0]);
  pointers.push_back(nullptr);
  const std::vector<char*> rest = absl::ParseCommandLine(
      static_cast<int>(arguments.size()), pointers.data());
  if (rest.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument \"", rest[1], "\""));
  }
  return OptionsFromFlags();
}

}  // namespace coffer::server
