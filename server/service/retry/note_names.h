// The names of the notes in which a durable engine keeps what is known of the
// writes of clients (retry_note.proto): one for each write, and one for all.

#ifndef COFFER_SERVER_SERVICE_RETRY_NOTE_NAMES_H_
#define COFFER_SERVER_SERVICE_RETRY_NOTE_NAMES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace coffer::server {

// Of the RetryState.
inline constexpr absl::string_view kRetryStateName = "retries";

// Of a RetryNote at one of the places of its client, whose notes stand
// together.
std::string RetryNoteName(absl::string_view client_id, std::uint64_t place);

// False: it is the name of something else. `client_id` is a part of `name`.
bool ParseRetryNoteName(absl::string_view name, absl::string_view* client_id,
                        std::uint64_t* place);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_NOTE_NAMES_H_
