// ClientIdentity: what makes one client instance known to a server across its
// connections: a random id, and request ids that are never used twice. So a
// request that is sent again is known for what it is.
//
// Thread-safe.

#ifndef COFFER_SDK_CONNECTION_CLIENT_IDENTITY_H_
#define COFFER_SDK_CONNECTION_CLIENT_IDENTITY_H_

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
  // A request is about to be sent, for the first time or again.
  void Sending(std::uint64_t request_id) {
    std::uint64_t last = last_sent_.load(std::memory_order_relaxed);
    while (last < request_id &&
           !last_sent_.compare_exchange_weak(last, request_id,
                                             std::memory_order_relaxed)) {
    }
  }
  // None from here on has been sent yet. (Those that wait for their first
  // connection have ids, and were not sent.)
  std::uint64_t next_to_send() const {
    return last_sent_.load(std::memory_order_relaxed) + 1;
  }

 private:
  const std::string client_id_;
  std::atomic<std::uint64_t> next_{1};
  std::atomic<std::uint64_t> last_sent_{0};
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_CLIENT_IDENTITY_H_
