#include "coffer/server/service/topics/event.h"

namespace coffer::server {
namespace {

// `event { sequence }` with the largest number.
constexpr std::size_t kSequenceBytesMax = 16;
// The object, its reference counts and its place in a ring.
constexpr std::size_t kObjectBytes = 112;

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

void Event::SetSequence(std::uint64_t sequence) {
  sequence_ = sequence;
  v1::CommandResponse rest;
  rest.mutable_event()->set_sequence(sequence);
  rest.AppendToString(&bytes_);
}

std::size_t Event::cost() const { return bytes_.capacity() + kObjectBytes; }

std::string SubscriptionIdField(std::uint64_t subscription_id) {
  v1::CommandResponse field;
  field.set_subscription_id(subscription_id);
  return field.SerializeAsString();
}

}  // namespace coffer::server
