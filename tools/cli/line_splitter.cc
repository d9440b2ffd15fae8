#include "coffer/tools/cli/line_splitter.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/escapes.h"

namespace coffer::cli {
namespace {

constexpr absl::string_view kBlanks = " \t\r";

bool IsBlank(char c) { return kBlanks.find(c) != absl::string_view::npos; }

// The position of the quote that closes the one at `open`; npos if none does.
std::size_t ClosingQuote(absl::string_view line, std::size_t open) {
  const char quote = line[open];
  for (std::size_t i = open + 1; i < line.size(); ++i) {
    if (line[i] == quote) return i;
    if (quote == '"' && line[i] == '\\') ++i;
  }
  return absl::string_view::npos;
}

absl::Status TakeQuoted(absl::string_view line, std::size_t* at,
                        std::string* word) {
  const std::size_t close = ClosingQuote(line, *at);
  if (close == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the quote at column ", *at + 1, " is not closed"));
  }
  const absl::string_view inside = line.substr(*at + 1, close - *at - 1);
  if (line[*at] == '\'') {
    absl::StrAppend(word, inside);
  } else {
    absl::StatusOr<std::string> text = Unescape(inside);
    if (!text.ok()) return text.status();
    absl::StrAppend(word, *text);
  }
  *at = close + 1;
  return absl::OkStatus();
}

absl::Status TakeWord(absl::string_view line, std::size_t* at,
                      std::string* word) {
  while (*at < line.size() && !IsBlank(line[*at])) {
    const char c = line[*at];
    if (c == '"' || c == '\'') {
      if (absl::Status s = TakeQuoted(line, at, word); !s.ok()) return s;
      continue;
    }
    if (c == '\\' && ++*at == line.size()) {
      return absl::InvalidArgumentError("nothing follows the last backslash");
    }
    word->push_back(line[*at]);
    ++*at;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SplitLine(absl::string_view line) {
  std::vector<std::string> words;
  for (std::size_t at = 0;;) {
    at = line.find_first_not_of(kBlanks, at);
    if (at == absl::string_view::npos || line[at] == '#') return words;
    std::string word;
    if (absl::Status s = TakeWord(line, &at, &word); !s.ok()) return s;
    words.push_back(std::move(word));
  }
}

std::string QuoteWord(absl::string_view word) {
  const bool bare = !word.empty() && word[0] != '#' &&
                    word.find_first_of(" \"'\\") == absl::string_view::npos &&
                    !HasUnprintable(word);
  return bare ? std::string(word)
              : absl::StrCat("\"", Escape(word, "\\\""), "\"");
}

}  // namespace coffer::cli
