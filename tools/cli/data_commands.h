// The data commands of kvc (read, put, scan, watch, ...): their flags, and the
// request that is made of what was typed. For command.cc, which has checked how
// many words there are. Pure functions; any thread.

#ifndef COFFER_TOOLS_CLI_DATA_COMMANDS_H_
#define COFFER_TOOLS_CLI_DATA_COMMANDS_H_

#include "absl/status/statusor.h"
#include "coffer/tools/cli/command_flags.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

inline constexpr CommandFlag kScanFlags[] = {
    {"prefix", "PREFIX", "only keys that begin so"},
    {"begin", "KEY", "only keys from this one on"},
    {"end", "KEY", "only keys before this one"},
    {"limit", "N", "at most so many keys"},
    {"keys_only", "", "keys without their values"},
};
inline constexpr CommandFlag kWatchFlags[] = {
    {"prefix", "PREFIX", "only keys that begin so"},
};
inline constexpr CommandFlag kPutFlags[] = {
    {"if_absent", "", "only if there is no such key"},
    {"if_present", "", "only if there is one"},
    {"if_version", "N", "only if it has this version; 0: there is none"},
    {"expire_after", "10m", "it goes after so long; it stays if not given"},
    {"expire_at", "TIME", "it goes at this time: 2026-11-26T10:00:00Z"},
    {"keep_expiry", "", "it goes when the one before would have gone"},
    {"previous", "", "show the value before"},
};
inline constexpr CommandFlag kRemoveFlags[] = {
    {"if_present", "", "only if there is such a key"},
    {"if_version", "N", "only if it has this version"},
    {"previous", "", "show the value before"},
};
inline constexpr CommandFlag kExpireFlags[] = {
    {"if_version", "N", "only if it has this version"},
};

using RequestOr = absl::StatusOr<v1::CommandRequest>;

RequestOr ParseTables(const CommandArguments& a);
RequestOr ParseCount(const CommandArguments& a);
RequestOr ParseDrop(const CommandArguments& a);
RequestOr ParseRename(const CommandArguments& a);
// `limit` is that of all pages together.
RequestOr ParseScan(const CommandArguments& a);
// An OpenWatch, of which only the table and the keys count.
RequestOr ParseWatch(const CommandArguments& a);
RequestOr ParseRead(const CommandArguments& a);
RequestOr ParsePut(const CommandArguments& a);
RequestOr ParseRemove(const CommandArguments& a);
RequestOr ParseIncrement(const CommandArguments& a);
RequestOr ParseAppend(const CommandArguments& a);
RequestOr ParseExpire(const CommandArguments& a);
RequestOr ParsePersist(const CommandArguments& a);
// A Read without values.
RequestOr ParseTimeToLive(const CommandArguments& a);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_DATA_COMMANDS_H_
