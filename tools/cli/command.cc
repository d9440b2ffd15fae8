#include "coffer/tools/cli/command.h"

#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/proto/requests.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/utf8.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

using Arguments = absl::Span<const std::string>;
using RequestOr = absl::StatusOr<v1::CommandRequest>;

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

RequestOr Get(Arguments a) { return MakeHget(a[0], a[1]); }
RequestOr Del(Arguments a) { return MakeHdel(a[0], a[1]); }
RequestOr Exists(Arguments a) { return MakeHexist(a[0], a[1]); }
RequestOr GetAll(Arguments a) { return MakeHgetall(a[0]); }
RequestOr MultiGet(Arguments a) { return MakeHmget(a[0], a.subspan(1)); }
RequestOr MultiDel(Arguments a) { return MakeHmdel(a[0], a.subspan(1)); }
RequestOr MultiExists(Arguments a) { return MakeHmexist(a[0], a.subspan(1)); }

RequestOr Set(Arguments a) {
  absl::StatusOr<v1::Value> value = ParseValue(a[2]);
  if (!value.ok()) return value.status();
  return MakeHset(a[0], a[1], *std::move(value));
}

RequestOr MultiSet(Arguments a) {
  std::vector<std::pair<std::string, v1::Value>> pairs;
  for (std::size_t i = 1; i < a.size(); i += 2) {
    if (i + 1 == a.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the last key, ", Quoted(a[i]), ", has no value"));
    }
    absl::StatusOr<v1::Value> value = ParseValue(a[i + 1]);
    if (!value.ok()) return value.status();
    pairs.emplace_back(a[i], *std::move(value));
  }
  return MakeHmset(a[0], pairs);
}

RequestOr Publish(Arguments a) {
  v1::CommandRequest request;
  request.mutable_publish()->set_topic(a[0]);
  for (const std::string& text : a.subspan(1)) {
    absl::StatusOr<v1::Value> value = ParseValue(text);
    if (!value.ok()) return value.status();
    *request.mutable_publish()->add_data() = *std::move(value);
  }
  return request;
}

RequestOr Subscribe(Arguments a) {
  v1::CommandRequest request;
  request.mutable_open_subscription()->set_topic(a[0]);
  return request;
}

RequestOr Ping(Arguments) {
  v1::CommandRequest request;
  request.mutable_ping();
  return request;
}

struct Command {
  absl::string_view name;
  absl::string_view arguments;
  absl::string_view help;
  std::size_t arguments_min;
  std::size_t arguments_max;
  RequestOr (*make)(Arguments arguments);
};

constexpr Command kCommands[] = {
    {"get", "TABLE KEY", "shows the value of a key", 2, 2, Get},
    {"set", "TABLE KEY VALUE", "stores a value", 3, 3, Set},
    {"del", "TABLE KEY", "removes a key, shows the value it had", 2, 2, Del},
    {"exists", "TABLE KEY", "tells whether a key exists", 2, 2, Exists},
    {"mget", "TABLE KEY...", "shows several keys", 2, kAny, MultiGet},
    {"mset", "TABLE KEY VALUE [KEY VALUE]...", "stores several values at once",
     3, kAny, MultiSet},
    {"mdel", "TABLE KEY...", "removes several keys at once", 2, kAny, MultiDel},
    {"mexists", "TABLE KEY...", "tells which keys exist", 2, kAny, MultiExists},
    {"getall", "TABLE", "shows every key of a table", 1, 1, GetAll},
    {"sub", "TOPIC", "shows events until it is interrupted", 1, 1, Subscribe},
    {"pub", "TOPIC VALUE...", "publishes an event of these values", 2, kAny,
     Publish},
    {"ping", "", "times an answer of the server", 0, 0, Ping},
};

const Command* FindCommand(absl::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

absl::Status CheckArguments(const Command& command, Arguments arguments) {
  if (arguments.size() < command.arguments_min ||
      arguments.size() > command.arguments_max) {
    return absl::InvalidArgumentError(absl::StrCat(
        "it takes ",
        command.arguments_max == 0 ? "no arguments" : command.arguments, "; ",
        arguments.size(),
        arguments.size() == 1 ? " argument was given"
                              : " arguments were given"));
  }
  for (const std::string& argument : arguments) {
    if (IsUtf8(argument)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(argument),
                     " is not UTF-8; values of bytes are given as "
                     "bin:HEX"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::CommandRequest> ParseCommand(
    absl::Span<const std::string> words) {
  const Command* const command = FindCommand(words[0]);
  if (command == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("no command ", Quoted(words[0]), "; kvc help lists them"));
  }
  const Arguments arguments = words.subspan(1);
  absl::Status status = CheckArguments(*command, arguments);
  if (status.ok()) {
    RequestOr request = command->make(arguments);
    if (request.ok()) return request;
    status = request.status();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(command->name, ": ", status.message()));
}

std::string CommandsHelp() {
  std::string help;
  for (const Command& command : kCommands) {
    absl::StrAppendFormat(
        &help, "  %-39s %s\n",
        absl::StrCat(command.name, command.arguments.empty() ? "" : " ",
                     command.arguments),
        command.help);
  }
  return help;
}

}  // namespace coffer::cli
