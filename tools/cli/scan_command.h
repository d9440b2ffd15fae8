// kvc scan and kvc tables: what a server has, page by page, however much it is;
// two pages are in memory.

#ifndef COFFER_TOOLS_CLI_SCAN_COMMAND_H_
#define COFFER_TOOLS_CLI_SCAN_COMMAND_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "coffer/tools/cli/executor.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// Takes whole lines; false: it cannot, and no more is wanted.
using LineSink = std::function<bool(absl::string_view lines)>;

// `request`: a Scan, whose limit is that of all pages together, or a
// ListTables. A line for each entry: of text (KEY and VALUE, a tab between
// them; or KEY; or a table's name, keys and bytes), or an object of
// json_output.h.
Executor::Task ScanTask(const v1::CommandRequest& request, bool json,
                        LineSink sink);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_SCAN_COMMAND_H_
