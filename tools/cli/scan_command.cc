#include "coffer/tools/cli/scan_command.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/sdk/client.h"
#include "coffer/tools/cli/json_output.h"
#include "coffer/tools/cli/line_splitter.h"
#include "coffer/tools/cli/state_text.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;

// More are asked for a page at a time.
constexpr std::uint32_t kSmallLimit = 1000;

ScanOptions OptionsOf(const v1::Scan& scan) {
  ScanOptions options;
  options.prefix = scan.prefix();
  options.begin = scan.begin();
  options.end = scan.end();
  options.keys_only = scan.keys_only();
  if (scan.limit() != 0 && scan.limit() <= kSmallLimit) {
    options.page_size = scan.limit();
    options.prefetch = false;
  }
  return options;
}

v1::KeyState ToState(ScanEntry<> entry) {
  v1::KeyState state;
  state.set_key(std::move(entry.key));
  state.set_version(entry.version);
  if (entry.value.has_value()) *state.mutable_value() = *std::move(entry.value);
  if (entry.expires_at.has_value()) {
    state.set_expires_at_ms(absl::ToUnixMillis(*entry.expires_at));
  }
  return state;
}

std::string EntryLine(const v1::Scan& scan, bool json, ScanEntry<> entry) {
  v1::KeyState state = ToState(std::move(entry));
  if (json) {
    // As of a read: an empty value is one.
    if (!scan.keys_only()) state.mutable_value();
    return absl::StrCat(FormatJsonState(state), "\n");
  }
  if (scan.keys_only()) return absl::StrCat(QuoteWord(state.key()), "\n");
  return absl::StrCat(QuoteWord(state.key()), "\t", FormatValue(state.value()),
                      "\n");
}

std::string TableLine(bool json, const TableInfo& table) {
  v1::TableInfo info;
  info.set_name(table.name);
  info.set_keys(table.keys);
  info.set_bytes(table.bytes);
  return absl::StrCat(json ? FormatJsonTable(info) : FormatTableLine(info),
                      "\n");
}

asio::awaitable<absl::Status> ShowKeys(Client client, v1::Scan scan, bool json,
                                       LineSink sink) {
  const ScanOptions options = OptionsOf(scan);
  Scanner scanner = client.Scan(scan.table(), options);
  std::uint64_t left = scan.limit() == 0 ? UINT64_MAX : scan.limit();
  while (left > 0) {
    absl::StatusOr<Page<ScanEntry<>>> page = co_await scanner.NextPage();
    if (!page.ok()) co_return page.status();
    if (page->entries.empty()) break;
    const auto shown = std::min<std::uint64_t>(left, page->entries.size());
    std::string lines;
    for (std::size_t i = 0; i < shown; ++i) {
      lines += EntryLine(scan, json, std::move(page->entries[i]));
    }
    if (!sink(lines)) break;
    left -= shown;
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> ShowTables(Client client, std::string prefix,
                                         bool json, LineSink sink) {
  TablesOptions options;
  options.prefix = std::move(prefix);
  TableScanner tables = client.ListTables(options);
  for (;;) {
    const absl::StatusOr<Page<TableInfo>> page = co_await tables.NextPage();
    if (!page.ok()) co_return page.status();
    if (page->entries.empty()) co_return absl::OkStatus();
    std::string lines;
    for (const TableInfo& table : page->entries) {
      lines += TableLine(json, table);
    }
    if (!sink(lines)) co_return absl::OkStatus();
  }
}

}  // namespace

Executor::Task ScanTask(const v1::CommandRequest& request, bool json,
                        LineSink sink) {
  return [request, json, sink = std::move(sink)](Client client) {
    return request.has_scan()
               ? ShowKeys(std::move(client), request.scan(), json, sink)
               : ShowTables(std::move(client), request.list_tables().prefix(),
                            json, sink);
  };
}

}  // namespace coffer::cli
