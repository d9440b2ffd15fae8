#include "coffer/server/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/utf8.h"

namespace coffer::server {
namespace {

constexpr std::size_t kQueueLines = 8192;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

class FunctionSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(const std::string&)> function)
      : function_(std::move(function)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    function_(std::string(line.data(), line.size()));
  }
  void flush_() override {}

 private:
  const std::function<void(const std::string&)> function_;
};

struct Logger {
  std::shared_ptr<spdlog::async_logger> log;
  // Last, so that it is joined before what it writes with is destroyed.
  std::shared_ptr<spdlog::details::thread_pool> thread;
};

std::mutex mutex;
std::shared_ptr<Logger> current;  // guarded by mutex
std::atomic<LogLevel> current_level{LogLevel::kOff};

std::shared_ptr<Logger> Current() {
  std::lock_guard<std::mutex> lock(mutex);
  return current;
}

// Needs no quotes.
bool IsPlain(absl::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') {
      return false;
    }
  }
  return true;
}

// Whether a terminal or a reader of lines could take it for something else than
// a character of the text: control characters, separators of lines, and what
// turns the direction of the text around it.
bool IsTreacherous(char32_t character) {
  return character < 0x20 || (character >= 0x7f && character <= 0x9f) ||
         (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069);
}

// UTF-8 stays legible; bytes that are none, quotes, and what is treacherous do
// not survive unescaped.
void AppendEscaped(absl::string_view text, std::string* line) {
  while (!text.empty()) {
    const absl::string_view rest = text;
    const char32_t character = internal::TakeCharacter(&text);
    const auto byte = static_cast<unsigned char>(rest.front());
    if (character == '\n') {
      absl::StrAppend(line, "\\n");
    } else if (character == '\r') {
      absl::StrAppend(line, "\\r");
    } else if (character == '\t') {
      absl::StrAppend(line, "\\t");
    } else if (character == '"' || character == '\\') {
      absl::StrAppend(line, "\\", rest.substr(0, 1));
    } else if (character == internal::kNotUtf8 ||
               (character < 0x80 && IsTreacherous(character))) {
      absl::StrAppend(line, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else if (IsTreacherous(character)) {
      absl::StrAppend(
          line, "\\u",
          absl::Hex(static_cast<std::uint32_t>(character), absl::kZeroPad4));
    } else {
      absl::StrAppend(line, rest.substr(0, rest.size() - text.size()));
    }
  }
}

// The beginning of `value` that is shown, up to the end of a character.
absl::string_view Shown(absl::string_view value) {
  if (value.size() <= kLogValueBytesMax) return value;
  std::size_t end = kLogValueBytesMax;
  // A character has three bytes of this form at most.
  for (int i = 0; i < 3 && (value[end] & 0xc0) == 0x80; ++i) --end;
  return value.substr(0, end);
}

void AppendValue(absl::string_view value, std::string* line) {
  const absl::string_view shown = Shown(value);
  const absl::string_view more = shown.size() < value.size() ? "..." : "";
  if (IsPlain(shown)) {
    absl::StrAppend(line, shown, more);
  } else {
    absl::StrAppend(line, "\"");
    AppendEscaped(shown, line);
    absl::StrAppend(line, more, "\"");
  }
}

}  // namespace

bool ParseLogLevel(absl::string_view text, LogLevel* level) {
  static constexpr std::pair<const char*, LogLevel> kNames[] = {
      {"debug", LogLevel::kDebug},
      {"info", LogLevel::kInfo},
      {"warning", LogLevel::kWarning},
      {"error", LogLevel::kError},
      {"off", LogLevel::kOff}};
  for (const auto& [name, value] : kNames) {
    if (text == name) {
      *level = value;
      return true;
    }
  }
  return false;
}

void StartLogging(LogLevel level,
                  std::function<void(const std::string&)> sink) {
  auto logger = std::make_shared<Logger>();
  logger->thread =
      std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1);
  std::shared_ptr<spdlog::sinks::sink> output;
  if (sink) {
    output = std::make_shared<FunctionSink>(std::move(sink));
  } else {
    output = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  logger->log = std::make_shared<spdlog::async_logger>(
      "coffer", std::move(output), logger->thread,
      spdlog::async_overflow_policy::overrun_oldest);
  logger->log->set_level(ToSpdlog(level));
  logger->log->set_pattern("ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                           spdlog::pattern_time_type::utc);
  {
    std::lock_guard<std::mutex> lock(mutex);
    std::swap(current, logger);
  }
  current_level = level;
}

void StopLogging() {
  current_level = LogLevel::kOff;
  std::shared_ptr<Logger> last;
  {
    std::lock_guard<std::mutex> lock(mutex);
    last = std::move(current);
    current = nullptr;
  }
  // The last owner's end joins the thread, which writes what is queued first.
}

bool LogEnabled(LogLevel level) {
  return level >= current_level.load(std::memory_order_relaxed) &&
         level != LogLevel::kOff;
}

std::string FormatLogFields(absl::string_view event,
                            absl::Span<const LogField> fields) {
  std::string line = "event=";
  AppendValue(event, &line);
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=");
    AppendValue(field.value, &line);
  }
  return line;
}

void Log(LogLevel level, absl::string_view event,
         absl::Span<const LogField> fields) {
  if (!LogEnabled(level)) return;
  const std::shared_ptr<Logger> logger = Current();
  if (logger == nullptr) return;
  const std::string line = FormatLogFields(event, fields);
  logger->log->log(ToSpdlog(level),
                   spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace coffer::server
