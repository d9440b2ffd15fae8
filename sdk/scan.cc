#include "coffer/sdk/scan.h"

namespace coffer::internal {

v1::CommandRequest ToRequest(TextArg table, const ScanOptions& options) {
  v1::CommandRequest request;
  v1::Scan& scan = *request.mutable_scan();
  scan.set_table(table.data(), table.size());
  scan.set_prefix(options.prefix);
  scan.set_begin(options.begin);
  scan.set_end(options.end);
  scan.set_cursor(options.cursor);
  scan.set_limit(options.page_size);
  scan.set_keys_only(options.keys_only);
  return request;
}

v1::CommandRequest ToRequest(const TablesOptions& options) {
  v1::CommandRequest request;
  v1::ListTables& list = *request.mutable_list_tables();
  list.set_prefix(options.prefix);
  list.set_cursor(options.cursor);
  list.set_limit(options.page_size);
  return request;
}

}  // namespace coffer::internal
