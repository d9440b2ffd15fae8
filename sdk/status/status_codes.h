// The two places where an error changes its form: between the status of an
// answer (HTTP's numbers) and absl::StatusCode, and from the error codes of
// streams to absl::Status.
//
//     wire                                     absl
//     200                                      OK
//     400 malformed                            InvalidArgument, OutOfRange,
//                                              Unimplemented
//     401                                      Unauthenticated
//     403                                      PermissionDenied
//     404                                      NotFound
//     408 its deadline passed                  DeadlineExceeded
//     409 a condition did not hold             FailedPrecondition, Aborted,
//                                              AlreadyExists
//     413 over a limit                         ResourceExhausted
//     429 overloaded                           -> Unavailable
//     500                                      Internal, and every other
//     503                                      Unavailable
//
// The first of a line is what its number becomes when it is received. Other
// numbers: 2xx OK, 4xx InvalidArgument, 5xx Internal, the rest Unknown.

#ifndef COFFER_SDK_STATUS_STATUS_CODES_H_
#define COFFER_SDK_STATUS_STATUS_CODES_H_

#include <boost/system/error_code.hpp>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

uint32_t ToWireStatus(absl::StatusCode code);
absl::StatusCode FromWireStatus(uint32_t status);

// OK for a 2xx, else the code with the answer's message, and its outcome if it
// says one (outcome.h).
absl::Status ToStatus(const v1::CommandResponse& response);

// "DOING: what the error code says", and OK for no error. The code is
//   Unavailable        the connection ended, was refused or cannot be made
//   Cancelled          operation_aborted
//   DeadlineExceeded   timed_out
//   ResourceExhausted  no descriptors, buffers or memory left
//   PermissionDenied, InvalidArgument, FailedPrecondition (address in use)
//   as FrameError has it for the category "coffer.frame"
//   Unknown            what is none of these
absl::Status ToStatus(const boost::system::error_code& error,
                      absl::string_view doing);

}  // namespace coffer

#endif  // COFFER_SDK_STATUS_STATUS_CODES_H_
