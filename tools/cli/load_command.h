// kvc load: stores what a dump has (dump_format.h), many records at a time.
//
// Each record is a Put, whatever was there before: to load a dump again, or a
// part of it, changes nothing but versions, which are new ones. What has
// expired by then is left out.

#ifndef COFFER_TOOLS_CLI_LOAD_COMMAND_H_
#define COFFER_TOOLS_CLI_LOAD_COMMAND_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/tools/cli/executor.h"

namespace coffer::cli {

struct LoadReport {
  std::uint64_t loaded = 0;
  std::uint64_t expired = 0;  // and left out
  // All lines before this one are done.
  std::uint64_t next_line = 1;
  // The first line that failed, 0: none; and why: it is none of a dump, or what
  // the server or the connection said.
  std::uint64_t failed_line = 0;
  absl::Status failure;
  bool malformed = false;
};

struct LoadParts {
  std::string file;  // empty: the descriptor
  int descriptor = 0;
  std::uint64_t from_line = 1;  // those before are not loaded
  Clock* clock = nullptr;       // says what has expired
  std::function<void(const LoadReport& report)> progress;
};

// What it has done is in `report`, also when it is cancelled. Errors: the input
// cannot be read (NotFound), or the report's failure.
Executor::Task LoadTask(LoadParts parts, std::shared_ptr<LoadReport> report);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_LOAD_COMMAND_H_
