#include "coffer/tools/cli/dump_format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "coffer/proto/value.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/json_output.h"
#include "coffer/tools/cli/json_reader.h"

namespace coffer::cli {
namespace {

constexpr int kFormat = 1;

template <class... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

std::uint64_t UsualNan() {
  return std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());
}

std::string FormatExactly(const v1::Value& value) {
  if (value.value_case() == v1::Value::kFloat && std::isnan(value.float_())) {
    const auto bits = std::bit_cast<std::uint64_t>(value.float_());
    if (bits != UsualNan()) {
      return absl::StrFormat("{\"type\":\"float\",\"value\":\"nan:%016x\"}",
                             bits);
    }
  }
  return FormatJsonValue(value);
}

// --- Reading

// Only members of these names, so that a misspelt one is not passed over.
absl::Status CheckNames(const Json& json,
                        std::initializer_list<absl::string_view> known) {
  for (const auto& [name, member] : json.members) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Wrong("no member is called ", Quoted(name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> TextOf(const Json& json, absl::string_view name) {
  const Json* const member = json.Find(name);
  if (member == nullptr || member->kind != Json::Kind::kString) {
    return Wrong("\"", name, "\" is to be a string");
  }
  return member->text;
}

// 0 if it is not there.
absl::StatusOr<std::uint64_t> NumberOf(const Json& json,
                                       absl::string_view name) {
  const Json* const member = json.Find(name);
  std::uint64_t number = 0;
  if (member == nullptr) return number;
  if (member->kind != Json::Kind::kNumber ||
      !absl::SimpleAtoi(member->text, &number)) {
    return Wrong("\"", name, "\" is to be a whole number from 0");
  }
  return number;
}

absl::StatusOr<std::string> BytesOf(absl::string_view hex) {
  const bool right =
      hex.size() % 2 == 0 && std::all_of(hex.begin(), hex.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      });
  if (!right) return Wrong(Quoted(hex), " is not hexadecimal");
  return absl::HexStringToBytes(hex);
}

using ValueOr = absl::StatusOr<v1::Value>;

ValueOr IntOf(const Json& json) {
  std::int64_t number = 0;
  if (json.kind != Json::Kind::kNumber ||
      !absl::SimpleAtoi(json.text, &number)) {
    return Wrong("an int is to be a whole number of 64 bits");
  }
  return ToValue(number);
}

ValueOr FloatOf(const Json& json) {
  double number = 0;
  absl::string_view text = json.text;
  if (json.kind == Json::Kind::kString) {
    std::uint64_t bits = 0;
    if (text == "nan") return ToValue(std::bit_cast<double>(UsualNan()));
    if (text == "inf") return ToValue(HUGE_VAL);
    if (text == "-inf") return ToValue(-HUGE_VAL);
    if (absl::ConsumePrefix(&text, "nan:") && text.size() == 16 &&
        absl::SimpleHexAtoi(text, &bits) &&
        std::isnan(std::bit_cast<double>(bits))) {
      return ToValue(std::bit_cast<double>(bits));
    }
  } else if (json.kind == Json::Kind::kNumber) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && stop == end) return ToValue(number);
  }
  return Wrong("a float is to be a number, or \"inf\", \"-inf\" or \"nan\"");
}

ValueOr ValueOf(const Json& json) {
  absl::Status names = CheckNames(json, {"type", "value"});
  if (!names.ok()) return names;
  const absl::StatusOr<std::string> type = TextOf(json, "type");
  if (!type.ok()) return type.status();
  const Json* const value = json.Find("value");
  if (value == nullptr) return Wrong("a value without \"value\"");
  if (*type == "int") return IntOf(*value);
  if (*type == "float") return FloatOf(*value);
  if (*type == "text" && value->kind == Json::Kind::kString) {
    return ToValue(value->text);
  }
  if (*type == "bin" && value->kind == Json::Kind::kString) {
    absl::StatusOr<std::string> bytes = BytesOf(value->text);
    if (!bytes.ok()) return bytes.status();
    return BytesValue(*bytes);
  }
  if (*type == "bool" && value->kind == Json::Kind::kBool) {
    return ToValue(value->truth);
  }
  if (*type == "none" && value->kind == Json::Kind::kNull) return v1::Value();
  return Wrong("no value is of the type ", Quoted(*type),
               ", or not in this form");
}

absl::Status CheckFormat(const Json& json, absl::string_view name) {
  const absl::StatusOr<std::uint64_t> format = NumberOf(json, name);
  if (!format.ok()) return format.status();
  if (*format == kFormat) return absl::OkStatus();
  return Wrong("a dump of format ", *format, "; this kvc knows ", kFormat);
}

absl::StatusOr<DumpLine> HeaderOf(const Json& json) {
  for (const absl::Status& status :
       {CheckFormat(json, "coffer_dump"),
        CheckNames(json, {"coffer_dump", "store", "tables"})}) {
    if (!status.ok()) return status;
  }
  DumpHeader header;
  const absl::StatusOr<std::string> store = TextOf(json, "store");
  if (!store.ok()) return store.status();
  if (!absl::SimpleAtoi(*store, &header.store)) {
    return Wrong("\"store\" is to be a number");
  }
  const Json* const tables = json.Find("tables");
  if (tables == nullptr) return header;
  header.tables.emplace();
  for (const Json& table : tables->items) header.tables->push_back(table.text);
  return header;
}

absl::StatusOr<DumpLine> EndOf(const Json& json) {
  const absl::Status status = CheckFormat(json, "coffer_dump_end");
  if (!status.ok()) return status;
  const absl::StatusOr<std::uint64_t> records = NumberOf(json, "records");
  if (!records.ok()) return records.status();
  return DumpEnd{*records};
}

absl::StatusOr<DumpLine> RecordOf(const Json& json) {
  absl::Status names = CheckNames(
      json, {"table", "key", "value", "version", "expires_at_ms", "cursor"});
  if (!names.ok()) return names;
  absl::StatusOr<std::string> table = TextOf(json, "table");
  if (!table.ok()) return table.status();
  absl::StatusOr<std::string> key = TextOf(json, "key");
  if (!key.ok()) return key.status();
  const Json* const member = json.Find("value");
  if (member == nullptr) return Wrong("a record without \"value\"");
  ValueOr value = ValueOf(*member);
  if (!value.ok()) return value.status();
  const absl::StatusOr<std::uint64_t> version = NumberOf(json, "version");
  if (!version.ok()) return version.status();
  const absl::StatusOr<std::uint64_t> expires = NumberOf(json, "expires_at_ms");
  if (!expires.ok()) return expires.status();
  DumpRecord record;
  record.table = *std::move(table);
  record.key = *std::move(key);
  record.value = *std::move(value);
  record.version = *version;
  record.expires_at_ms = *expires;
  if (json.Find("cursor") == nullptr) return record;
  const absl::StatusOr<std::string> hex = TextOf(json, "cursor");
  if (!hex.ok()) return hex.status();
  absl::StatusOr<std::string> cursor = BytesOf(*hex);
  if (!cursor.ok()) return cursor.status();
  record.cursor = *std::move(cursor);
  return record;
}

}  // namespace

std::string FormatDumpLine(const DumpHeader& header) {
  std::string line = absl::StrCat("{\"coffer_dump\":", kFormat, ",\"store\":\"",
                                  header.store, "\"");
  if (header.tables.has_value()) {
    absl::string_view separator = ",\"tables\":[";
    for (const std::string& table : *header.tables) {
      absl::StrAppend(&line, separator, JsonString(table));
      separator = ",";
    }
    line += header.tables->empty() ? ",\"tables\":[]" : "]";
  }
  return line + "}\n";
}

std::string FormatDumpLine(const DumpRecord& record) {
  std::string line = absl::StrCat("{\"table\":", JsonString(record.table),
                                  ",\"key\":", JsonString(record.key),
                                  ",\"value\":", FormatExactly(record.value),
                                  ",\"version\":", record.version);
  if (record.expires_at_ms != 0) {
    absl::StrAppend(&line, ",\"expires_at_ms\":", record.expires_at_ms);
  }
  if (record.cursor.has_value()) {
    absl::StrAppend(&line, ",\"cursor\":\"",
                    absl::BytesToHexString(*record.cursor), "\"");
  }
  return line + "}\n";
}

std::string FormatDumpLine(const DumpEnd& end) {
  return absl::StrCat("{\"coffer_dump_end\":", kFormat,
                      ",\"records\":", end.records, "}\n");
}

absl::StatusOr<DumpLine> ParseDumpLine(absl::string_view line) {
  const absl::StatusOr<Json> json = ParseJson(line);
  if (!json.ok()) return json.status();
  if (json->kind != Json::Kind::kObject) return Wrong("no object");
  if (json->Find("coffer_dump") != nullptr) return HeaderOf(*json);
  if (json->Find("coffer_dump_end") != nullptr) return EndOf(*json);
  return RecordOf(*json);
}

}  // namespace coffer::cli
