// What the typed data commands make of the states and tables of an answer. One
// that does not fit its request is DataLoss.

#ifndef COFFER_SDK_CONNECTION_DECODE_STATE_H_
#define COFFER_SDK_CONNECTION_DECODE_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection/decode_answer.h"
#include "coffer/sdk/key_state.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

// As CheckAnswer: the error, or that there are not `states` states that make
// sense.
absl::Status CheckStates(const Answer& answer, int states);
// There is a table in it, and only one.
absl::Status CheckTable(const Answer& answer);
// Pages of a Scan and of a ListTables: what is in them is what was asked for.
absl::Status CheckPage(const v1::CommandRequest& request, const Answer& answer);

// One state that CheckStates has seen, of each kind of request.
absl::StatusOr<PutResult> PutOfState(v1::KeyState& state);
absl::StatusOr<RemoveResult> RemoveOfState(v1::KeyState& state);
absl::StatusOr<std::int64_t> IntegerOfState(v1::KeyState& state);
absl::StatusOr<double> FloatOfState(v1::KeyState& state);
absl::StatusOr<std::uint64_t> BytesOfState(v1::KeyState& state);
absl::StatusOr<KeyState> KeyStateOfState(v1::KeyState& state);
template <class T>
absl::StatusOr<Versioned<T>> VersionedOfState(v1::KeyState& state) {
  return ToVersioned<T>(std::move(state));
}

// Of an answer with one state, of which `of_state` makes the result.
template <class R>
auto DecodeState(absl::StatusOr<R> (*of_state)(v1::KeyState& state)) {
  return [of_state](Answer answer) -> absl::StatusOr<R> {
    const absl::Status status = CheckStates(answer, 1);
    if (!status.ok()) return status;
    return of_state(*answer->mutable_states(0));
  };
}

// Of one whose state is of no interest.
inline absl::Status DecodeWritten(Answer answer) {
  return CheckStates(answer, 1);
}

template <class T>
auto DecodeStates(int keys) {
  return [keys](Answer answer) -> absl::StatusOr<std::vector<Versioned<T>>> {
    const absl::Status status = CheckStates(answer, keys);
    if (!status.ok()) return status;
    std::vector<Versioned<T>> states;
    states.reserve(keys);
    for (v1::KeyState& state : *answer->mutable_states()) {
      absl::StatusOr<Versioned<T>> decoded = ToVersioned<T>(std::move(state));
      if (!decoded.ok()) return decoded.status();
      states.push_back(*std::move(decoded));
    }
    return states;
  };
}

// Of a Read of one key: NotFound if there is none.
struct DecodeTimeToLive {
  std::string table;
  std::string key;
  absl::StatusOr<std::optional<Clock::Duration>> operator()(
      Answer answer) const;
};

absl::StatusOr<TableInfo> DecodeTable(Answer answer);

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_DECODE_STATE_H_
