#include "coffer/tools/cli/runner.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/answer_check.h"
#include "coffer/tools/cli/command.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/help.h"
#include "coffer/tools/cli/json_output.h"
#include "coffer/tools/cli/line_splitter.h"
#include "coffer/tools/cli/text_output.h"

namespace coffer::cli {
namespace {

constexpr std::uint32_t kOk = 200;

}  // namespace

ExitCode Runner::RunCommand(absl::Span<const std::string> words) {
  return Run(words, "");
}

ExitCode Runner::RunLines(std::istream* in) {
  ExitCode worst = ExitCode::kDone;
  std::string line;
  for (std::uint64_t number = 1;; ++number) {
    *err_ << options_.prompt << std::flush;
    if (!std::getline(*in, line)) break;
    worst = std::max(worst, RunLine(line, absl::StrCat("line ", number, ": ")));
    if (worst == ExitCode::kNoConnection) return worst;
  }
  if (in->bad()) {
    worst = std::max(
        worst, Complain(ExitCode::kUsage, "", "standard input cannot be read"));
  }
  return worst;
}

ExitCode Runner::RunLine(absl::string_view line, absl::string_view place) {
  const absl::StatusOr<std::vector<std::string>> words = SplitLine(line);
  if (!words.ok()) {
    return Complain(ExitCode::kUsage, place, words.status().message());
  }
  return words->empty() ? ExitCode::kDone : Run(*words, place);
}

ExitCode Runner::Run(absl::Span<const std::string> words,
                     absl::string_view place) {
  if (words[0] == "help") {
    return WriteOut(HelpText()) ? ExitCode::kDone : ExitCode::kNoConnection;
  }
  const absl::StatusOr<v1::CommandRequest> request = ParseCommand(words);
  if (!request.ok()) {
    return Complain(ExitCode::kUsage, place, request.status().message());
  }
  const absl::StatusOr<v1::CommandResponse> response =
      executor_->Execute(*request);
  if (!response.ok()) {
    return Complain(ExitCode::kNoConnection, place,
                    response.status().message());
  }
  return Report(*request, *response, place);
}

ExitCode Runner::Report(const v1::CommandRequest& request,
                        const v1::CommandResponse& response,
                        absl::string_view place) {
  const bool done = response.status() == kOk;
  if (done) {
    const absl::Status shape = CheckAnswer(request, response);
    if (!shape.ok()) {
      return Complain(ExitCode::kNoConnection, place, shape.message());
    }
  }
  bool written = true;
  if (options_.json) {
    written = WriteOut(absl::StrCat(FormatJson(response), "\n"));
  } else if (done) {
    written = WriteOut(FormatAnswer(request, response));
  }
  if (!written) return ExitCode::kNoConnection;
  return done ? ExitCode::kDone
              : Complain(ExitCode::kRefused, place, FormatRefusal(response));
}

bool Runner::WriteOut(absl::string_view text) {
  // At once: whoever feeds commands through a pipe waits for the answers.
  *out_ << text << std::flush;
  if (*out_) return true;
  Complain(ExitCode::kNoConnection, "", "standard output cannot be written");
  return false;
}

ExitCode Runner::Complain(ExitCode code, absl::string_view place,
                          absl::string_view what) {
  *err_ << "kvc: " << place << Escape(what, "") << "\n" << std::flush;
  return code;
}

}  // namespace coffer::cli
