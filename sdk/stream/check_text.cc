#include "coffer/sdk/stream/check_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/sdk/internal/utf8.h"
#include "google/protobuf/descriptor.h"

namespace coffer {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status CheckString(const std::string& text,
                         const FieldDescriptor& field) {
  const std::size_t good = internal::Utf8Prefix(text);
  if (good == text.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s is not UTF-8: byte 0x%02x at offset %d of %d; bytes belong into a "
      "binary value",
      std::string(field.full_name()), static_cast<unsigned char>(text[good]),
      good, text.size()));
}

absl::Status CheckField(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  const int count =
      field.is_repeated() ? reflection.FieldSize(message, &field) : 1;
  for (int i = 0; i < count; ++i) {
    absl::Status status;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      status = CheckText(field.is_repeated()
                             ? reflection.GetRepeatedMessage(message, &field, i)
                             : reflection.GetMessage(message, &field));
    } else {
      status = CheckString(
          field.is_repeated()
              ? reflection.GetRepeatedStringReference(message, &field, i,
                                                      &scratch)
              : reflection.GetStringReference(message, &field, &scratch),
          field);
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckText(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  // Not ListFields, which allocates: this is on the way of every call.
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.type() != FieldDescriptor::TYPE_STRING &&
        field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    if (!field.is_repeated() && !reflection.HasField(message, &field)) continue;
    absl::Status status = CheckField(message, field);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace coffer
