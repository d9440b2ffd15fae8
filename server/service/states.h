// States: the KeyStates and the tables of answers, which only peers of ours
// get. As in answer.h, nothing is built before it is known to fit.

#ifndef COFFER_SERVER_SERVICE_STATES_H_
#define COFFER_SERVER_SERVICE_STATES_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/shared_bytes.h"

namespace coffer::server {

// What a KeyState is made of.
struct StateParts {
  uint64_t version = 0;
  uint64_t expires_at_ms = 0;
  absl::string_view key = {};          // only of a Scan
  const SharedBytes* value = nullptr;  // null: it has none
  uint64_t value_bytes = 0;            // of an Append
  bool has_previous = false;
  uint64_t previous_version = 0;
  const SharedBytes* previous_value = nullptr;  // null: there was none
};

using StateVisitor = absl::FunctionRef<void(const StateParts&)>;
// Gives each state of an answer to the visitor, in order, whenever it is asked.
using StateSource = absl::FunctionRef<void(StateVisitor)>;

// 200 and the states. Other fields that the answer is to have are set before.
void AnswerStates(const AnswerContext& context, StateSource source);

// 200 and the tables. Other fields as above.
void AnswerTables(const AnswerContext& context,
                  absl::Span<const TableStats> tables);

// Adds to the answer, a 409, how the key of `op` is, as far as there is room.
void AddPresentState(const AnswerContext& context, const Op& op);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_STATES_H_
