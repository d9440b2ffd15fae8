#include "coffer/tools/cli/text_output.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/tools/cli/backup_command.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/line_splitter.h"
#include "coffer/tools/cli/pairs_in_order.h"
#include "coffer/tools/cli/state_text.h"
#include "coffer/tools/cli/transaction_text.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

std::string FormatExistence(const v1::Value& value) {
  return value.bool_() ? "true" : "false";
}

std::string PairLine(absl::string_view key, absl::string_view value) {
  return absl::StrCat(QuoteWord(key), "\t", value, "\n");
}

template <class Keys>
std::string LineForEachKey(const Keys& keys,
                           const v1::CommandResponse& response,
                           std::string (*format)(const v1::Value&)) {
  COFFER_ASSERT(keys.size() == response.values_size());
  std::string lines;
  for (int i = 0; i < keys.size(); ++i) {
    lines += PairLine(keys[i], format(response.values(i)));
  }
  return lines;
}

std::string FormatTable(const v1::CommandResponse& response) {
  std::string lines;
  for (const v1::Kvpair* pair : PairsInOrder(response)) {
    lines += PairLine(pair->key(), FormatValue(pair->value()));
  }
  return lines;
}

std::string FormatRead(const v1::Read& read,
                       const v1::CommandResponse& response) {
  COFFER_ASSERT(read.keys_size() == response.states_size());
  std::string lines;
  for (int i = 0; i < read.keys_size(); ++i) {
    const v1::KeyState& state = response.states(i);
    absl::StrAppend(&lines,
                    read.without_values()
                        ? FormatTimeToLive(state)
                        : FormatStateLine(read.keys(i), state),
                    "\n");
  }
  return lines;
}

// Which branch it was, and the answer of each of its operations.
std::string FormatTransaction(const v1::Transaction& transaction,
                              const v1::CommandResponse& response) {
  std::string lines = response.held() ? "then\n" : "else\n";
  int at = 0;
  for (const v1::Operation& operation :
       response.held() ? transaction.then() : transaction.otherwise()) {
    const int states = operation.has_read() ? operation.read().keys_size() : 1;
    v1::CommandResponse own;
    for (int i = 0; i < states; ++i) {
      *own.add_states() = response.states(at++);
    }
    lines += FormatAnswer(ToRequest(operation), own);
  }
  return lines;
}

absl::string_view OutcomeNote(v1::Outcome outcome) {
  return outcome == v1::UNKNOWN ? " (it may have had its effect)" : "";
}

}  // namespace

std::string FormatAnswer(const v1::CommandRequest& request,
                         const v1::CommandResponse& response) {
  switch (request.request_data_case()) {
    case v1::CommandRequest::kHget:
    case v1::CommandRequest::kHdel:
      return absl::StrCat(FormatValue(response.values(0)), "\n");
    case v1::CommandRequest::kHexist:
      return absl::StrCat(FormatExistence(response.values(0)), "\n");
    case v1::CommandRequest::kHmget:
      return LineForEachKey(request.hmget().keys(), response, FormatValue);
    case v1::CommandRequest::kHmdel:
      return LineForEachKey(request.hmdel().keys(), response, FormatValue);
    case v1::CommandRequest::kHmexist:
      return LineForEachKey(request.hmexist().keys(), response,
                            FormatExistence);
    case v1::CommandRequest::kHgetall:
      return FormatTable(response);
    case v1::CommandRequest::kStartBackup:
      return absl::StrCat(FormatBackup(response.backup()), "\n");
    case v1::CommandRequest::kRead:
      return FormatRead(request.read(), response);
    case v1::CommandRequest::kPut:
    case v1::CommandRequest::kExpire:
      return absl::StrCat(FormatWritten(response.states(0)), "\n");
    case v1::CommandRequest::kRemove:
      return absl::StrCat(FormatRemoved(response.states(0)), "\n");
    case v1::CommandRequest::kIncrement:
      return absl::StrCat(FormatValue(response.states(0).value()), "\n");
    case v1::CommandRequest::kAppend:
      return absl::StrCat(response.states(0).value_bytes(), " bytes\n");
    case v1::CommandRequest::kCountKeys:
      return absl::StrCat(FormatTableSize(response.tables(0)), "\n");
    case v1::CommandRequest::kDropTable:
      return absl::StrCat("dropped: ", FormatTableSize(response.tables(0)),
                          "\n");
    case v1::CommandRequest::kRenameTable:
      return absl::StrCat("renamed: ", FormatTableSize(response.tables(0)),
                          "\n");
    case v1::CommandRequest::kTransaction:
      return FormatTransaction(request.transaction(), response);
    default:
      return "ok\n";
  }
}

std::string FormatPing(Clock::Duration time) {
  return absl::StrFormat(
      "answered in %.2f ms\n",
      std::chrono::duration<double, std::milli>(time).count());
}

std::string FormatEvent(const Event& event) {
  if (event.kind == Event::Kind::kChange) {
    return FormatChangeLine(event.change) + "\n";
  }
  std::string line;
  for (const v1::Value& value : event.data) {
    absl::StrAppend(&line, line.empty() ? "" : "\t", FormatValue(value));
  }
  return line + "\n";
}

std::string FormatGap(const Event& gap) {
  if (gap.new_epoch) return "events are missing: the server has a new epoch";
  return absl::StrCat("events are missing, the last of them number ",
                      gap.sequence);
}

std::string FormatRefusal(const v1::CommandResponse& response) {
  std::string present;
  if (response.states_size() == 1) present = FormatPresent(response.states(0));
  return absl::StrCat(response.status(), " ", Escape(response.message(), ""),
                      present, OutcomeNote(response.outcome()));
}

}  // namespace coffer::cli
