// kvc dump: tables as text (dump_format.h), page by page; two pages are in
// memory. A dump that was interrupted is gone on with.

#ifndef COFFER_TOOLS_CLI_DUMP_COMMAND_H_
#define COFFER_TOOLS_CLI_DUMP_COMMAND_H_

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/tools/cli/executor.h"

namespace coffer::cli {

// Where a dump goes on.
struct DumpPlace {
  // Of the data; a dump of other data cannot be gone on with.
  std::uint64_t store = 0;
  std::optional<std::vector<std::string>> tables;
  // The last table of which something is there; nullopt: none.
  std::optional<std::string> table;
  // In that one; empty: it is complete.
  std::string cursor;
  // Up to there: what stands behind it is to go.
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  // The dump is complete.
  bool is_complete = false;
};

// Of what an interrupted dump has left. InvalidArgument: it is none.
absl::StatusOr<DumpPlace> FindDumpPlace(std::istream* in);

struct DumpCounts {
  std::uint64_t records = 0;
  std::uint64_t tables = 0;
  std::uint64_t bytes = 0;
};

struct DumpParts {
  // Nullopt: all.
  std::optional<std::vector<std::string>> tables;
  // Where to go on; nullopt: from the beginning, with `tables`.
  std::optional<DumpPlace> place;
  // At most so many records a page; 0: as many as the server likes.
  std::uint32_t page_size = 0;
  // Takes whole lines, all of a page at once; false: it cannot.
  std::function<bool(absl::string_view lines)> sink;
  // Is told of each page.
  std::function<void(const DumpCounts& counts)> progress;
};

// Errors: those of the calls; FailedPrecondition: the server has other data
// than when the dump was begun.
Executor::Task DumpTask(DumpParts parts);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_DUMP_COMMAND_H_
