// Answers for a person to read; what a script can rely on is json_output.h.
//
//   get, del               the value (value_text.h); none: where there was none
//   set, mset              ok
//   exists                 true or false
//   mget, mdel, mexists    KEY, a tab and the above, a line a key
//   getall                 KEY, a tab and VALUE, ordered by the bytes of KEY
//   sub                    the values of an event, tabs between them, a line an
//                          event
//   watch                  set, KEY, the version and VALUE; removed or expired,
//                          KEY and the version; table_gone; table_came; tabs
//                          between them, a line a change
//   pub                    ok
//   read                   KEY, VALUE, the version and when it expires, tabs
//                          between them, a line a key
//   put, expire, persist   version 7, expires 2026-11-26T10:00:00.000Z
//   remove                 removed, version 8
//   incr                   the sum
//   append                 12 bytes
//   ttl                    9m59.25s, or never
//   txn                    then or else, and the above of each operation
//   count                  2 keys, 35 bytes
//   drop, rename           dropped: 2 keys, 35 bytes
//   ping                   answered in 0.25 ms
//
// Keys are quoted where line_splitter.h would need it. All of it is printable.

#ifndef COFFER_TOOLS_CLI_TEXT_OUTPUT_H_
#define COFFER_TOOLS_CLI_TEXT_OUTPUT_H_

#include <string>

#include "coffer/sdk/clock.h"
#include "coffer/sdk/event.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// Whole lines. The answer is one of success that has passed CheckAnswer.
std::string FormatAnswer(const v1::CommandRequest& request,
                         const v1::CommandResponse& response);

// The answer to ping.
std::string FormatPing(Clock::Duration time);

// Data or a change, as a whole line.
std::string FormatEvent(const Event& event);

// That events are missing, without an end of line.
std::string FormatGap(const Event& gap);

// An answer of another status, in one line without its end:
// "404 Not found: table t, key k".
std::string FormatRefusal(const v1::CommandResponse& response);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_TEXT_OUTPUT_H_
