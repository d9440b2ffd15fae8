#include "coffer/tools/cli/dump_command.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/sdk/client.h"
#include "coffer/tools/cli/dump_format.h"
#include "coffer/tools/cli/escapes.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;

// Behind a name that is quoted it stands in no string, where quotes have a
// backslash before them.
constexpr absl::string_view kHasCursor = ",\"cursor\":\"";

absl::Status NoDump(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("it is no dump that was interrupted: ", why));
}

DumpRecord ToRecord(const std::string& table, ScanEntry<> entry) {
  DumpRecord record;
  record.table = table;
  record.key = std::move(entry.key);
  if (entry.value.has_value()) record.value = *std::move(entry.value);
  record.version = entry.version;
  if (entry.expires_at.has_value()) {
    record.expires_at_ms = absl::ToUnixMillis(*entry.expires_at);
  }
  return record;
}

class Dump {
 public:
  Dump(Client client, const DumpParts& parts)
      : client_(std::move(client)), parts_(parts) {}

  asio::awaitable<absl::Status> Run() {
    absl::Status status = co_await CheckStore();
    if (status.ok()) status = Begin();
    // No conditional operator: g++ 12 awaits both of its operands.
    if (status.ok() && tables_.has_value()) {
      status = co_await DumpNamed();
    } else if (status.ok()) {
      status = co_await DumpAll();
    }
    // The last page may be one of another server.
    if (status.ok()) status = co_await CheckStore();
    if (status.ok()) status = Write(FormatDumpLine(DumpEnd{counts_.records}));
    co_return status;
  }

 private:
  // The header, unless there is one.
  absl::Status Begin() {
    if (!parts_.place.has_value()) {
      tables_ = parts_.tables;
      DumpHeader header;
      header.store = store_;
      header.tables = tables_;
      return Write(FormatDumpLine(header));
    }
    tables_ = parts_.place->tables;
    counts_.records = parts_.place->records;
    counts_.bytes = parts_.place->bytes;
    return absl::OkStatus();
  }

  // Asks the server, so that what it says of itself is known.
  asio::awaitable<absl::Status> CheckStore() {
    absl::Status there = co_await client_.Ping();
    if (!there.ok()) co_return there;
    co_return CheckStoreOf(client_.server_info());
  }

  absl::Status CheckStoreOf(const std::optional<ServerInfo>& server) {
    if (!server.has_value()) return absl::OkStatus();  // lost just now
    if (store_ == 0) {
      store_ = parts_.place.has_value() ? parts_.place->store
                                        : server->retries_epoch;
    }
    if (server->retries_epoch == store_) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "the server has other data than when the dump was begun: it was "
        "started "
        "anew without its data, or it is another one; begin a new dump");
  }

  asio::awaitable<absl::Status> DumpNamed() {
    auto at = tables_->begin();
    if (parts_.place.has_value() && parts_.place->table.has_value()) {
      at = std::find(at, tables_->end(), *parts_.place->table);
    }
    for (; at != tables_->end(); ++at) {
      absl::Status status = co_await DumpTable(*at);
      if (!status.ok()) co_return status;
    }
    co_return absl::OkStatus();
  }

  // By name.
  asio::awaitable<absl::Status> DumpAll() {
    TableScanner tables = client_.ListTables();
    for (;;) {
      absl::StatusOr<std::optional<TableInfo>> table = co_await tables.Next();
      if (!table.ok()) co_return table.status();
      if (!table->has_value()) co_return absl::OkStatus();
      const std::string& name = (*table)->name;
      if (parts_.place.has_value() && parts_.place->table.has_value() &&
          name < *parts_.place->table) {
        continue;
      }
      absl::Status status = co_await DumpTable(name);
      if (!status.ok()) co_return status;
    }
  }

  asio::awaitable<absl::Status> DumpTable(std::string table) {
    ScanOptions options;
    options.page_size = parts_.page_size;
    if (parts_.place.has_value() && parts_.place->table == table) {
      if (parts_.place->cursor.empty()) co_return absl::OkStatus();
      options.cursor = parts_.place->cursor;
    }
    Scanner scanner = client_.Scan(table, options);
    for (;;) {
      absl::StatusOr<Page<ScanEntry<>>> page = co_await scanner.NextPage();
      if (!page.ok()) {
        co_return absl::Status(page.status().code(),
                               absl::StrCat("table ", Quoted(table), ": ",
                                            page.status().message()));
      }
      if (page->entries.empty()) break;
      absl::Status status = CheckStoreOf(client_.server_info());
      if (status.ok()) status = WritePage(table, *std::move(page));
      if (!status.ok()) co_return status;
    }
    ++counts_.tables;
    co_return absl::OkStatus();
  }

  absl::Status WritePage(const std::string& table, Page<ScanEntry<>> page) {
    std::string lines;
    for (std::size_t i = 0; i < page.entries.size(); ++i) {
      DumpRecord record = ToRecord(table, std::move(page.entries[i]));
      if (i + 1 == page.entries.size()) record.cursor = page.cursor;
      lines += FormatDumpLine(record);
    }
    counts_.records += page.entries.size();
    absl::Status written = Write(lines);
    if (written.ok()) parts_.progress(counts_);
    return written;
  }

  absl::Status Write(absl::string_view lines) {
    if (!parts_.sink(lines)) return absl::AbortedError("not written");
    counts_.bytes += lines.size();
    return absl::OkStatus();
  }

  Client client_;
  const DumpParts& parts_;
  std::uint64_t store_ = 0;
  std::optional<std::vector<std::string>> tables_;
  DumpCounts counts_;
};

}  // namespace

absl::StatusOr<DumpPlace> FindDumpPlace(std::istream* in) {
  DumpPlace place;
  std::string line;
  std::uint64_t bytes = 0, records = 0;
  bool first = true;
  // A line without its end is none.
  while (std::getline(*in, line) && !in->eof()) {
    bytes += line.size() + 1;
    const bool is_record = absl::StartsWith(line, "{\"table\":");
    if (is_record && !first) {
      ++records;
      if (!absl::StrContains(line, kHasCursor)) continue;
    }
    absl::StatusOr<DumpLine> read = ParseDumpLine(line);
    if (!read.ok()) return NoDump(read.status().message());
    if (std::holds_alternative<DumpEnd>(*read)) {
      place.is_complete = true;
      return place;
    }
    auto* const header = std::get_if<DumpHeader>(&*read);
    if ((header != nullptr) != first)
      return NoDump("its first line is missing");
    first = false;
    if (header != nullptr) {
      place.store = header->store;
      place.tables = std::move(header->tables);
    } else {
      DumpRecord& record = std::get<DumpRecord>(*read);
      place.table = std::move(record.table);
      place.cursor = *std::move(record.cursor);
    }
    place.bytes = bytes;
    place.records = records;
  }
  if (first) return NoDump("its first line is missing");
  return place;
}

Executor::Task DumpTask(DumpParts parts) {
  return [parts = std::make_shared<const DumpParts>(std::move(parts))](
             Client client) -> asio::awaitable<absl::Status> {
    // In a variable: it lives as long as the coroutine.
    const auto dump = std::make_unique<Dump>(std::move(client), *parts);
    co_return co_await dump->Run();
  };
}

}  // namespace coffer::cli
