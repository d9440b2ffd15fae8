// Event: one PUBLISH, or one change of a key, as its subscribers are sent it,
// encoded once for all of them.
//
// Fields of a message may stand in any order, and messages may be concatenated.
// So the bytes begin with what an older subscriber is sent, CommandResponse{
// status, values }, and end with `event{ sequence }`; a subscriber of ours gets
// all of them and its `subscription_id`, which is a field of a few bytes. A
// change has nothing for older subscribers: it is all in `event{ change }`.
//
// Immutable once it is published, and shared by any threads.

#ifndef COFFER_SERVER_SERVICE_TOPICS_EVENT_H_
#define COFFER_SERVER_SERVICE_TOPICS_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "coffer/server/storage/storage.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class Event {
 public:
  // Without the fields of its values that this build does not know.
  explicit Event(const v1::Publish& publish);
  explicit Event(const KeyChange& change);

  // Once, before it is shared. From 1.
  void SetSequence(std::uint64_t sequence);
  std::uint64_t sequence() const { return sequence_; }

  // To an older subscriber, and to one of ours (then `subscription_id` follows,
  // see SubscriptionIdField).
  absl::string_view older_bytes() const {
    return absl::string_view(bytes_).substr(0, older_size_);
  }
  absl::string_view bytes() const { return bytes_; }

  // Whether it concerns a key that begins with `prefix`. A change of a whole
  // table concerns each.
  bool Concerns(absl::string_view prefix) const;

  // What keeping it costs, in bytes.
  std::size_t cost() const;

 private:
  std::string bytes_;
  std::size_t older_size_ = 0;
  std::uint64_t sequence_ = 0;
  // Of the key of a change, in bytes_.
  bool has_key_ = false;
  std::size_t key_at_ = 0;
  std::size_t key_size_ = 0;
};

using EventPtr = std::shared_ptr<const Event>;

// The field `subscription_id` of a CommandResponse, on the wire.
std::string SubscriptionIdField(std::uint64_t subscription_id);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_TOPICS_EVENT_H_
