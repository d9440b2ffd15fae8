#include "coffer/tools/cli/command_flags.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/tools/cli/escapes.h"

namespace coffer::cli {
namespace {

// words[*at] begins with two dashes; moves on past a value that follows it.
absl::Status TakeFlag(absl::Span<const std::string> words, std::size_t* at,
                      absl::Span<const CommandFlag> flags,
                      CommandArguments* taken) {
  absl::string_view name = words[*at];
  absl::ConsumePrefix(&name, "--");
  const std::size_t equals = name.find('=');
  const bool has_value = equals != absl::string_view::npos;
  std::string value;
  if (has_value) {
    value = std::string(name.substr(equals + 1));
    name = name.substr(0, equals);
  }
  const CommandFlag* const flag = FindFlag(flags, name);
  if (flag == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("it has no flag ", Quoted(words[*at]),
                     "; words that begin with -- come after --"));
  }
  if (flag->value.empty() && has_value) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag->name, " takes no value"));
  }
  if (!flag->value.empty() && !has_value) {
    if (*at + 1 == words.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag->name, " needs a value: --", flag->name, "=",
                       flag->value));
    }
    value = words[++*at];
  }
  if (!taken->flags.emplace(flag->name, std::move(value)).second) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag->name, " is given twice"));
  }
  return absl::OkStatus();
}

}  // namespace

const CommandFlag* FindFlag(absl::Span<const CommandFlag> flags,
                            absl::string_view name) {
  const auto* const found = std::find_if(
      flags.begin(), flags.end(),
      [name](const CommandFlag& flag) { return flag.name == name; });
  return found == flags.end() ? nullptr : found;
}

absl::StatusOr<CommandArguments> TakeFlags(
    absl::Span<const std::string> words, std::size_t plain_from,
    absl::Span<const CommandFlag> flags) {
  CommandArguments taken;
  bool plain = flags.empty();
  for (std::size_t at = 0; at < words.size(); ++at) {
    plain = plain || at >= plain_from;
    if (plain || !absl::StartsWith(words[at], "--")) {
      taken.words.push_back(words[at]);
    } else if (words[at] == "--") {
      plain = true;
    } else {
      absl::Status status = TakeFlag(words, &at, flags, &taken);
      if (!status.ok()) return status;
    }
  }
  return taken;
}

}  // namespace coffer::cli
