// Answers for programs: one JSON object (RFC 8259) on one line.
//
//   {"status":200,"message":"","values":[{"type":"int","value":5}],"pairs":[]}
//
// status and message are the server's. values: one for each key, in the order
// of the keys; set and mset have the previous ones. pairs: what getall found,
// in the order of the bytes of the keys: {"key":"a","value":{"type":...}}. On
// an error both are empty and there may be "outcome": "not_executed" or
// "unknown".
//
//   type     value
//   text     a string
//   int      a number with all its digits: a reader that keeps numbers as
//   doubles
//            loses some above 2^53
//   float    a number; "inf", "-inf" and "nan", which JSON lacks, as strings
//   bool     true or false
//   bin      a string, two lower-case hexadecimal digits a byte
//   none     null: no value, as for an absent key
//
// The data commands have "states", of keys, and "tables":
//   "states":[{"version":7,"value":{"type":"int","value":36},
//              "expires_at_ms":1700000000000,"expires_in_ms":250,
//              "previous":{"version":6,...}}]
//   "tables":[{"name":"users","keys":2,"bytes":35}]
// version 0 is of a key that is not there; what is not known or asked for is
// left out. append has "value_bytes"; txn has "held", true or false. With
// status 409 "states" may tell how the key is instead. scan and tables have no
// such object around: a line is an entry, {"key":"a","version":7,...}, or a
// table.
//
// backup has "backup":{"id":3,"dir":"/b/nightly","bytes":1048576}, what was
// copied. ping has "milliseconds", a number, as well. An event of sub is
//   {"epoch":1,"sequence":5,"values":[{"type":"int","value":5}]}
// of watch
//   {"epoch":1,"sequence":6,"change":"set","key":"a","version":7,
//    "value":{"type":"int","value":5},"expires_at_ms":1700000000000}
// where "change" is "set", "removed" or "expired", which has no value, or
// "table_gone" or "table_came", which have no key either;
// and where events are missing, the last of them number 7, there is
//   {"epoch":1,"sequence":7,"gap":"missing"}, or "gap":"new_epoch".
//
// The output is UTF-8; what is unprintable or not UTF-8 is escaped or replaced
// by U+FFFD.

#ifndef COFFER_TOOLS_CLI_JSON_OUTPUT_H_
#define COFFER_TOOLS_CLI_JSON_OUTPUT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/event.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// Without a newline in it or after it.
std::string FormatJson(const v1::CommandResponse& response);

// The answer to ping.
std::string FormatJsonPing(const v1::CommandResponse& response,
                           Clock::Duration time);

// The answer to a transaction.
std::string FormatJsonTransaction(const v1::CommandResponse& response);

// A key, which it has only of a scan.
std::string FormatJsonState(const v1::KeyState& state);
std::string FormatJsonTable(const v1::TableInfo& table);
std::string FormatJsonValue(const v1::Value& value);

// Data, a change or a gap.
std::string FormatJsonEvent(const Event& event);

// `text` as a JSON string, quotes included.
std::string JsonString(absl::string_view text);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_JSON_OUTPUT_H_
