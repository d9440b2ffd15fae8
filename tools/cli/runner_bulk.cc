// Runner's dump and load.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/runner.h"

namespace coffer::cli {
namespace {

std::string DumpLineOf(const DumpCounts& counts) {
  return absl::StrFormat("dump: %d records, %.1f MiB", counts.records,
                         static_cast<double>(counts.bytes) / (1 << 20));
}

std::string LoadLineOf(const LoadReport& report) {
  return absl::StrCat("load: ", report.loaded, " records, line ",
                      report.next_line);
}

}  // namespace

Progress::Kind Runner::ProgressKind(bool asked_for, bool beside_output) const {
  if (options_.progress && !beside_output) return Progress::Kind::kTerminal;
  return asked_for ? Progress::Kind::kLog : Progress::Kind::kNone;
}

ExitCode Runner::RunDump(const Command::Dump& command,
                         absl::string_view place) {
  if (!command.resume_file.empty()) return ResumeDump(command, place);
  DumpParts parts;
  if (!command.tables.empty()) parts.tables = command.tables;
  return RunDumpTask(std::move(parts), out_,
                     ProgressKind(command.progress, options_.out_is_terminal),
                     place);
}

ExitCode Runner::ResumeDump(const Command::Dump& command,
                            absl::string_view place) {
  const std::string file = Quoted(command.resume_file);
  const auto wrong = [&](absl::string_view what) {
    return Complain(ExitCode::kUsage, place,
                    absl::StrCat("dump: ", file, what));
  };
  std::ifstream in(command.resume_file, std::ios::binary);
  if (!in) return wrong(" cannot be read");
  absl::StatusOr<DumpPlace> found = FindDumpPlace(&in);
  if (!found.ok()) return wrong(absl::StrCat(": ", found.status().message()));
  if (found->is_complete) {
    return Complain(ExitCode::kDone, place,
                    absl::StrCat("dump: ", file, " is complete already"));
  }
  std::error_code error;
  std::filesystem::resize_file(command.resume_file, found->bytes, error);
  std::ofstream out(command.resume_file, std::ios::binary | std::ios::app);
  if (error || !out) return wrong(" cannot be written");
  DumpParts parts;
  parts.place = *std::move(found);
  return RunDumpTask(std::move(parts), &out,
                     ProgressKind(command.progress, false), place);
}

ExitCode Runner::RunDumpTask(DumpParts parts, std::ostream* out,
                             Progress::Kind progress, absl::string_view place) {
  bool written = true;
  Progress shown(progress, err_, options_.clock);
  parts.sink = [&](absl::string_view lines) {
    *out << lines << std::flush;
    written = static_cast<bool>(*out);
    return written;
  };
  parts.progress = [&](const DumpCounts& counts) {
    shown.Show([&] { return DumpLineOf(counts); });
  };
  const absl::Status status = executor_->Run(DumpTask(std::move(parts)));
  shown.Clear();
  if (!written) {
    return Complain(ExitCode::kNoConnection, place,
                    "dump: the output cannot be written");
  }
  return EndOf("dump", status, place);
}

ExitCode Runner::RunLoad(const Command::Load& command,
                         absl::string_view place) {
  if (command.file.empty() && lines_ != nullptr) {
    return Complain(ExitCode::kUsage, place,
                    "load: name a FILE: standard input has the commands");
  }
  Progress shown(ProgressKind(command.progress, false), err_, options_.clock);
  LoadParts parts;
  parts.file = command.file;
  parts.descriptor = options_.in_descriptor;
  parts.from_line = command.from_line;
  parts.clock = options_.clock;
  parts.progress = [&](const LoadReport& report) {
    shown.Show([&] { return LoadLineOf(report); });
  };
  const auto report = std::make_shared<LoadReport>();
  const absl::Status status =
      executor_->Run(LoadTask(std::move(parts), report));
  shown.Clear();
  if (absl::IsNotFound(status) && report->failed_line == 0) {
    return Complain(ExitCode::kUsage, place,
                    absl::StrCat("load: ",
                                 command.file.empty() ? "standard input"
                                                      : Quoted(command.file),
                                 " cannot be read: ", status.message()));
  }
  return ReportLoad(*report, status, place);
}

ExitCode Runner::ReportLoad(const LoadReport& report,
                            const absl::Status& status,
                            absl::string_view place) {
  if (status.ok()) {
    std::string line;
    if (options_.json) {
      line = absl::StrCat("{\"loaded\":", report.loaded,
                          ",\"expired\":", report.expired, "}\n");
    } else {
      line = absl::StrCat(report.loaded, " loaded");
      if (report.expired > 0) {
        absl::StrAppend(&line, ", ", report.expired, " had expired");
      }
      line += "\n";
    }
    return WriteOut(line) ? ExitCode::kDone : ExitCode::kNoConnection;
  }
  const std::string go_on =
      report.next_line == 1
          ? ""
          : absl::StrCat(
                "; the lines before ", report.next_line,
                " are done: go on with --from_line=", report.next_line);
  if (report.failed_line == 0) {
    return EndOf(
        "load",
        absl::Status(status.code(), absl::StrCat(status.message(), go_on)),
        place);
  }
  const std::string what = absl::StrCat("line ", report.failed_line, ": ",
                                        report.failure.message(), go_on);
  if (report.malformed) {
    return Complain(ExitCode::kUsage, place, absl::StrCat("load: ", what));
  }
  return EndOf("load", absl::Status(report.failure.code(), what), place);
}

}  // namespace coffer::cli
