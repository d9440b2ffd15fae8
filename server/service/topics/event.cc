#include "coffer/server/service/topics/event.h"

#include "absl/strings/match.h"
#include "coffer/sdk/internal/assert.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"

namespace coffer::server {
namespace {

// `event { sequence }` with the largest number.
constexpr std::size_t kSequenceBytesMax = 16;
// The object, its reference counts and its place in a ring.
constexpr std::size_t kObjectBytes = 136;

using google::protobuf::internal::WireFormatLite;

v1::Change::Kind KindOf(KeyChange::Kind kind) {
  switch (kind) {
    case KeyChange::Kind::kSet:
      return v1::Change::SET;
    case KeyChange::Kind::kRemoved:
      return v1::Change::REMOVED;
    case KeyChange::Kind::kExpired:
      return v1::Change::EXPIRED;
    case KeyChange::Kind::kTableGone:
      return v1::Change::TABLE_GONE;
    case KeyChange::Kind::kTableCame:
      return v1::Change::TABLE_CAME;
  }
  COFFER_ASSERT(false && "a kind of change");
}

// A field whose value is these bytes, in front of which they stand.
void WriteLength(int field, std::size_t size,
                 google::protobuf::io::CodedOutputStream* to) {
  to->WriteTag(WireFormatLite::MakeTag(
      field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
  to->WriteVarint32(static_cast<std::uint32_t>(size));
}

std::size_t LengthSize(int field, std::size_t size) {
  using google::protobuf::io::CodedOutputStream;
  return CodedOutputStream::VarintSize32(WireFormatLite::MakeTag(
             field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED)) +
         CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(size));
}

}  // namespace

Event::Event(const v1::Publish& publish) {
  v1::CommandResponse response;
  response.set_status(200);
  *response.mutable_values() = publish.data();
  for (v1::Value& value : *response.mutable_values()) {
    value.DiscardUnknownFields();
  }
  older_size_ = response.ByteSizeLong();
  bytes_.reserve(older_size_ + kSequenceBytesMax);
  response.AppendToString(&bytes_);
}

// The key comes last, and the value, which is serialized already, is copied
// once.
Event::Event(const KeyChange& change) {
  v1::CommandResponse response;
  response.set_status(200);
  v1::Change rest;
  rest.set_kind(KindOf(change.kind));
  rest.set_version(change.version);
  rest.set_expires_at_ms(change.expires_at_ms);
  const absl::string_view value = change.value.view();
  std::size_t size = rest.ByteSizeLong();
  if (change.value) {
    size +=
        LengthSize(v1::Change::kValueFieldNumber, value.size()) + value.size();
  }
  has_key_ = change.kind != KeyChange::Kind::kTableGone &&
             change.kind != KeyChange::Kind::kTableCame;
  if (has_key_) {
    size += LengthSize(v1::Change::kKeyFieldNumber, change.key.size()) +
            change.key.size();
  }
  const std::size_t event_size =
      LengthSize(v1::SubscriptionEvent::kChangeFieldNumber, size) + size;
  bytes_.reserve(
      response.ByteSizeLong() +
      LengthSize(v1::CommandResponse::kEventFieldNumber, event_size) +
      event_size + kSequenceBytesMax);
  {
    google::protobuf::io::StringOutputStream stream(&bytes_);
    google::protobuf::io::CodedOutputStream to(&stream);
    response.SerializeToCodedStream(&to);
    WriteLength(v1::CommandResponse::kEventFieldNumber, event_size, &to);
    WriteLength(v1::SubscriptionEvent::kChangeFieldNumber, size, &to);
    rest.SerializeToCodedStream(&to);
    if (change.value) {
      WriteLength(v1::Change::kValueFieldNumber, value.size(), &to);
      to.WriteRaw(value.data(), static_cast<int>(value.size()));
    }
    if (has_key_) {
      WriteLength(v1::Change::kKeyFieldNumber, change.key.size(), &to);
      to.WriteRaw(change.key.data(), static_cast<int>(change.key.size()));
    }
  }
  key_size_ = has_key_ ? change.key.size() : 0;
  key_at_ = bytes_.size() - key_size_;
}

void Event::SetSequence(std::uint64_t sequence) {
  sequence_ = sequence;
  v1::CommandResponse rest;
  rest.mutable_event()->set_sequence(sequence);
  rest.AppendToString(&bytes_);
}

bool Event::Concerns(absl::string_view prefix) const {
  if (!has_key_) return true;
  return absl::StartsWith(absl::string_view(bytes_).substr(key_at_, key_size_),
                          prefix);
}

std::size_t Event::cost() const { return bytes_.capacity() + kObjectBytes; }

std::string SubscriptionIdField(std::uint64_t subscription_id) {
  v1::CommandResponse field;
  field.set_subscription_id(subscription_id);
  return field.SerializeAsString();
}

}  // namespace coffer::server
