#include "coffer/tools/cli/arguments.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "coffer/sdk/endpoint.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/tools/cli/escapes.h"

namespace coffer::cli {
namespace {

// With the flags as they were typed.
struct Typed : Arguments {
  std::string timeout_text = "10s";
  std::string answer_max_text;
};

// Either a switch or a flag with a value.
struct Flag {
  absl::string_view name;
  absl::string_view value;  // what help calls it
  absl::string_view help;
  bool Typed::*on;
  std::string Typed::*text;
};

const Flag kFlags[] = {
    {"server", "HOST:PORT", "the server; 127.0.0.1:9527 if not given", nullptr,
     &Typed::server},
    {"tls", "", "connect with TLS", &Typed::tls, nullptr},
    {"ca", "FILE", "PEM of the authorities trusted; the system's if not given",
     nullptr, &Typed::ca},
    {"cert", "FILE", "PEM of this client's certificate", nullptr, &Typed::cert},
    {"key", "FILE", "PEM of that certificate's key", nullptr, &Typed::key},
    {"name", "NAME", "whom the certificate must name; HOST if not given",
     nullptr, &Typed::name},
    {"timeout", "TIME",
     "for each answer, connecting included; 10s if not given", nullptr,
     &Typed::timeout_text},
    {"answer_max", "BYTES",
     "the largest answer that is read; 16 MiB if not given", nullptr,
     &Typed::answer_max_text},
    {"json", "", "print each answer as a line of JSON", &Typed::json, nullptr},
    {"help", "", "show this", &Typed::help, nullptr},
};

template <class... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

const Flag* FindFlag(absl::string_view name) {
  const auto* flag =
      std::find_if(std::begin(kFlags), std::end(kFlags),
                   [name](const Flag& f) { return f.name == name; });
  return flag == std::end(kFlags) ? nullptr : flag;
}

absl::Status SetSwitch(const Flag& flag, absl::string_view value,
                       Typed* typed) {
  if (value != "true" && value != "false") {
    return Wrong("--", flag.name, " takes true or false, not ", Quoted(value));
  }
  typed->*flag.on = value == "true";
  return absl::OkStatus();
}

// A number that is negative is no flag.
bool IsFlag(absl::string_view argument) {
  return argument.size() > 1 && argument[0] == '-' &&
         !absl::ascii_isdigit(static_cast<unsigned char>(argument[1])) &&
         argument[1] != '.';
}

// Whether it is a flag of the command that was named; then it is one of the
// words, in one piece with a value that follows it.
bool TakeCommandFlag(absl::Span<const std::string> arguments, std::size_t* at,
                     FlagFinder find, Typed* typed) {
  if (typed->words.empty()) return false;
  absl::string_view name = arguments[*at];
  absl::ConsumePrefix(&name, "-");
  absl::ConsumePrefix(&name, "-");
  const absl::string_view whole = name;
  name = name.substr(0, name.find('='));
  const CommandFlag* const flag = find(typed->words[0], name);
  if (flag == nullptr) return false;
  std::string word = absl::StrCat("--", whole);
  const bool wants_value = !flag->value.empty() && name.size() == whole.size();
  if (wants_value && *at + 1 < arguments.size()) {
    absl::StrAppend(&word, "=", arguments[++*at]);
  }
  typed->words.push_back(std::move(word));
  return true;
}

// arguments[*at] begins with a dash; moves on past a value that follows it.
absl::Status TakeFlag(absl::Span<const std::string> arguments, std::size_t* at,
                      Typed* typed) {
  absl::string_view name = arguments[*at];
  absl::ConsumePrefix(&name, "-");
  absl::ConsumePrefix(&name, "-");
  const std::size_t equals = name.find('=');
  const bool has_value = equals != absl::string_view::npos;
  absl::string_view value;
  if (has_value) {
    value = name.substr(equals + 1);
    name = name.substr(0, equals);
  }
  const Flag* const flag = FindFlag(name);
  if (flag == nullptr) {
    return Wrong("unknown flag ", Quoted(arguments[*at]),
                 "; words that begin with - come after --, and kvc help lists "
                 "the flags");
  }
  if (flag->on != nullptr) {
    return SetSwitch(*flag, has_value ? value : "true", typed);
  }
  if (!has_value) {
    if (*at + 1 == arguments.size()) {
      return Wrong("--", flag->name, " needs a value: --", flag->name, "=",
                   flag->value);
    }
    value = arguments[++*at];
  }
  typed->*flag->text = std::string(value);
  return absl::OkStatus();
}

absl::Status ParseTimeout(Typed* typed) {
  absl::Duration timeout;
  if (!absl::ParseDuration(typed->timeout_text, &timeout)) {
    return Wrong("--timeout: ", Quoted(typed->timeout_text),
                 " is not a time such as 10s or 500ms");
  }
  // Whatever is asked for, no call hangs for good.
  if (timeout < absl::Milliseconds(1) || timeout > absl::Hours(24)) {
    return Wrong("--timeout: ", absl::FormatDuration(timeout),
                 " is not from 1ms to 24h");
  }
  typed->timeout = absl::ToChronoMilliseconds(timeout);
  return absl::OkStatus();
}

absl::Status ParseAnswerMax(Typed* typed) {
  if (typed->answer_max_text.empty()) return absl::OkStatus();
  if (!absl::SimpleAtoi(typed->answer_max_text, &typed->answer_bytes_max) ||
      typed->answer_bytes_max < kFrameBytesMaxLeast ||
      typed->answer_bytes_max > kFrameBytesMaxCeiling) {
    return Wrong("--answer_max: ", Quoted(typed->answer_max_text),
                 " is not from ", kFrameBytesMaxLeast, " to ",
                 kFrameBytesMaxCeiling);
  }
  return absl::OkStatus();
}

absl::Status CheckTls(const Typed& typed) {
  for (const Flag& flag : kFlags) {
    const bool only_tls = flag.text == &Typed::ca ||
                          flag.text == &Typed::cert ||
                          flag.text == &Typed::key || flag.text == &Typed::name;
    if (only_tls && !typed.tls && !(typed.*flag.text).empty()) {
      return Wrong("--", flag.name, " needs --tls");
    }
  }
  if (typed.cert.empty() != typed.key.empty()) {
    return Wrong("--cert and --key go together; --",
                 typed.cert.empty() ? "cert" : "key", " is missing");
  }
  return absl::OkStatus();
}

absl::Status CheckServer(const Typed& typed) {
  const auto endpoint = ParseEndpoint(typed.server);
  if (endpoint.ok()) return absl::OkStatus();
  return Wrong("--server: ", endpoint.status().message());
}

}  // namespace

absl::StatusOr<Arguments> ParseArguments(
    absl::Span<const std::string> arguments, FlagFinder find_command_flag) {
  Typed typed;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (argument == "--") {
      typed.plain_from = typed.words.size();
      const auto rest = arguments.subspan(at + 1);
      typed.words.insert(typed.words.end(), rest.begin(), rest.end());
      break;
    }
    if (!IsFlag(argument)) {
      typed.words.push_back(argument);
      continue;
    }
    if (TakeCommandFlag(arguments, &at, find_command_flag, &typed)) continue;
    absl::Status taken = TakeFlag(arguments, &at, &typed);
    if (!taken.ok()) return taken;
  }
  if (typed.help) return Arguments(typed);
  for (const absl::Status& status :
       {ParseTimeout(&typed), ParseAnswerMax(&typed), CheckTls(typed),
        CheckServer(typed)}) {
    if (!status.ok()) return status;
  }
  return Arguments(typed);
}

std::string FlagsHelp() {
  std::string help;
  for (const Flag& flag : kFlags) {
    absl::StrAppendFormat(
        &help, "  %-20s %s\n",
        absl::StrCat("--", flag.name, flag.value.empty() ? "" : "=",
                     flag.value),
        flag.help);
  }
  return help;
}

}  // namespace coffer::cli
