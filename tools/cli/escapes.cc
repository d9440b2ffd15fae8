#include "coffer/tools/cli/escapes.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/utf8.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kQuotedBytesMax = 64;

void AppendEscaped(absl::string_view bytes, std::string* out) {
  if (bytes == "\n") {
    absl::StrAppend(out, "\\n");
  } else if (bytes == "\t") {
    absl::StrAppend(out, "\\t");
  } else if (bytes == "\r") {
    absl::StrAppend(out, "\\r");
  } else {
    for (const char byte : bytes) {
      absl::StrAppend(out, "\\x", absl::BytesToHexString({&byte, 1}));
    }
  }
}

absl::Status NoSuchEscape(absl::string_view escape) {
  return absl::InvalidArgumentError(
      absl::StrCat("no escape begins with ", Escape(escape.substr(0, 4), ""),
                   "; there are \\n \\t \\r \\\\ \\\" \\' and \\xHH"));
}

// `*text` begins with a backslash.
absl::Status TakeEscape(absl::string_view* text, std::string* out) {
  const char kind = text->size() > 1 ? (*text)[1] : '\0';
  std::size_t taken = 2;
  if (kind == 'n') {
    out->push_back('\n');
  } else if (kind == 't') {
    out->push_back('\t');
  } else if (kind == 'r') {
    out->push_back('\r');
  } else if (kind == '\\' || kind == '"' || kind == '\'') {
    out->push_back(kind);
  } else if (kind == 'x' && text->size() >= 4 &&
             absl::ascii_isxdigit(static_cast<unsigned char>((*text)[2])) &&
             absl::ascii_isxdigit(static_cast<unsigned char>((*text)[3]))) {
    out->append(absl::HexStringToBytes(text->substr(2, 2)));
    taken = 4;
  } else {
    return NoSuchEscape(*text);
  }
  text->remove_prefix(taken);
  return absl::OkStatus();
}

}  // namespace

bool HasUnprintable(absl::string_view text) {
  while (!text.empty()) {
    if (IsUnprintable(TakeCharacter(&text))) return true;
  }
  return false;
}

std::string Escape(absl::string_view text, absl::string_view also) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    absl::string_view rest = text;
    const char32_t character = TakeCharacter(&rest);
    const absl::string_view bytes = text.substr(0, text.size() - rest.size());
    text = rest;
    if (IsUnprintable(character)) {
      AppendEscaped(bytes, &out);
      continue;
    }
    if (bytes.size() == 1 && also.find(bytes[0]) != absl::string_view::npos) {
      out.push_back('\\');
    }
    out.append(bytes.data(), bytes.size());
  }
  return out;
}

absl::StatusOr<std::string> Unescape(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('\\'), text.size());
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (absl::Status taken = TakeEscape(&text, &out); !taken.ok()) return taken;
  }
  return out;
}

std::string Quoted(absl::string_view text) {
  const bool cut = text.size() > kQuotedBytesMax;
  return absl::StrCat("\"", Escape(text.substr(0, kQuotedBytesMax), "\""),
                      cut ? "..." : "", "\"");
}

}  // namespace coffer::cli
