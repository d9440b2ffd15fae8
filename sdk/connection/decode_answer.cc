#include "coffer/sdk/connection/decode_answer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/key_state.h"
#include "coffer/sdk/status/status_codes.h"

namespace coffer::internal {

absl::Status CheckAnswer(const Answer& answer, int values) {
  if (!answer.ok()) return answer.status();
  absl::Status status = ToStatus(*answer);
  if (absl::IsFailedPrecondition(status) && answer->states_size() == 1) {
    return WithPresentState(std::move(status), answer->states(0));
  }
  if (!status.ok()) return status;
  if (values >= 0 && answer->values_size() != values) {
    // Of a write that was sent again: done, but its answer was too large to be
    // kept.
    if (answer->values_size() == 0 && !answer->message().empty()) {
      return absl::DataLossError(answer->message());
    }
    return absl::DataLossError(absl::StrCat(
        "an answer of ", answer->values_size(), " values instead of ", values));
  }
  return absl::OkStatus();
}

}  // namespace coffer::internal
