// A dump as text: JSON, an object a line.
//
//   {"coffer_dump":1,"store":"81985529216486895","tables":["users"]}
//   {"table":"users","key":"ada","value":{"type":"int","value":36},
//    "version":7,"expires_at_ms":1700000000000,"cursor":"00ff"}
//   {"coffer_dump_end":1,"records":1}
//
// The first line and the last one are left out of what people write by hand.
// "tables" are those that were named; without it, all. "store" names the data
// that it is of. Each line between them is a record, one of the lines here in
// two. Values are those of json_output.h, and exact: a NaN that is not the
// usual one is "nan:" and its 64 bits in hexadecimal. "expires_at_ms" is left
// out of a key that stays. "cursor", in hexadecimal, stands in the last record
// of a page: the scan of the table goes on behind it there, and is over if it
// is empty. Pure functions; any thread.

#ifndef COFFER_TOOLS_CLI_DUMP_FORMAT_H_
#define COFFER_TOOLS_CLI_DUMP_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

struct DumpHeader {
  std::uint64_t store = 0;  // ServerInfo::retries_epoch
  std::optional<std::vector<std::string>> tables;
};

struct DumpRecord {
  std::string table;
  std::string key;
  v1::Value value;
  std::uint64_t version = 0;
  std::uint64_t expires_at_ms = 0;  // 0: never
  std::optional<std::string> cursor;
};

struct DumpEnd {
  std::uint64_t records = 0;
};

using DumpLine = std::variant<DumpHeader, DumpRecord, DumpEnd>;

// A whole line.
std::string FormatDumpLine(const DumpHeader& header);
std::string FormatDumpLine(const DumpRecord& record);
std::string FormatDumpLine(const DumpEnd& end);

// A line without its end. InvalidArgument says what is wrong with it.
absl::StatusOr<DumpLine> ParseDumpLine(absl::string_view line);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_DUMP_FORMAT_H_
