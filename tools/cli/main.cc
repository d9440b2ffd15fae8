// kvc: looks into and changes a key-value server from a terminal or a script.
//
//   kvc set users ada int:36
//   kvc get users ada
//   kvc getall users
//
// `kvc help` says the rest. Answers go to standard output, complaints to
// standard error, one line each; exit_code.h has the exit codes.

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/tools/cli/arguments.h"
#include "coffer/tools/cli/command.h"
#include "coffer/tools/cli/exit_code.h"
#include "coffer/tools/cli/help.h"
#include "coffer/tools/cli/runner.h"
#include "coffer/tools/cli/sdk_executor.h"

namespace coffer::cli {
namespace {

absl::StatusOr<SdkExecutorOptions> ExecutorOptions(const Arguments& arguments) {
  SdkExecutorOptions options;
  options.server = arguments.server;
  options.server_name = arguments.name;
  options.timeout = arguments.timeout;
  options.answer_bytes_max = arguments.answer_bytes_max;
  if (!arguments.tls) return options;
  TlsClientOptions tls;
  tls.ca = Pem::File(arguments.ca);
  tls.certificate_chain = Pem::File(arguments.cert);
  tls.private_key = Pem::File(arguments.key);
  auto context = MakeTlsClientContext(tls);
  if (!context.ok()) return context.status();
  options.tls = *std::move(context);
  return options;
}

int WrongUse(const absl::Status& status) {
  std::cerr << "kvc: " << status.message() << "\n";
  return static_cast<int>(ExitCode::kUsage);
}

int Main(const std::vector<std::string>& arguments_given) {
  std::ios_base::sync_with_stdio(false);
  const auto arguments = ParseArguments(arguments_given, FindCommandFlag);
  if (!arguments.ok()) return WrongUse(arguments.status());
  if (arguments->help) {
    const std::string of_command =
        arguments->words.empty() ? "" : CommandHelp(arguments->words[0]);
    std::cout << (of_command.empty() ? HelpText() : of_command);
    return static_cast<int>(ExitCode::kDone);
  }
  auto options = ExecutorOptions(*arguments);
  if (!options.ok()) return WrongUse(options.status());

  RunnerOptions output;
  output.json = arguments->json;
  output.progress = isatty(STDERR_FILENO) != 0;
  output.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  if (isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0) {
    output.prompt = "kvc> ";
  }
  boost::asio::io_context io(1);
  SdkExecutor executor(&io, *std::move(options));
  Runner runner(&executor, &std::cout, &std::cerr, output);
  const ExitCode code =
      arguments->words.empty()
          ? runner.RunLines(&std::cin)
          : runner.RunCommand(arguments->words, arguments->plain_from);
  executor.Close();
  if (executor.stuck()) std::_Exit(static_cast<int>(code));
  return static_cast<int>(code);
}

}  // namespace
}  // namespace coffer::cli

int main(int argc, char** argv) {
  return coffer::cli::Main(
      std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}
