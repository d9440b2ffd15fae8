#include "coffer/server/storage/held_bytes.h"

#include "absl/strings/str_cat.h"

namespace coffer::server {

absl::Status HeldBytes::TooMuch() const {
  const size_t of_unit = before_unit_.has_value() ? bytes_ - *before_unit_ : 0;
  if (of_unit >= bytes_max_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the values of one request take ", of_unit,
                     " bytes so far, the limit is ", bytes_max_));
  }
  return absl::UnavailableError(absl::StrCat(
      "overloaded: the values of requests that were sent together take ",
      bytes_, " bytes so far, the limit is ", bytes_max_));
}

}  // namespace coffer::server
