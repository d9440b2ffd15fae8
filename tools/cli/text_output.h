// Answers for a person to read; what a script can rely on is json_output.h.
//
//   get, del               the value (value_text.h); none: where there was none
//   set, mset              ok
//   exists                 true or false
//   mget, mdel, mexists    KEY, a tab and the above, a line a key
//   getall                 KEY, a tab and VALUE, ordered by the bytes of KEY
//   sub                    the values of an event, tabs between them, a line an
//                          event
//   pub                    ok
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

// Data, as a whole line.
std::string FormatEvent(const Event& event);

// That events are missing, without an end of line.
std::string FormatGap(const Event& gap);

// An answer of another status, in one line without its end:
// "404 Not found: table t, key k".
std::string FormatRefusal(const v1::CommandResponse& response);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_TEXT_OUTPUT_H_
