// Structured logs: one event a line, logfmt (key=value), to standard error.
//
//   Log(LogLevel::kInfo, "connection closed", {{"reason", why}});
//
// writes
//
//   ts=2026-01-02T03:04:05.678Z level=info event="connection closed" reason=...
//
// Any thread. Lines are written by a thread of the logger's own from a bounded
// queue, so that a slow terminal never holds up an I/O thread; when the queue
// is full the oldest lines are lost. Text from peers is quoted, escaped and cut
// to kLogValueBytesMax: a table name cannot forge a line, command a terminal or
// fill a disk. Values that users store are never logged.

#ifndef COFFER_SERVER_LOG_H_
#define COFFER_SERVER_LOG_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace coffer::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// debug, info, warning, error, off. False for another word.
bool ParseLogLevel(absl::string_view text, LogLevel* level);

// Of a field's value, before it is escaped; the rest is "...".
inline constexpr std::size_t kLogValueBytesMax = 256;

struct LogField {
  absl::string_view key;
  std::string value;
};

// Until the first call nothing is logged. With a sink, lines go there (in
// order, from the logger's thread) instead of standard error: for tests.
void StartLogging(LogLevel level,
                  std::function<void(const std::string&)> sink = nullptr);

// Writes what is queued and ends the logger's thread.
void StopLogging();

// Whether lines of this level are written: to skip making their fields.
bool LogEnabled(LogLevel level);

void Log(LogLevel level, absl::string_view event,
         absl::Span<const LogField> fields = {});

// `event` and fields as they stand in a line.
std::string FormatLogFields(absl::string_view event,
                            absl::Span<const LogField> fields);

}  // namespace coffer::server

#endif  // COFFER_SERVER_LOG_H_
