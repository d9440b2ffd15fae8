#include "coffer/server/service/commands/stored_value.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "google/protobuf/io/coded_stream.h"

namespace coffer::server {
namespace {

using google::protobuf::uint8;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr size_t kVarintBytesMax = 10;

// Of a field that is length-delimited.
constexpr char TextTag(int field) { return static_cast<char>(field << 3 | 2); }

absl::Status DoesNotParse(absl::string_view stored) {
  return absl::DataLossError(
      absl::StrCat("stored value of ", stored.size(), " bytes does not parse"));
}

}  // namespace

absl::StatusOr<ValueCase> TypeOf(absl::string_view stored) {
  if (stored.empty()) return v1::Value::VALUE_NOT_SET;
  switch (static_cast<unsigned char>(stored[0]) >> 3) {
    case v1::Value::kStringFieldNumber:
      return v1::Value::kString;
    case v1::Value::kBinaryFieldNumber:
      return v1::Value::kBinary;
    case v1::Value::kIntegerFieldNumber:
      return v1::Value::kInteger;
    case v1::Value::kFloatFieldNumber:
      return v1::Value::kFloat;
    case v1::Value::kBoolFieldNumber:
      return v1::Value::kBool;
    default:
      return DoesNotParse(stored);
  }
}

absl::string_view TypeName(ValueCase type) {
  switch (type) {
    case v1::Value::kString:
      return "a string";
    case v1::Value::kBinary:
      return "binary";
    case v1::Value::kInteger:
      return "an integer";
    case v1::Value::kFloat:
      return "a float";
    case v1::Value::kBool:
      return "a bool";
    default:
      return "empty";
  }
}

absl::StatusOr<absl::string_view> TextOf(absl::string_view stored) {
  if (stored.empty() || (stored[0] != TextTag(v1::Value::kStringFieldNumber) &&
                         stored[0] != TextTag(v1::Value::kBinaryFieldNumber))) {
    return DoesNotParse(stored);
  }
  CodedInputStream in(reinterpret_cast<const uint8*>(stored.data()),
                      static_cast<int>(stored.size()));
  google::protobuf::uint32 bytes = 0;
  if (in.ReadTag() == 0 || !in.ReadVarint32(&bytes))
    return DoesNotParse(stored);
  const auto begin = static_cast<size_t>(in.CurrentPosition());
  if (stored.size() - begin != bytes) return DoesNotParse(stored);
  return stored.substr(begin);
}

size_t TextValueBytes(size_t text_bytes) {
  return 1 + CodedOutputStream::VarintSize64(text_bytes) + text_bytes;
}

void MakeText(ValueCase type, absl::string_view first, absl::string_view second,
              std::string* stored) {
  COFFER_ASSERT(type == v1::Value::kString || type == v1::Value::kBinary);
  const size_t bytes = first.size() + second.size();
  uint8 header[1 + kVarintBytesMax];
  header[0] = static_cast<uint8>(TextTag(type));
  const uint8* end = CodedOutputStream::WriteVarint64ToArray(bytes, header + 1);
  stored->reserve(TextValueBytes(bytes));
  stored->assign(reinterpret_cast<const char*>(header),
                 static_cast<size_t>(end - header));
  absl::StrAppend(stored, first, second);
}

}  // namespace coffer::server
