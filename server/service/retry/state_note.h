// StateNote: writes the RetryState, as it is told to.

#ifndef COFFER_SERVER_SERVICE_RETRY_STATE_NOTE_H_
#define COFFER_SERVER_SERVICE_RETRY_STATE_NOTE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/server/service/retry/retry_note.pb.h"
#include "coffer/server/storage/batch.h"

namespace coffer::server {

class StateNote final : public ValueChange {
 public:
  explicit StateNote(const RetryState& state)
      : bytes_(state.SerializeAsString()) {}

  absl::Status Apply(absl::optional<absl::string_view>, absl::Span<const Op>,
                     std::string* changed) const override {
    *changed = bytes_;
    return absl::OkStatus();
  }

 private:
  const std::string bytes_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_STATE_NOTE_H_
