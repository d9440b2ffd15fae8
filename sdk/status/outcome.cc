#include "coffer/sdk/status/outcome.h"

#include "absl/strings/cord.h"

namespace coffer {
namespace {

// By name, for a status that is printed shows it.
constexpr absl::string_view kNotExecuted = "NOT_EXECUTED";
constexpr absl::string_view kUnknown = "UNKNOWN";

}  // namespace

v1::Outcome OutcomeOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kOutcomeTypeUrl);
  if (!payload.has_value()) return v1::OUTCOME_UNSPECIFIED;
  if (*payload == kNotExecuted) return v1::NOT_EXECUTED;
  if (*payload == kUnknown) return v1::UNKNOWN;
  return v1::OUTCOME_UNSPECIFIED;
}

absl::Status WithOutcome(absl::Status status, v1::Outcome outcome) {
  switch (outcome) {
    case v1::NOT_EXECUTED:
      status.SetPayload(kOutcomeTypeUrl, absl::Cord(kNotExecuted));
      break;
    case v1::UNKNOWN:
      status.SetPayload(kOutcomeTypeUrl, absl::Cord(kUnknown));
      break;
    default:
      status.ErasePayload(kOutcomeTypeUrl);
  }
  return status;
}

}  // namespace coffer
