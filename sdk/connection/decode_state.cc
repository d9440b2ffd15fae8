#include "coffer/sdk/connection/decode_state.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace coffer::internal {
namespace {

// A write that was sent again: done, but its answer was too large to be kept.
bool IsForgotten(const v1::CommandResponse& answer, int expected) {
  return expected > 0 && answer.states_size() == 0 && !answer.message().empty();
}

absl::Status CheckState(const v1::KeyState& state) {
  if (state.version() != 0) return absl::OkStatus();
  if (!state.has_value() && state.expires_at_ms() == 0) return absl::OkStatus();
  return absl::DataLossError(
      "an answer with the value or the expiry of a key that is not there");
}

bool InRange(const v1::Scan& scan, const std::string& key) {
  return absl::StartsWith(key, scan.prefix()) && key >= scan.begin() &&
         (scan.end().empty() || key < scan.end());
}

absl::Status CheckScanPage(const v1::Scan& scan,
                           const v1::CommandResponse& page) {
  for (const v1::KeyState& state : page.states()) {
    if (state.version() == 0 || !InRange(scan, state.key())) {
      return absl::DataLossError("a page with a key that was not asked for");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTablesPage(const v1::ListTables& list,
                             const v1::CommandResponse& page) {
  for (const v1::TableInfo& table : page.tables()) {
    if (!absl::StartsWith(table.name(), list.prefix())) {
      return absl::DataLossError("a page with a table that was not asked for");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSize(int size, std::uint32_t limit) {
  if (limit == 0 || static_cast<std::uint32_t>(size) <= limit) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("a page of ", size, " where at most ",
                                          limit, " were asked for"));
}

// A scan would go on for ever.
absl::Status CheckCursor(const std::string& asked, const std::string& given) {
  if (given.empty() || given != asked) return absl::OkStatus();
  return absl::DataLossError("a page with its own cursor");
}

absl::Status WrongType(const char* wanted) {
  return absl::DataLossError(
      absl::StrCat("an answer whose value is not ", wanted));
}

}  // namespace

absl::Status CheckStates(const Answer& answer, int states) {
  absl::Status status = CheckAnswer(answer, -1);
  if (!status.ok()) return status;
  if (answer->states_size() != states) {
    return absl::DataLossError(
        IsForgotten(*answer, states)
            ? answer->message()
            : absl::StrCat("an answer of ", answer->states_size(),
                           " states instead of ", states));
  }
  for (const v1::KeyState& state : answer->states()) {
    status = CheckState(state);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckTable(const Answer& answer) {
  absl::Status status = CheckAnswer(answer, -1);
  if (!status.ok() || answer->tables_size() == 1) return status;
  return absl::DataLossError(absl::StrCat(
      "an answer of ", answer->tables_size(), " tables instead of one"));
}

absl::Status CheckPage(const v1::CommandRequest& request,
                       const Answer& answer) {
  absl::Status status = CheckAnswer(answer, -1);
  if (!status.ok()) return status;
  if (request.has_scan()) {
    const v1::Scan& scan = request.scan();
    status = CheckScanPage(scan, *answer);
    if (status.ok()) status = CheckSize(answer->states_size(), scan.limit());
    if (status.ok()) status = CheckCursor(scan.cursor(), answer->cursor());
  } else {
    const v1::ListTables& list = request.list_tables();
    status = CheckTablesPage(list, *answer);
    if (status.ok()) status = CheckSize(answer->tables_size(), list.limit());
    if (status.ok()) status = CheckCursor(list.cursor(), answer->cursor());
  }
  return status;
}

absl::StatusOr<PutResult> PutOfState(v1::KeyState& state) {
  PutResult result;
  if (state.has_previous()) {
    result.previous = ToKeyState(std::move(*state.mutable_previous()));
  }
  const KeyState written = ToKeyState(std::move(state));
  result.version = written.version;
  result.expires_at = written.expires_at;
  return result;
}

absl::StatusOr<RemoveResult> RemoveOfState(v1::KeyState& state) {
  RemoveResult result;
  result.version = state.version();
  if (state.has_previous()) {
    result.previous = ToKeyState(std::move(*state.mutable_previous()));
  }
  return result;
}

absl::StatusOr<std::int64_t> IntegerOfState(v1::KeyState& state) {
  if (state.value().value_case() != Value::kInteger) {
    return WrongType("an integer");
  }
  return state.value().integer();
}

absl::StatusOr<double> FloatOfState(v1::KeyState& state) {
  if (state.value().value_case() != Value::kFloat) return WrongType("a float");
  return state.value().float_();
}

absl::StatusOr<std::uint64_t> BytesOfState(v1::KeyState& state) {
  return state.value_bytes();
}

absl::StatusOr<KeyState> KeyStateOfState(v1::KeyState& state) {
  return ToKeyState(std::move(state));
}

absl::StatusOr<std::optional<Clock::Duration>> DecodeTimeToLive::operator()(
    Answer answer) const {
  const absl::Status status = CheckStates(answer, 1);
  if (!status.ok()) return status;
  const KeyState state = ToKeyState(std::move(*answer->mutable_states(0)));
  if (!state.exists()) {
    return absl::NotFoundError(
        absl::StrCat("Not found: table ", table, ", key ", key));
  }
  return state.expires_in;
}

absl::StatusOr<TableInfo> DecodeTable(Answer answer) {
  const absl::Status status = CheckTable(answer);
  if (!status.ok()) return status;
  return ToTableInfo(std::move(*answer->mutable_tables(0)));
}

}  // namespace coffer::internal
