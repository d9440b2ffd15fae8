// SessionWaker: carries the wake-ups of topics from the publishers' threads to
// a session's. However many come, one function is posted at a time.
//
// Threads: Wake on any; the rest on the executor's. Close comes before the
// executor's context goes: nothing is posted any more then.

#ifndef COFFER_SERVER_SESSION_SESSION_WAKER_H_
#define COFFER_SERVER_SESSION_SESSION_WAKER_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "coffer/server/service/topics/topic.h"

namespace coffer::server {

class SessionWaker final : public TopicWaker,
                           public std::enable_shared_from_this<SessionWaker> {
 public:
  // Given the subscriptions that were woken, on the executor.
  using Woken = absl::AnyInvocable<void(const std::vector<std::uint64_t>&)>;

  SessionWaker(boost::asio::any_io_executor executor, Woken woken)
      : executor_(std::move(executor)), woken_(std::move(woken)) {}

  void Wake(std::uint64_t subscription_id) override;

  // The function is not called any more.
  void Close();

 private:
  void Run();

  const boost::asio::any_io_executor executor_;
  Woken woken_;  // the executor's; null once closed
  std::mutex mutex_;
  std::vector<std::uint64_t> ids_;
  bool posted_ = false;
  bool closed_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SESSION_WAKER_H_
