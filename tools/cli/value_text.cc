#include "coffer/tools/cli/value_text.h"

#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/proto/value.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/utf8.h"

namespace coffer::cli {
namespace {

constexpr absl::string_view kNone = "none:";

using ValueOr = absl::StatusOr<v1::Value>;

template <class... Parts>
absl::Status Malformed(absl::string_view kind, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(kind, ": ", parts...));
}

ValueOr ParseText(absl::string_view text) {
  if (!IsUtf8(text)) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(text), " is not UTF-8; bytes are given as bin:HEX"));
  }
  return ToValue(text);
}

ValueOr ParseEscaped(absl::string_view text) {
  absl::StatusOr<std::string> plain = Unescape(text);
  if (!plain.ok()) return Malformed("esc", plain.status().message());
  return ParseText(*plain);
}

ValueOr ParseInt(absl::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range && stop == end) {
    return Malformed("int", text.substr(0, 64),
                     " is not from -9223372036854775808 to "
                     "9223372036854775807");
  }
  if (error != std::errc() || stop != end) {
    return Malformed("int", Quoted(text), " is not a whole number");
  }
  return ToValue(number);
}

ValueOr ParseFloat(absl::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range && stop == end) {
    return Malformed("float", Quoted(text), " is out of a double's range");
  }
  if (error != std::errc() || stop != end) {
    return Malformed("float", Quoted(text), " is not a number");
  }
  return ToValue(number);
}

ValueOr ParseBool(absl::string_view text) {
  if (text == "true") return ToValue(true);
  if (text == "false") return ToValue(false);
  return Malformed("bool", Quoted(text), " is neither true nor false");
}

ValueOr ParseBytes(absl::string_view text) {
  for (const char digit : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(digit))) {
      return Malformed("bin", Quoted(text),
                       " has something other than hexadecimal digits in it");
    }
  }
  if (text.size() % 2 != 0) {
    return Malformed("bin", "an odd number of hexadecimal digits, ",
                     text.size(), "; a byte takes two");
  }
  return BytesValue(absl::HexStringToBytes(text));
}

const struct {
  absl::string_view prefix;
  ValueOr (*parse)(absl::string_view text);
} kForms[] = {{"int:", ParseInt},   {"float:", ParseFloat},
              {"bool:", ParseBool}, {"bin:", ParseBytes},
              {"text:", ParseText}, {"esc:", ParseEscaped}};

bool ReadsAsPlainText(absl::string_view text) {
  if (text.empty() || text == kNone) return false;
  for (const auto& form : kForms) {
    if (absl::StartsWith(text, form.prefix)) return false;
  }
  return true;
}

std::string FormatText(absl::string_view text) {
  if (HasUnprintable(text)) return absl::StrCat("esc:", Escape(text, "\\"));
  return ReadsAsPlainText(text) ? std::string(text)
                                : absl::StrCat("text:", text);
}

}  // namespace

absl::StatusOr<v1::Value> ParseValue(absl::string_view text) {
  if (text == kNone) return v1::Value();
  for (const auto& form : kForms) {
    absl::string_view rest = text;
    if (absl::ConsumePrefix(&rest, form.prefix)) return form.parse(rest);
  }
  return ParseText(text);
}

std::string FormatFloat(double number) {
  char buffer[32];  // the longest, -2.2250738585072014e-308, has 24
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, number);
  return error == std::errc() ? std::string(buffer, end) : "nan";
}

std::string FormatValue(const v1::Value& value) {
  switch (value.value_case()) {
    case v1::Value::kString:
      return FormatText(value.string());
    case v1::Value::kBinary:
      return absl::StrCat("bin:", absl::BytesToHexString(value.binary()));
    case v1::Value::kInteger:
      return absl::StrCat("int:", value.integer());
    case v1::Value::kFloat:
      return absl::StrCat("float:", FormatFloat(value.float_()));
    case v1::Value::kBool:
      return value.bool_() ? "bool:true" : "bool:false";
    case v1::Value::VALUE_NOT_SET:
      break;
  }
  return std::string(kNone);
}

}  // namespace coffer::cli
