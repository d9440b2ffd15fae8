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

#include <istream>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/clock.h"
#include "coffer/tools/cli/executor.h"
#include "coffer/tools/cli/exit_code.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

struct RunnerOptions {
  // json_output.h instead of text_output.h.
  bool json = false;

  // Written to the stream of complaints before each line is read; for people.
  std::string prompt;

  // What ping is timed by.
  Clock* clock = &Clock::System();
};

class Runner {
 public:
  // All of them must outlive the runner.
  Runner(Executor* executor, std::ostream* out, std::ostream* err,
         RunnerOptions options)
      : executor_(executor), out_(out), err_(err), options_(options) {}

  // `words`: a command and its arguments; at least one.
  ExitCode RunCommand(absl::Span<const std::string> words);

  // One command a line (line_splitter.h), to the end of `in`. Goes on after a
  // refused command and a malformed line, not without a connection. The worst
  // exit code; kUsage if `in` cannot be read.
  ExitCode RunLines(std::istream* in);

 private:
  ExitCode RunLine(absl::string_view line, absl::string_view place);
  ExitCode Run(absl::Span<const std::string> words, absl::string_view place);
  ExitCode RunSubscription(const std::string& topic, absl::string_view place);
  // `time`: what the answer took.
  ExitCode Report(const v1::CommandRequest& request,
                  const v1::CommandResponse& response, Clock::Duration time,
                  absl::string_view place);
  std::string Format(const v1::CommandRequest& request,
                     const v1::CommandResponse& response,
                     Clock::Duration time) const;
  bool WriteOut(absl::string_view text);
  ExitCode Complain(ExitCode code, absl::string_view place,
                    absl::string_view what);

  Executor* const executor_;
  std::ostream* const out_;
  std::ostream* const err_;
  const RunnerOptions options_;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_RUNNER_H_
