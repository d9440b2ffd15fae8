// States of keys, and tables, for a person to read (text_output.h). Each is a
// line, without its end. Pure functions; any thread.

#ifndef COFFER_TOOLS_CLI_STATE_TEXT_H_
#define COFFER_TOOLS_CLI_STATE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// "KEY\tVALUE\t7\tnever"; the last is when it expires, and - if there is no
// such key.
std::string FormatStateLine(absl::string_view key, const v1::KeyState& state);

// After a write: "version 7, expires 2026-11-26T10:00:00.000Z, before: int:5".
std::string FormatWritten(const v1::KeyState& state);

// "removed, version 8, before: int:5"; "there was no such key".
std::string FormatRemoved(const v1::KeyState& state);

// "9m59.25s"; "never"; "there is no such key".
std::string FormatTimeToLive(const v1::KeyState& state);

// Of a condition that did not hold, behind the server's words: "; its
// value: int:5"; empty if there is nothing to add.
std::string FormatPresent(const v1::KeyState& state);

// "set\tKEY\t7\tVALUE", "removed\tKEY\t8", "expired\tKEY\t9", "table_gone",
// "table_came"; "unknown", with the key if there is one, is of a later version.
std::string FormatChangeLine(const v1::Change& change);

// The first word of it.
absl::string_view ChangeName(v1::Change::Kind kind);

// "users\t2\t35": name, keys, bytes.
std::string FormatTableLine(const v1::TableInfo& table);

// "2 keys, 35 bytes".
std::string FormatTableSize(const v1::TableInfo& table);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_STATE_TEXT_H_
