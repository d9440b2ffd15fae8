#include "coffer/tools/cli/command.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/proto/requests.h"
#include "coffer/tools/cli/backup_command.h"
#include "coffer/tools/cli/data_commands.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/utf8.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

using Arguments = absl::Span<const std::string>;
using CommandOr = absl::StatusOr<Command>;

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kOne = 1;

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

CommandOr ToCommand(RequestOr request) {
  if (!request.ok()) return request.status();
  Command command;
  command.request = *std::move(request);
  return command;
}

// A command that has no flags.
template <RequestOr (*parse)(Arguments)>
CommandOr Plain(const CommandArguments& a) {
  return ToCommand(parse(a.words));
}

template <RequestOr (*parse)(const CommandArguments&)>
CommandOr Data(const CommandArguments& a) {
  return ToCommand(parse(a));
}

CommandOr TransactionOf(const CommandArguments& a) {
  Command command;
  command.transaction_file = a.words.empty() ? "" : a.words[0];
  return command;
}

constexpr CommandFlag kDumpFlags[] = {
    {"resume", "FILE", "goes on with the dump that was interrupted there"},
    {"progress", "", "tells how far it is also where nobody looks"},
};
constexpr CommandFlag kLoadFlags[] = {
    {"from_line", "N", "leaves out the lines before"},
    {"progress", "", "tells how far it is also where nobody looks"},
};

CommandOr DumpOf(const CommandArguments& a) {
  Command::Dump dump;
  for (const std::string& table : a.words) {
    const auto& known = dump.tables;
    if (std::find(known.begin(), known.end(), table) == known.end()) {
      dump.tables.push_back(table);
    }
  }
  if (const std::string* file = a.Find("resume")) {
    if (file->empty()) {
      return absl::InvalidArgumentError("--resume needs the name of a file");
    }
    if (!dump.tables.empty()) {
      return absl::InvalidArgumentError(
          "--resume goes on with the tables that the dump was begun with: name "
          "none");
    }
    dump.resume_file = *file;
  }
  dump.progress = a.Has("progress");
  Command command;
  command.dump = std::move(dump);
  return command;
}

CommandOr LoadOf(const CommandArguments& a) {
  Command::Load load;
  if (!a.words.empty()) load.file = a.words[0];
  if (const std::string* line = a.Find("from_line")) {
    if (!absl::SimpleAtoi(*line, &load.from_line) || load.from_line == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--from_line: ", Quoted(*line), " is no number from 1"));
    }
  }
  load.progress = a.Has("progress");
  Command command;
  command.load = std::move(load);
  return command;
}

struct CommandEntry {
  absl::string_view name;
  absl::string_view arguments;
  absl::string_view help;
  std::size_t arguments_min;
  std::size_t arguments_max;
  CommandOr (*make)(const CommandArguments& arguments);
  absl::Span<const CommandFlag> flags = {};
};

const CommandEntry kCommands[] = {
    {"get", "TABLE KEY", "shows the value of a key", 2, 2, Plain<Get>},
    {"set", "TABLE KEY VALUE", "stores a value", 3, 3, Plain<Set>},
    {"del", "TABLE KEY", "removes a key, shows the value it had", 2, 2,
     Plain<Del>},
    {"exists", "TABLE KEY", "tells whether a key exists", 2, 2, Plain<Exists>},
    {"mget", "TABLE KEY...", "shows several keys", 2, kAny, Plain<MultiGet>},
    {"mset", "TABLE KEY VALUE [KEY VALUE]...", "stores several values at once",
     3, kAny, Plain<MultiSet>},
    {"mdel", "TABLE KEY...", "removes several keys at once", 2, kAny,
     Plain<MultiDel>},
    {"mexists", "TABLE KEY...", "tells which keys exist", 2, kAny,
     Plain<MultiExists>},
    {"getall", "TABLE", "shows every key of a small table", 1, 1,
     Plain<GetAll>},
    {"scan", "TABLE", "shows the keys of a table of any size", 1, 1,
     Data<ParseScan>, kScanFlags},
    {"read", "TABLE KEY...", "shows keys with version and expiry", 2, kAny,
     Data<ParseRead>},
    {"put", "TABLE KEY VALUE", "stores a value, on conditions", 3, 3,
     Data<ParsePut>, kPutFlags},
    {"remove", "TABLE KEY", "removes a key, on conditions", 2, 2,
     Data<ParseRemove>, kRemoveFlags},
    {"incr", "TABLE KEY [NUMBER]", "adds to a number, 1 if not given", 2, 3,
     Data<ParseIncrement>},
    {"append", "TABLE KEY VALUE", "adds to the end of text or bytes", 3, 3,
     Data<ParseAppend>},
    {"expire", "TABLE KEY TIME", "sets when a key goes: 10m, or a time", 3, 3,
     Data<ParseExpire>, kExpireFlags},
    {"persist", "TABLE KEY", "makes a key stay", 2, 2, Data<ParsePersist>},
    {"ttl", "TABLE KEY", "tells how long a key stays", 2, 2,
     Data<ParseTimeToLive>},
    {"txn", "[FILE]", "does several things at one moment", 0, 1, TransactionOf},
    {"tables", "[PREFIX]", "lists tables, their keys and bytes", 0, 1,
     Data<ParseTables>},
    {"count", "TABLE", "counts the keys of a table", 1, 1, Data<ParseCount>},
    {"drop", "TABLE", "removes a table with all its keys", 1, 1,
     Data<ParseDrop>},
    {"rename", "TABLE NAME", "gives a table another name", 2, 2,
     Data<ParseRename>},
    {"dump", "[TABLE...]", "prints tables, all of them, as text", 0, kAny,
     DumpOf, kDumpFlags},
    {"load", "[FILE]", "stores what dump has printed", 0, 1, LoadOf,
     kLoadFlags},
    {"sub", "TOPIC", "shows events until it is interrupted", 1, 1,
     Plain<Subscribe>},
    {"watch", "TABLE [KEY]", "shows changes until it is interrupted", 1, 2,
     Data<ParseWatch>, kWatchFlags},
    {"pub", "TOPIC VALUE...", "publishes an event of these values", 2, kAny,
     Plain<Publish>},
    {"backup", "NAME [KEEP]", "has the server back up its data", 1, 2,
     Plain<ParseBackup>},
    {"ping", "", "times an answer of the server", 0, 0, Plain<Ping>},
};

const CommandEntry* FindCommand(absl::string_view name) {
  for (const CommandEntry& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

// "put TABLE KEY VALUE [FLAGS]"
std::string Usage(const CommandEntry& command) {
  return absl::StrCat(command.name, command.arguments.empty() ? "" : " ",
                      command.arguments,
                      command.flags.empty() ? "" : " [FLAGS]");
}

absl::Status CheckUtf8(const std::string& text) {
  if (IsUtf8(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      Quoted(text), " is not UTF-8; values of bytes are given as bin:HEX"));
}

absl::Status CheckArguments(const CommandEntry& command,
                            const CommandArguments& given) {
  const Arguments arguments = given.words;
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
    absl::Status status = CheckUtf8(argument);
    if (!status.ok()) return status;
  }
  for (const auto& [name, value] : given.flags) {
    absl::Status status = CheckUtf8(value);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Command> ParseCommand(absl::Span<const std::string> words,
                                     std::size_t plain_from) {
  const CommandEntry* const command = FindCommand(words[0]);
  if (command == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("no command ", Quoted(words[0]), "; kvc help lists them"));
  }
  const std::size_t plain_words = plain_from == kNoPlainWords
                                      ? plain_from
                                      : plain_from - std::min(plain_from, kOne);
  absl::StatusOr<CommandArguments> arguments =
      TakeFlags(words.subspan(1), plain_words, command->flags);
  absl::Status status = arguments.status();
  if (status.ok()) status = CheckArguments(*command, *arguments);
  if (status.ok()) {
    absl::StatusOr<Command> made = command->make(*arguments);
    if (made.ok()) return made;
    status = made.status();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(command->name, ": ", status.message()));
}

const CommandFlag* FindCommandFlag(absl::string_view command,
                                   absl::string_view flag) {
  const CommandEntry* const entry = FindCommand(command);
  return entry == nullptr ? nullptr : FindFlag(entry->flags, flag);
}

std::string CommandsHelp() {
  std::string help;
  for (const CommandEntry& command : kCommands) {
    absl::StrAppendFormat(&help, "  %-39s %s\n", Usage(command), command.help);
  }
  return help;
}

std::string CommandHelp(absl::string_view name) {
  const CommandEntry* const command = FindCommand(name);
  if (command == nullptr) return "";
  std::string help = absl::StrCat("usage: kvc [FLAGS] ", Usage(*command),
                                  "\n\n  ", command->help, "\n");
  if (!command->flags.empty()) help += "\nIts flags:\n";
  for (const CommandFlag& flag : command->flags) {
    absl::StrAppendFormat(
        &help, "  %-20s %s\n",
        absl::StrCat("--", flag.name, flag.value.empty() ? "" : "=",
                     flag.value),
        flag.help);
  }
  return help;
}

}  // namespace coffer::cli
