#include "coffer/sdk/frame/field_count.h"

#include <cstdint>

#include "absl/strings/str_format.h"
#include "coffer/sdk/frame/frame_error.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace coffer {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// The least that a field takes: a tag and a byte.
constexpr std::size_t kFieldBytesLeast = 2;

// Takes the fields of one message off `left`. False where counting ends: there
// are more, or the payload is malformed.
bool CountDown(CodedInputStream* input, const Descriptor& type,
               std::size_t* left) {
  for (;;) {
    const std::uint32_t tag = input->ReadTag();
    if (tag == 0) return true;  // the end, or what the parser will refuse
    if (*left == 0) return false;
    --*left;
    const FieldDescriptor* field =
        type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    const bool nested = field != nullptr &&
                        field->type() == FieldDescriptor::TYPE_MESSAGE &&
                        WireFormatLite::GetTagWireType(tag) ==
                            WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    if (!nested) {
      if (!WireFormatLite::SkipField(input, tag)) return false;
      continue;
    }
    std::uint32_t bytes = 0;
    if (!input->ReadVarint32(&bytes) || bytes > 0x7fffffffu) return false;
    const auto outer = input->PushLimit(static_cast<int>(bytes));
    if (!CountDown(input, *field->message_type(), left)) return false;
    if (input->BytesUntilLimit() != 0) return false;  // malformed
    input->PopLimit(outer);
  }
}

}  // namespace

absl::Status CheckFieldCount(absl::string_view payload, const Descriptor& type,
                             std::size_t fields_max) {
  if (fields_max == 0 || payload.size() / kFieldBytesLeast <= fields_max) {
    return absl::OkStatus();
  }
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(payload.data()),
                         static_cast<int>(payload.size()));
  std::size_t left = fields_max;
  if (CountDown(&input, type, &left) || left > 0) return absl::OkStatus();
  return FrameError(
      FrameErrc::kOversizeMessage,
      absl::StrFormat("message of %u bytes exceeds the limit of %u fields",
                      payload.size(), fields_max));
}

}  // namespace coffer
