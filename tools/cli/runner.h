// Runner: runs commands, one from the command line or any number from a stream,
// and reports on them: answers to one stream, complaints to another, a line
// each:
//
//   kvc: 404 Not found: table users, key ada
//   kvc: line 3: set: int: "x" is not a whole number
//
// Not thread-safe.

#ifndef COFFER_TOOLS_CLI_RUNNER_H_
#define COFFER_TOOLS_CLI_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <istream>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/clock.h"
#include "coffer/tools/cli/command.h"
#include "coffer/tools/cli/command_flags.h"
#include "coffer/tools/cli/dump_command.h"
#include "coffer/tools/cli/executor.h"
#include "coffer/tools/cli/exit_code.h"
#include "coffer/tools/cli/load_command.h"
#include "coffer/tools/cli/progress.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

struct RunnerOptions {
  // json_output.h instead of text_output.h.
  bool json = false;

  // Tells the stream of complaints how far a long command is; for people.
  bool progress = false;
  // What is written to the output goes to the same place as complaints.
  bool out_is_terminal = false;

  // Written to the stream of complaints before each line is read; for people.
  std::string prompt;

  // What a command reads that has no file: the input of RunLines while that
  // runs, else this.
  std::istream* in = &std::cin;
  int in_descriptor = 0;  // the same, of `load`

  // What ping is timed by.
  Clock* clock = &Clock::System();
};

class Runner {
 public:
  // All of them must outlive the runner.
  Runner(Executor* executor, std::ostream* out, std::ostream* err,
         RunnerOptions options)
      : executor_(executor), out_(out), err_(err), options_(options) {}

  // `words`: a command and its arguments; at least one. `plain_from`: as in
  // command_flags.h.
  ExitCode RunCommand(absl::Span<const std::string> words,
                      std::size_t plain_from = kNoPlainWords);

  // One command a line (line_splitter.h), to the end of `in`. Goes on after a
  // refused command and a malformed line, not without a connection. The worst
  // exit code; kUsage if `in` cannot be read.
  ExitCode RunLines(std::istream* in);

 private:
  ExitCode RunLine(absl::string_view line, absl::string_view place);
  ExitCode Run(absl::Span<const std::string> words, std::size_t plain_from,
               absl::string_view place);
  ExitCode Help(absl::Span<const std::string> words, absl::string_view place);
  ExitCode Call(const v1::CommandRequest& request, absl::string_view place);
  ExitCode RunTransaction(const std::string& file, absl::string_view place);
  // `source`: what stands before the numbers of its lines.
  ExitCode ReadTransaction(std::istream* in, absl::string_view source,
                           absl::string_view place);
  ExitCode RunScan(const v1::CommandRequest& request, absl::string_view place);
  // runner_bulk.cc
  ExitCode RunDump(const Command::Dump& command, absl::string_view place);
  ExitCode ResumeDump(const Command::Dump& command, absl::string_view place);
  ExitCode RunDumpTask(DumpParts parts, std::ostream* out,
                       Progress::Kind progress, absl::string_view place);
  ExitCode RunLoad(const Command::Load& command, absl::string_view place);
  ExitCode ReportLoad(const LoadReport& report, const absl::Status& status,
                      absl::string_view place);
  Progress::Kind ProgressKind(bool asked_for, bool beside_output) const;
  ExitCode RunSubscription(const v1::CommandRequest& request,
                           absl::string_view place);
  ExitCode RunBackupCommand(const v1::CommandRequest& request,
                            absl::string_view place);
  // `time`: what the answer took.
  ExitCode Report(const v1::CommandRequest& request,
                  const v1::CommandResponse& response, Clock::Duration time,
                  absl::string_view place);
  std::string Format(const v1::CommandRequest& request,
                     const v1::CommandResponse& response,
                     Clock::Duration time) const;
  // Of a command that is more than one call.
  ExitCode EndOf(const char* command, const absl::Status& status,
                 absl::string_view place);
  bool WriteOut(absl::string_view text);
  ExitCode Complain(ExitCode code, absl::string_view place,
                    absl::string_view what);

  Executor* const executor_;
  std::ostream* const out_;
  std::ostream* const err_;
  const RunnerOptions options_;
  // Of RunLines, while it runs: where commands come from, and how many lines of
  // it were read.
  std::istream* lines_ = nullptr;
  std::uint64_t line_number_ = 0;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_RUNNER_H_
