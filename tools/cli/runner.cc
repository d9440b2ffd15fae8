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

// As against a server that said no.
bool IsNoConnection(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsDataLoss(status) || absl::IsCancelled(status) ||
         absl::IsUnauthenticated(status);
}

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
  if (request->has_open_subscription()) {
    return RunSubscription(request->open_subscription().topic(), place);
  }
  const Clock::TimePoint start = options_.clock->Now();
  const absl::StatusOr<v1::CommandResponse> response =
      executor_->Execute(*request);
  if (!response.ok()) {
    return Complain(ExitCode::kNoConnection, place,
                    response.status().message());
  }
  return Report(*request, *response, options_.clock->Now() - start, place);
}

ExitCode Runner::RunSubscription(const std::string& topic,
                                 absl::string_view place) {
  bool written = true;
  const auto take = [&](const Event& event) {
    if (options_.json) {
      written = WriteOut(absl::StrCat(FormatJsonEvent(event), "\n"));
    } else if (event.kind == Event::Kind::kGap) {
      // Not among the events: whoever reads those takes lines for data.
      Complain(ExitCode::kDone, place, absl::StrCat("sub: ", FormatGap(event)));
    } else {
      written = WriteOut(FormatEvent(event));
    }
    return written;
  };
  const absl::Status status = executor_->Subscribe(topic, take);
  if (!written) return ExitCode::kNoConnection;
  if (status.ok()) return ExitCode::kDone;
  return Complain(
      IsNoConnection(status) ? ExitCode::kNoConnection : ExitCode::kRefused,
      place, absl::StrCat("sub: ", status.message()));
}

std::string Runner::Format(const v1::CommandRequest& request,
                           const v1::CommandResponse& response,
                           Clock::Duration time) const {
  if (request.has_ping()) {
    return options_.json ? absl::StrCat(FormatJsonPing(response, time), "\n")
                         : FormatPing(time);
  }
  return options_.json ? absl::StrCat(FormatJson(response), "\n")
                       : FormatAnswer(request, response);
}

ExitCode Runner::Report(const v1::CommandRequest& request,
                        const v1::CommandResponse& response,
                        Clock::Duration time, absl::string_view place) {
  const bool done = response.status() == kOk;
  if (done) {
    const absl::Status shape = CheckAnswer(request, response);
    if (!shape.ok()) {
      return Complain(ExitCode::kNoConnection, place, shape.message());
    }
  }
  if ((done || options_.json) && !WriteOut(Format(request, response, time))) {
    return ExitCode::kNoConnection;
  }
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
