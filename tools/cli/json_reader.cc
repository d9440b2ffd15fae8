#include "coffer/tools/cli/json_reader.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/utf8.h"

namespace coffer::cli {
namespace {

constexpr int kDepthMax = 32;

// Stands for itself inside a string, as far as one byte tells.
bool IsPlain(char c) { return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  absl::StatusOr<Json> Read() {
    Json json;
    absl::Status status = ReadValue(&json, 0);
    SkipSpace();
    if (status.ok() && at_ < text_.size()) {
      status = Wrong("something behind the value");
    }
    if (!status.ok()) return status;
    return json;
  }

 private:
  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("not JSON: ", what, " at byte ", at_ + 1));
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool TakeWord(absl::string_view word) {
    if (!absl::StartsWith(text_.substr(at_), word)) return false;
    at_ += word.size();
    return true;
  }
  void SkipSpace() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' ||
           Peek() == '\r') {
      ++at_;
    }
  }

  absl::Status ReadValue(Json* json, int depth) {
    if (depth >= kDepthMax) return Wrong("too many values inside one another");
    SkipSpace();
    switch (Peek()) {
      case '{':
        return ReadObject(json, depth);
      case '[':
        return ReadArray(json, depth);
      case '"':
        json->kind = Json::Kind::kString;
        return ReadString(&json->text);
      default:
        return ReadPlain(json);
    }
  }

  absl::Status ReadPlain(Json* json) {
    if (TakeWord("null")) return absl::OkStatus();
    if (TakeWord("true") || TakeWord("false")) {
      json->kind = Json::Kind::kBool;
      json->truth = text_[at_ - 2] == 'u';
      return absl::OkStatus();
    }
    return ReadNumber(json);
  }

  absl::Status ReadNumber(Json* json) {
    const std::size_t begin = at_;
    Take('-');
    // No zero before other digits.
    bool right = Take('0') || TakeDigits();
    if (right && Take('.')) right = TakeDigits();
    if (right && (Take('e') || Take('E'))) {
      if (!Take('+')) Take('-');
      right = TakeDigits();
    }
    if (!right) return Wrong(at_ < text_.size() ? "no value" : "the end");
    json->kind = Json::Kind::kNumber;
    json->text = std::string(text_.substr(begin, at_ - begin));
    return absl::OkStatus();
  }

  bool TakeDigits() {
    const std::size_t begin = at_;
    while (IsDigit(Peek())) ++at_;
    return at_ > begin;
  }

  absl::Status ReadArray(Json* json, int depth) {
    json->kind = Json::Kind::kArray;
    Take('[');
    SkipSpace();
    if (Take(']')) return absl::OkStatus();
    do {
      absl::Status status = ReadValue(&json->items.emplace_back(), depth + 1);
      if (!status.ok()) return status;
      SkipSpace();
    } while (Take(','));
    return Take(']') ? absl::OkStatus() : Wrong("neither , nor ]");
  }

  absl::Status ReadObject(Json* json, int depth) {
    json->kind = Json::Kind::kObject;
    Take('{');
    SkipSpace();
    if (Take('}')) return absl::OkStatus();
    do {
      SkipSpace();
      std::string name;
      absl::Status status = ReadString(&name);
      if (!status.ok()) return status;
      if (json->Find(name) != nullptr) return Wrong("a name for the 2nd time");
      SkipSpace();
      if (!Take(':')) return Wrong("no :");
      Json& member =
          json->members.emplace_back(Json::Member{std::move(name), Json()})
              .value;
      status = ReadValue(&member, depth + 1);
      if (!status.ok()) return status;
      SkipSpace();
    } while (Take(','));
    return Take('}') ? absl::OkStatus() : Wrong("neither , nor }");
  }

  absl::Status ReadString(std::string* text) {
    if (!Take('"')) return Wrong("no string");
    for (;;) {
      // Most of most texts at once.
      const std::size_t begin = at_;
      while (at_ < text_.size() && IsPlain(text_[at_])) ++at_;
      text->append(text_.data() + begin, at_ - begin);
      if (Take('"')) break;
      if (at_ == text_.size()) return Wrong("the end inside a string");
      if (Take('\\')) {
        absl::Status status = ReadEscape(text);
        if (!status.ok()) return status;
        continue;
      }
      absl::string_view rest = text_.substr(at_);
      const std::size_t before = rest.size();
      if (static_cast<unsigned char>(rest[0]) < 0x20) {
        return Wrong("a control character inside a string");
      }
      if (TakeCharacter(&rest) == kNotUtf8) return Wrong("no UTF-8");
      text->append(text_.data() + at_, before - rest.size());
      at_ += before - rest.size();
    }
    return absl::OkStatus();
  }

  absl::Status ReadEscape(std::string* text) {
    constexpr absl::string_view kLetters = "\"\\/bfnrt";
    constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (Take('u')) return ReadUnicode(text);
    const std::size_t which = at_ == text_.size() ? absl::string_view::npos
                                                  : kLetters.find(text_[at_]);
    if (which == absl::string_view::npos) return Wrong("no escape");
    text->push_back(kMeanings[which]);
    ++at_;
    return absl::OkStatus();
  }

  // Behind \u.
  absl::Status ReadUnicode(std::string* text) {
    std::uint32_t character = 0;
    if (!TakeHex(&character)) return Wrong("no four hexadecimal digits");
    if (character >= 0xd800 && character < 0xe000) {
      std::uint32_t low = 0;
      if (character >= 0xdc00 || !TakeWord("\\u") || !TakeHex(&low) ||
          low < 0xdc00 || low >= 0xe000) {
        return Wrong("half a surrogate pair");
      }
      character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    }
    AppendUtf8(character, text);
    return absl::OkStatus();
  }

  bool TakeHex(std::uint32_t* number) {
    if (text_.size() - at_ < 4) return false;
    *number = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_ + i];
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
      const int digit =
          IsDigit(c)
              ? c - '0'
              : absl::ascii_tolower(static_cast<unsigned char>(c)) - 'a' + 10;
      *number = *number * 16 + static_cast<std::uint32_t>(digit);
    }
    at_ += 4;
    return true;
  }

  static void AppendUtf8(std::uint32_t c, std::string* text) {
    const auto byte = [text](std::uint32_t bits) {
      text->push_back(static_cast<char>(bits));
    };
    if (c < 0x80) return byte(c);
    if (c < 0x800) {
      byte(0xc0 | c >> 6);
    } else if (c < 0x10000) {
      byte(0xe0 | c >> 12);
      byte(0x80 | (c >> 6 & 0x3f));
    } else {
      byte(0xf0 | c >> 18);
      byte(0x80 | (c >> 12 & 0x3f));
      byte(0x80 | (c >> 6 & 0x3f));
    }
    byte(0x80 | (c & 0x3f));
  }

  const absl::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const Json* Json::Find(absl::string_view name) const {
  for (const auto& [of, member] : members) {
    if (of == name) return &member;
  }
  return nullptr;
}

absl::StatusOr<Json> ParseJson(absl::string_view text) {
  return Reader(text).Read();
}

}  // namespace coffer::cli
