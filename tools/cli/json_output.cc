#include "coffer/tools/cli/json_output.h"

#include <chrono>
#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/tools/cli/pairs_in_order.h"
#include "coffer/tools/cli/utf8.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

constexpr char32_t kReplacement = 0xfffd;

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

std::string JsonValue(const v1::Value& value) {
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

std::string FormatJsonPing(const v1::CommandResponse& response,
                           Clock::Duration time) {
  std::string json = FormatJson(response);
  json.pop_back();
  const std::chrono::duration<double, std::milli> milliseconds = time;
  absl::StrAppendFormat(&json, ",\"milliseconds\":%.3f}", milliseconds.count());
  return json;
}

std::string FormatJsonEvent(const Event& event) {
  std::string json = absl::StrCat("{\"epoch\":", event.epoch,
                                  ",\"sequence\":", event.sequence);
  if (event.kind == Event::Kind::kGap) {
    return json + (event.new_epoch ? ",\"gap\":\"new_epoch\"}"
                                   : ",\"gap\":\"missing\"}");
  }
  json += ",\"values\":[";
  absl::string_view separator;
  for (const v1::Value& value : event.data) {
    absl::StrAppend(&json, separator, JsonValue(value));
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
    absl::StrAppend(&out, separator, JsonValue(value));
    separator = ",";
  }
  absl::StrAppend(&out, "],\"pairs\":[");
  separator = "";
  for (const v1::Kvpair* pair : PairsInOrder(response)) {
    absl::StrAppend(&out, separator, "{\"key\":", JsonString(pair->key()),
                    ",\"value\":", JsonValue(pair->value()), "}");
    separator = ",";
  }
  absl::StrAppend(&out, "]}");
  return out;
}

}  // namespace coffer::cli
