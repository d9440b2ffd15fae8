#include "coffer/tools/cli/state_text.h"

#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/line_splitter.h"
#include "coffer/tools/cli/time_text.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

std::string Before(const v1::KeyState& state) {
  if (!state.has_previous()) return "";
  return absl::StrCat(", before: ", FormatValue(state.previous().value()));
}

std::string Count(std::uint64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

}  // namespace

std::string FormatStateLine(absl::string_view key, const v1::KeyState& state) {
  std::string expiry = "-";
  if (state.expires_at_ms() != 0) {
    expiry = FormatTimeMs(state.expires_at_ms());
  } else if (state.version() != 0) {
    expiry = "never";
  }
  return absl::StrCat(QuoteWord(key), "\t", FormatValue(state.value()), "\t",
                      state.version(), "\t", expiry);
}

std::string FormatWritten(const v1::KeyState& state) {
  std::string line = absl::StrCat("version ", state.version());
  if (state.expires_at_ms() != 0) {
    absl::StrAppend(&line, ", expires ", FormatTimeMs(state.expires_at_ms()));
  }
  return line + Before(state);
}

std::string FormatRemoved(const v1::KeyState& state) {
  if (state.version() == 0) return "there was no such key";
  return absl::StrCat("removed, version ", state.version(), Before(state));
}

std::string FormatTimeToLive(const v1::KeyState& state) {
  if (state.version() == 0) return "there is no such key";
  return state.expires_in_ms() == 0 ? "never"
                                    : FormatDurationMs(state.expires_in_ms());
}

std::string FormatPresent(const v1::KeyState& state) {
  if (state.version() == 0 || !state.has_value()) return "";
  return absl::StrCat("; its value: ", FormatValue(state.value()));
}

std::string FormatChangeLine(const v1::Change& change) {
  std::string line(ChangeName(change.kind()));
  if (change.kind() == v1::Change::TABLE_GONE ||
      change.kind() == v1::Change::TABLE_CAME) {
    return line;
  }
  absl::StrAppend(&line, "\t", QuoteWord(change.key()), "\t", change.version());
  if (change.kind() == v1::Change::SET) {
    absl::StrAppend(&line, "\t", FormatValue(change.value()));
  }
  return line;
}

absl::string_view ChangeName(v1::Change::Kind kind) {
  switch (kind) {
    case v1::Change::SET:
      return "set";
    case v1::Change::REMOVED:
      return "removed";
    case v1::Change::EXPIRED:
      return "expired";
    case v1::Change::TABLE_GONE:
      return "table_gone";
    case v1::Change::TABLE_CAME:
      return "table_came";
    default:
      return "unknown";
  }
}

std::string FormatTableLine(const v1::TableInfo& table) {
  return absl::StrCat(QuoteWord(table.name()), "\t", table.keys(), "\t",
                      table.bytes());
}

std::string FormatTableSize(const v1::TableInfo& table) {
  return absl::StrCat(Count(table.keys(), "key"), ", ",
                      Count(table.bytes(), "byte"));
}

}  // namespace coffer::cli
