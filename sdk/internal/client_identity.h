// ClientIdentity: what makes one client instance known to a server across its
// connections: a random id, and request ids that are never used twice. So a
// request that is sent again is known for what it is.
//
// Thread-safe.

#ifndef COFFER_SDK_INTERNAL_CLIENT_IDENTITY_H_
#define COFFER_SDK_INTERNAL_CLIENT_IDENTITY_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

namespace coffer::internal {

class ClientIdentity {
 public:
  // 16 bytes.
  explicit ClientIdentity(std::string client_id)
      : client_id_(std::move(client_id)) {}

  const std::string& client_id() const { return client_id_; }

  // From 1.
  std::uint64_t NewRequestId() {
    return next_.fetch_add(1, std::memory_order_relaxed);
  }
  // None from here on has been given out yet.
  std::uint64_t next_request_id() const {
    return next_.load(std::memory_order_relaxed);
  }

 private:
  const std::string client_id_;
  std::atomic<std::uint64_t> next_{1};
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_INTERNAL_CLIENT_IDENTITY_H_
