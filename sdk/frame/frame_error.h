// What can be wrong with a frame: one code for each malformed case. The codes
// form the boost::system category "coffer.frame" for the stream, which speaks
// error_code; the API above it speaks absl::Status. FrameError() makes a Status
// that remembers its code, FrameErrorCode() takes the code out again.
//
//   kOversizeFrame, kOversizeMessage       ResourceExhausted
//   kTruncatedHeader, kTruncatedPayload    DataLoss
//   the rest                               InvalidArgument

#ifndef COFFER_SDK_FRAME_FRAME_ERROR_H_
#define COFFER_SDK_FRAME_FRAME_ERROR_H_

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/is_error_code_enum.hpp>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace coffer {

enum class FrameErrc {
  // The header claims a payload over the limit, or one would have to be sent.
  kOversizeFrame = 1,
  // The message is over the limit once uncompressed, received or to be sent.
  kOversizeMessage,
  // The input ended inside a header.
  kTruncatedHeader,
  // The input ended inside a payload.
  kTruncatedPayload,
  // The compressed block within the payload ended early.
  kTruncatedBlock,
  // The compressed block is not what its compressor writes.
  kCorruptBlock,
  // The compressed block holds more or less than it declares.
  kSizeMismatch,
  // Bytes follow the compressed block in the payload.
  kTrailingBytes,
  // The payload is not the protobuf message that is expected.
  kUnparsable,
};

const boost::system::error_category& FrameCategory();

boost::system::error_code make_error_code(FrameErrc code);

// A Status with the code of the table above and `message`: what, where and how
// much, as in "frame of 9000000 bytes exceeds the limit of 8388608".
absl::Status FrameError(FrameErrc code, absl::string_view message);

// The code `status` was made with; no error if it did not come from FrameError.
boost::system::error_code FrameErrorCode(const absl::Status& status);

}  // namespace coffer

template <>
struct boost::system::is_error_code_enum<coffer::FrameErrc> : std::true_type {};

#endif  // COFFER_SDK_FRAME_FRAME_ERROR_H_
