#include "coffer/server/kvs_main.h"

#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/flags.h"
#include "coffer/server/log.h"
#include "coffer/server/request_log.h"
#include "coffer/server/server.h"
#include "coffer/server/service/retry/durable_retries.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/storage/durable/restore.h"
#include "coffer/server/storage/durable/rocksdb_storage.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/server/storage/storage.h"
#include "coffer/server/sweeper.h"
#include "coffer/server/version.h"
#include "google/protobuf/stubs/logging.h"

namespace coffer::server {
namespace {

int Complain(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "kvs: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

// Of a second signal; called from a signal's handler, too.
void EndAtOnce(int) { std::_Exit(1); }

// The signals that stop the server. They are caught from construction on.
class StopSignals {
 public:
  StopSignals() : signals_(io_, SIGTERM, SIGINT) {}

  // Blocks until a signal has come and the server has drained.
  void Serve(Server* server, Storage* storage) {
    // Here, on no thread that serves connections.
    Sweeper sweeper(io_.get_executor(), &Clock::System(), storage);
    auto second = [](boost::system::error_code error, int signal) {
      if (!error) EndAtOnce(signal);
    };
    auto first = [&](boost::system::error_code, int signal) {
      Log(LogLevel::kInfo, "stopping", {{"signal", absl::StrCat(signal)}});
      signals_.async_wait(second);
      server->Drain([this] { io_.stop(); });
    };
    signals_.async_wait(first);
    io_.run();
    // What is left of the shutdown may take long, and no loop runs in it.
    for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, EndAtOnce);
    // One that came before that, and that the loop had not seen.
    io_.restart();
    io_.poll();
  }

 private:
  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
};

// protobuf reports a peer's malformed text to standard error by itself, as
// often as the peer likes and in no format of ours; that it is refused is
// logged with the connection.
void QuietProtobuf(google::protobuf::LogLevel level, const char* file, int line,
                   const std::string& message) {
  Log(LogLevel::kDebug, "protobuf",
      {{"level", absl::StrCat(static_cast<int>(level))},
       {"at", absl::StrCat(file, ":", line)},
       {"message", message}});
}

// As many descriptors as we may have: the usual default is far below the
// connections that we allow.
rlim_t RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

absl::StatusOr<std::unique_ptr<Storage>> OpenStorage(
    const StorageFlags& flags) {
  if (flags.engine == "memory") return std::make_unique<MemoryStorage>();
  if (!flags.restore.dir.empty()) {
    const absl::Status restored = RestoreBackup(flags.restore, flags.durable);
    if (!restored.ok()) return restored;
  }
  return RocksDbStorage::Open(flags.durable);
}

// The first line of the log, unless the disk is in trouble already.
void LogStarting(const KvsOptions& options, const Storage& storage) {
  std::vector<LogField> fields = {{"version", kVersion},
                                  {"storage", options.storage.engine}};
  if (options.storage.engine == "memory") {
    fields.push_back({"note", "data is forgotten when the server ends"});
  } else {
    fields.push_back({"data_dir", options.storage.durable.data_dir});
    fields.push_back(
        {"sync", std::string(ToString(options.storage.durable.sync))});
    const StorageCounts counts = storage.counts();
    fields.push_back({"tables", absl::StrCat(counts.tables)});
    fields.push_back({"keys", absl::StrCat(counts.keys)});
  }
  fields.push_back({"threads", absl::StrCat(options.server.threads)});
  fields.push_back({"tls", options.server.tls == nullptr ? "off" : "on"});
  Log(LogLevel::kInfo, "starting", fields);
}

void WarnOfFewDescriptors(const KvsOptions& options, const Server& server,
                          rlim_t descriptors) {
  // Beside the connections: those of the process, and of each thread its
  // reactor's and its listeners.
  const rlim_t reserve =
      32 + rlim_t(options.server.threads) * (3 + server.endpoints().size());
  const rlim_t wanted = options.server.limits.connections_max + reserve;
  if (wanted > descriptors) {
    Log(LogLevel::kWarning, "few descriptors",
        {{"limit", absl::StrCat(descriptors)},
         {"wanted", absl::StrCat(wanted)},
         {"connections_max",
          absl::StrCat(options.server.limits.connections_max)}});
  }
}

int Main(int argc, char** argv,
         std::shared_ptr<rocksdb::FileSystem> file_system) {
  google::protobuf::SetLogHandler(QuietProtobuf);
  // A peer that is gone is an error of its own connection, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  auto options = ParseKvsFlags(argc, argv);
  if (!options.ok()) {
    return Complain(options.status(),
                    absl::IsInvalidArgument(options.status()) ? 1 : 2);
  }
  options->storage.durable.file_system = std::move(file_system);
  const rlim_t descriptors = RaiseDescriptorLimit();
  StartLogging(options->log_level);
  // Reading a long log again takes its time: until it is done, a signal ends
  // the process at once, at no cost to the data.
  const auto state = std::make_shared<VolatileState>(
      NewEpoch(), RetryLimits(), options->topics, options->watches);
  auto storage = OpenStorage(options->storage);
  if (!storage.ok()) {
    StopLogging();
    return Complain(storage.status(), 2);
  }
  // What the storage knows of the writes before.
  const absl::Status restored =
      RestoreRetries(storage->get(), &state->retries, state->epoch);
  if (!restored.ok()) {
    StopLogging();
    return Complain(restored, 2);
  }
  state->changes.Attach(storage->get());
  StopSignals stop;  // before anybody is told that we are ready
  ServiceOptions service_options;
  service_options.value_bytes_max = ValueBytesMax(options->server.limits.frame);
  Service service(storage->get(), state, service_options);
  if (LogEnabled(LogLevel::kDebug)) LogRequests(&service);
  auto server = Server::Start(options->server, &service);
  if (!server.ok()) {
    StopLogging();
    return Complain(server.status(), 2);
  }
  LogStarting(*options, **storage);
  WarnOfFewDescriptors(*options, **server, descriptors);
  for (const Endpoint& endpoint : (*server)->endpoints()) {
    std::printf("listening on %s\n", ToString(endpoint).c_str());
  }
  std::fflush(stdout);
  stop.Serve(server->get(), storage->get());
  server->reset();
  storage->reset();
  Log(LogLevel::kInfo, "stopped");
  StopLogging();
  return 0;
}

}  // namespace

int KvsMain(int argc, char** argv,
            std::shared_ptr<rocksdb::FileSystem> file_system) {
  try {
    return Main(argc, argv, std::move(file_system));
  } catch (const std::exception& thrown) {
    // What the libraries throw when descriptors, threads or memory are
    // exhausted.
    StopLogging();
    return Complain(absl::ResourceExhaustedError(
                        absl::StrCat("cannot start: ", thrown.what())),
                    2);
  }
}

}  // namespace coffer::server
