#include "coffer/sdk/frame/frame_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace coffer {
namespace {

// Where a Status carries its FrameErrc, in decimal.
constexpr char kPayloadUrl[] = "coffer.frame";

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "coffer.frame"; }

  std::string message(int value) const override {
    switch (static_cast<FrameErrc>(value)) {
      case FrameErrc::kOversizeFrame:
        return "frame exceeds the limit";
      case FrameErrc::kOversizeMessage:
        return "message exceeds the limit";
      case FrameErrc::kTruncatedHeader:
        return "end of input inside a frame header";
      case FrameErrc::kTruncatedPayload:
        return "end of input inside a frame payload";
      case FrameErrc::kTruncatedBlock:
        return "compressed block ends early";
      case FrameErrc::kCorruptBlock:
        return "compressed block is corrupt";
      case FrameErrc::kSizeMismatch:
        return "compressed block does not have its declared size";
      case FrameErrc::kTrailingBytes:
        return "bytes after the compressed block";
      case FrameErrc::kUnparsable:
        return "payload does not parse";
    }
    return absl::StrCat("frame error ", value);
  }
};

absl::StatusCode StatusCodeOf(FrameErrc code) {
  switch (code) {
    case FrameErrc::kOversizeFrame:
    case FrameErrc::kOversizeMessage:
      return absl::StatusCode::kResourceExhausted;
    case FrameErrc::kTruncatedHeader:
    case FrameErrc::kTruncatedPayload:
      return absl::StatusCode::kDataLoss;
    case FrameErrc::kTruncatedBlock:
    case FrameErrc::kCorruptBlock:
    case FrameErrc::kSizeMismatch:
    case FrameErrc::kTrailingBytes:
    case FrameErrc::kUnparsable:
      break;
  }
  return absl::StatusCode::kInvalidArgument;
}

}  // namespace

const boost::system::error_category& FrameCategory() {
  static const Category category;
  return category;
}

boost::system::error_code make_error_code(FrameErrc code) {
  return {static_cast<int>(code), FrameCategory()};
}

absl::Status FrameError(FrameErrc code, absl::string_view message) {
  absl::Status status(StatusCodeOf(code), message);
  status.SetPayload(kPayloadUrl,
                    absl::Cord(absl::StrCat(static_cast<int>(code))));
  return status;
}

boost::system::error_code FrameErrorCode(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  int code = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &code)) {
    return {};
  }
  return {code, FrameCategory()};
}

}  // namespace coffer
