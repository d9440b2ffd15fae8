// The outcome of a failed request, carried by its absl::Status: whether the
// request may have had an effect. ToStatus (status_codes.h) attaches what the
// answer says; code that decides about a retry asks for it here.
//
// It is a payload of the status, so it survives copies, StatusOr and whoever
// passes the status on. A status that is equal but for its outcome compares
// unequal. Pure; any thread.

#ifndef COFFER_SDK_STATUS_OUTCOME_H_
#define COFFER_SDK_STATUS_OUTCOME_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

inline constexpr absl::string_view kOutcomeTypeUrl = "coffer.v1/Outcome";

// OUTCOME_UNSPECIFIED if nobody has said.
v1::Outcome OutcomeOf(const absl::Status& status);

// `status`, saying `outcome` in place of what it said before;
// OUTCOME_UNSPECIFIED takes that away. OK stays as it is: it has no outcome.
absl::Status WithOutcome(absl::Status status, v1::Outcome outcome);

}  // namespace coffer

#endif  // COFFER_SDK_STATUS_OUTCOME_H_
