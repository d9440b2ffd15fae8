#include "coffer/tools/cli/runner.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/answer_check.h"
#include "coffer/tools/cli/backup_command.h"
#include "coffer/tools/cli/command.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/help.h"
#include "coffer/tools/cli/json_output.h"
#include "coffer/tools/cli/line_splitter.h"
#include "coffer/tools/cli/scan_command.h"
#include "coffer/tools/cli/text_output.h"
#include "coffer/tools/cli/transaction_text.h"

namespace coffer::cli {
namespace {

constexpr std::uint32_t kOk = 200;

// As against a server that said no.
bool IsNoConnection(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsDataLoss(status) || absl::IsCancelled(status) ||
         absl::IsUnauthenticated(status);
}

// A Read without values is `ttl`, of one key.
bool IsTimeOfNoKey(const v1::CommandRequest& request,
                   const v1::CommandResponse& response) {
  return request.has_read() && request.read().without_values() &&
         response.states_size() == 1 && response.states(0).version() == 0;
}

// As the server would have refused it.
v1::CommandResponse NotFound(const v1::Read& read) {
  v1::CommandResponse response;
  response.set_status(404);
  response.set_message(
      absl::StrCat("Not found: table ", read.table(), ", key ", read.keys(0)));
  return response;
}

}  // namespace

ExitCode Runner::RunCommand(absl::Span<const std::string> words,
                            std::size_t plain_from) {
  return Run(words, plain_from, "");
}

ExitCode Runner::RunLines(std::istream* in) {
  ExitCode worst = ExitCode::kDone;
  std::string line;
  lines_ = in;
  for (line_number_ = 1;; ++line_number_) {
    *err_ << options_.prompt << std::flush;
    if (!std::getline(*in, line)) break;
    worst = std::max(worst,
                     RunLine(line, absl::StrCat("line ", line_number_, ": ")));
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
  return words->empty() ? ExitCode::kDone : Run(*words, kNoPlainWords, place);
}

ExitCode Runner::Run(absl::Span<const std::string> words,
                     std::size_t plain_from, absl::string_view place) {
  if (words[0] == "help") return Help(words.subspan(1), place);
  const absl::StatusOr<Command> command = ParseCommand(words, plain_from);
  if (!command.ok()) {
    return Complain(ExitCode::kUsage, place, command.status().message());
  }
  if (command->transaction_file.has_value()) {
    return RunTransaction(*command->transaction_file, place);
  }
  if (command->dump.has_value()) return RunDump(*command->dump, place);
  if (command->load.has_value()) return RunLoad(*command->load, place);
  const v1::CommandRequest& request = command->request;
  if (request.has_open_subscription() || request.has_open_watch()) {
    return RunSubscription(request, place);
  }
  if (request.has_start_backup()) return RunBackupCommand(request, place);
  if (request.has_scan() || request.has_list_tables()) {
    return RunScan(request, place);
  }
  return Call(request, place);
}

ExitCode Runner::Help(absl::Span<const std::string> words,
                      absl::string_view place) {
  std::string text = words.empty() ? HelpText() : CommandHelp(words[0]);
  if (text.empty()) {
    return Complain(
        ExitCode::kUsage, place,
        absl::StrCat("no command ", Quoted(words[0]), "; kvc help lists them"));
  }
  return WriteOut(text) ? ExitCode::kDone : ExitCode::kNoConnection;
}

ExitCode Runner::Call(const v1::CommandRequest& request,
                      absl::string_view place) {
  const Clock::TimePoint start = options_.clock->Now();
  const absl::StatusOr<v1::CommandResponse> response =
      executor_->Execute(request);
  if (!response.ok()) {
    return Complain(ExitCode::kNoConnection, place,
                    response.status().message());
  }
  return Report(request, *response, options_.clock->Now() - start, place);
}

ExitCode Runner::RunTransaction(const std::string& file,
                                absl::string_view place) {
  if (file.empty()) {
    return ReadTransaction(lines_ != nullptr ? lines_ : options_.in, "", place);
  }
  std::ifstream in(file);
  if (!in) {
    return Complain(ExitCode::kUsage, place,
                    absl::StrCat("txn: ", Quoted(file), " cannot be read"));
  }
  return ReadTransaction(&in, absl::StrCat(place, file, ": "), place);
}

ExitCode Runner::ReadTransaction(std::istream* in, absl::string_view source,
                                 absl::string_view place) {
  TransactionReader reader;
  const bool of_lines = in == lines_;
  std::uint64_t number = of_lines ? line_number_ : 0;
  // The whole of it is read: what follows a line that is wrong is no command.
  ExitCode worst = ExitCode::kDone;
  bool committed = false;
  for (std::string line; !committed && std::getline(*in, line);) {
    ++number;
    const absl::StatusOr<bool> last = reader.Read(line);
    committed = last.ok() && *last;
    if (last.ok()) continue;
    worst =
        Complain(ExitCode::kUsage, absl::StrCat(source, "line ", number, ": "),
                 absl::StrCat("txn: ", last.status().message()));
  }
  if (of_lines) line_number_ = number;
  if (in->bad() || (of_lines && !committed)) {
    return Complain(ExitCode::kUsage, place,
                    "txn: the input ended before `commit`");
  }
  if (worst != ExitCode::kDone) return worst;
  const absl::StatusOr<v1::CommandRequest> request = reader.Finish();
  if (!request.ok()) {
    return Complain(ExitCode::kUsage, place,
                    absl::StrCat("txn: ", request.status().message()));
  }
  return Call(*request, place);
}

ExitCode Runner::RunScan(const v1::CommandRequest& request,
                         absl::string_view place) {
  bool written = true;
  const auto sink = [&](absl::string_view lines) {
    written = WriteOut(lines);
    return written;
  };
  const absl::Status status =
      executor_->Run(ScanTask(request, options_.json, sink));
  if (!written) return ExitCode::kNoConnection;
  return EndOf(request.has_scan() ? "scan" : "tables", status, place);
}

ExitCode Runner::EndOf(const char* command, const absl::Status& status,
                       absl::string_view place) {
  if (status.ok()) return ExitCode::kDone;
  return Complain(
      IsNoConnection(status) ? ExitCode::kNoConnection : ExitCode::kRefused,
      place, absl::StrCat(command, ": ", status.message()));
}

ExitCode Runner::RunSubscription(const v1::CommandRequest& request,
                                 absl::string_view place) {
  const char* const name = request.has_open_watch() ? "watch" : "sub";
  bool written = true;
  const auto take = [&](const Event& event) {
    if (options_.json) {
      written = WriteOut(absl::StrCat(FormatJsonEvent(event), "\n"));
    } else if (event.kind == Event::Kind::kGap) {
      // Not among the events: whoever reads those takes lines for data.
      Complain(ExitCode::kDone, place,
               absl::StrCat(name, ": ", FormatGap(event)));
    } else {
      written = WriteOut(FormatEvent(event));
    }
    return written;
  };
  const absl::Status status = executor_->Subscribe(request, take);
  if (!written) return ExitCode::kNoConnection;
  return EndOf(name, status, place);
}

ExitCode Runner::RunBackupCommand(const v1::CommandRequest& request,
                                  absl::string_view place) {
  size_t shown = 0;
  const auto show = [&](const v1::BackupState& state) {
    if (!options_.progress) return;
    const std::string line = FormatBackupProgress(state);
    *err_ << "\r" << line << std::flush;
    shown = std::max(shown, line.size());
  };
  const absl::StatusOr<v1::CommandResponse> response =
      RunBackup(executor_, request, show);
  // Nothing of it is left before what follows.
  if (shown > 0) *err_ << "\r" << std::string(shown, ' ') << "\r";
  if (!response.ok()) {
    return Complain(ExitCode::kNoConnection, place,
                    absl::StrCat("backup: ", response.status().message(),
                                 absl::IsCancelled(response.status())
                                     ? "; the server goes on with it"
                                     : ""));
  }
  return Report(request, *response, Clock::Duration(), place);
}

std::string Runner::Format(const v1::CommandRequest& request,
                           const v1::CommandResponse& response,
                           Clock::Duration time) const {
  if (request.has_ping()) {
    return options_.json ? absl::StrCat(FormatJsonPing(response, time), "\n")
                         : FormatPing(time);
  }
  if (!options_.json) return FormatAnswer(request, response);
  return absl::StrCat(request.has_transaction()
                          ? FormatJsonTransaction(response)
                          : FormatJson(response),
                      "\n");
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
    if (IsTimeOfNoKey(request, response)) {
      return Report(request, NotFound(request.read()), time, place);
    }
  }
  if ((done || options_.json) && !WriteOut(Format(request, response, time))) {
    return ExitCode::kNoConnection;
  }
  if (!done) {
    const bool too_large = request.has_hgetall() && response.status() == 413;
    return Complain(ExitCode::kRefused, place,
                    absl::StrCat(FormatRefusal(response),
                                 too_large ? "; here: kvc scan" : ""));
  }
  const bool otherwise = request.has_transaction() && !response.held();
  return otherwise ? ExitCode::kRefused : ExitCode::kDone;
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
