#include "coffer/tools/cli/json_output.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/tools/cli/pairs_in_order.h"
#include "coffer/tools/cli/state_text.h"
#include "coffer/tools/cli/utf8.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

constexpr char32_t kReplacement = 0xfffd;

// How many bytes of the beginning stand for themselves, as far as one byte
// tells.
std::size_t PlainPrefix(absl::string_view text) {
  const auto* const end =
      std::find_if(text.begin(), text.end(), [](unsigned char c) {
        return c < 0x20 || c > 0x7e || c == '"' || c == '\\';
      });
  return static_cast<std::size_t>(end - text.begin());
}

// As one UTF-16 unit or, above the basic plane, as a surrogate pair.
void AppendEscape(char32_t character, std::string* out) {
  if (character >= 0x10000) {
    const char32_t offset = character - 0x10000;
    AppendEscape(0xd800 + (offset >> 10), out);
    AppendEscape(0xdc00 + (offset & 0x3ff), out);
    return;
  }
  absl::StrAppendFormat(out, "\\u%04x", static_cast<unsigned>(character));
}

std::string Typed(absl::string_view type, absl::string_view value) {
  return absl::StrCat("{\"type\":\"", type, "\",\"value\":", value, "}");
}

std::string JsonFloat(double number) {
  const std::string digits = FormatFloat(number);
  return std::isfinite(number) ? digits : JsonString(digits);
}

}  // namespace

std::string FormatJsonValue(const v1::Value& value) {
  switch (value.value_case()) {
    case v1::Value::kString:
      return Typed("text", JsonString(value.string()));
    case v1::Value::kBinary:
      return Typed("bin", JsonString(absl::BytesToHexString(value.binary())));
    case v1::Value::kInteger:
      return Typed("int", absl::StrCat(value.integer()));
    case v1::Value::kFloat:
      return Typed("float", JsonFloat(value.float_()));
    case v1::Value::kBool:
      return Typed("bool", value.bool_() ? "true" : "false");
    case v1::Value::VALUE_NOT_SET:
      break;
  }
  return Typed("none", "null");
}

namespace {

// As an array, if there are any.
template <class Items, class Format>
std::string JsonItems(absl::string_view name, const Items& items,
                      Format format) {
  if (items.empty()) return "";
  std::string out = absl::StrCat(",\"", name, "\":[");
  absl::string_view separator;
  for (const auto& item : items) {
    absl::StrAppend(&out, separator, format(item));
    separator = ",";
  }
  return out + "]";
}

absl::string_view JsonOutcome(v1::Outcome outcome) {
  switch (outcome) {
    case v1::NOT_EXECUTED:
      return ",\"outcome\":\"not_executed\"";
    case v1::UNKNOWN:
      return ",\"outcome\":\"unknown\"";
    default:
      return "";
  }
}

}  // namespace

std::string JsonString(absl::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    // Most of most texts at once.
    const std::size_t plain = PlainPrefix(text);
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    absl::string_view rest = text;
    const char32_t character = TakeCharacter(&rest);
    if (character == U'"' || character == U'\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(character));
    } else if (character == kNotUtf8) {
      AppendEscape(kReplacement, &out);
    } else if (character == U'\n') {
      out.append("\\n");
    } else if (IsUnprintable(character)) {
      AppendEscape(character, &out);
    } else {
      out.append(text.data(), text.size() - rest.size());
    }
    text = rest;
  }
  out.push_back('"');
  return out;
}

std::string FormatJsonState(const v1::KeyState& state) {
  std::string json = "{";
  if (!state.key().empty()) {
    absl::StrAppend(&json, "\"key\":", JsonString(state.key()), ",");
  }
  absl::StrAppend(&json, "\"version\":", state.version());
  if (state.has_value()) {
    absl::StrAppend(&json, ",\"value\":", FormatJsonValue(state.value()));
  }
  if (state.expires_at_ms() != 0) {
    absl::StrAppend(&json, ",\"expires_at_ms\":", state.expires_at_ms());
  }
  if (state.expires_in_ms() != 0) {
    absl::StrAppend(&json, ",\"expires_in_ms\":", state.expires_in_ms());
  }
  if (state.value_bytes() != 0) {
    absl::StrAppend(&json, ",\"value_bytes\":", state.value_bytes());
  }
  if (state.has_previous()) {
    absl::StrAppend(&json, ",\"previous\":", FormatJsonState(state.previous()));
  }
  return json + "}";
}

std::string FormatJsonTable(const v1::TableInfo& table) {
  return absl::StrCat("{\"name\":", JsonString(table.name()),
                      ",\"keys\":", table.keys(), ",\"bytes\":", table.bytes(),
                      "}");
}

std::string FormatJsonTransaction(const v1::CommandResponse& response) {
  std::string json = FormatJson(response);
  json.pop_back();
  return absl::StrCat(json, ",\"held\":", response.held() ? "true" : "false",
                      "}");
}

std::string FormatJsonPing(const v1::CommandResponse& response,
                           Clock::Duration time) {
  std::string json = FormatJson(response);
  json.pop_back();
  const std::chrono::duration<double, std::milli> milliseconds = time;
  absl::StrAppendFormat(&json, ",\"milliseconds\":%.3f}", milliseconds.count());
  return json;
}

namespace {

// Behind a position.
std::string JsonChange(const v1::Change& change) {
  std::string json =
      absl::StrCat(",\"change\":\"", ChangeName(change.kind()), "\"");
  if (change.kind() == v1::Change::TABLE_GONE ||
      change.kind() == v1::Change::TABLE_CAME) {
    return json + "}";
  }
  absl::StrAppend(&json, ",\"key\":", JsonString(change.key()),
                  ",\"version\":", change.version());
  if (change.kind() == v1::Change::SET) {
    absl::StrAppend(&json, ",\"value\":", FormatJsonValue(change.value()));
  }
  if (change.expires_at_ms() != 0) {
    absl::StrAppend(&json, ",\"expires_at_ms\":", change.expires_at_ms());
  }
  return json + "}";
}

}  // namespace

std::string FormatJsonEvent(const Event& event) {
  std::string json = absl::StrCat("{\"epoch\":", event.epoch,
                                  ",\"sequence\":", event.sequence);
  if (event.kind == Event::Kind::kGap) {
    return json + (event.new_epoch ? ",\"gap\":\"new_epoch\"}"
                                   : ",\"gap\":\"missing\"}");
  }
  if (event.kind == Event::Kind::kChange)
    return json + JsonChange(event.change);
  json += ",\"values\":[";
  absl::string_view separator;
  for (const v1::Value& value : event.data) {
    absl::StrAppend(&json, separator, FormatJsonValue(value));
    separator = ",";
  }
  return json + "]}";
}

std::string FormatJson(const v1::CommandResponse& response) {
  std::string out =
      absl::StrCat("{\"status\":", response.status(),
                   ",\"message\":", JsonString(response.message()),
                   JsonOutcome(response.outcome()), ",\"values\":[");
  absl::string_view separator;
  for (const v1::Value& value : response.values()) {
    absl::StrAppend(&out, separator, FormatJsonValue(value));
    separator = ",";
  }
  absl::StrAppend(&out, "],\"pairs\":[");
  separator = "";
  for (const v1::Kvpair* pair : PairsInOrder(response)) {
    absl::StrAppend(&out, separator, "{\"key\":", JsonString(pair->key()),
                    ",\"value\":", FormatJsonValue(pair->value()), "}");
    separator = ",";
  }
  absl::StrAppend(&out, "]",
                  JsonItems("states", response.states(), FormatJsonState),
                  JsonItems("tables", response.tables(), FormatJsonTable));
  if (response.has_backup()) {
    const v1::BackupState& backup = response.backup();
    absl::StrAppend(&out, ",\"backup\":{\"id\":", backup.id(),
                    ",\"dir\":", JsonString(backup.dir()),
                    ",\"bytes\":", backup.bytes_done(), "}");
  }
  return out + "}";
}

}  // namespace coffer::cli
