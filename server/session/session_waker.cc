#include "coffer/server/session/session_waker.h"

#include <boost/asio/post.hpp>

namespace coffer::server {

void SessionWaker::Wake(std::uint64_t subscription_id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  ids_.push_back(subscription_id);
  if (posted_) return;
  posted_ = true;
  // With the lock, so that Close is not done before this is.
  boost::asio::post(executor_, [self = shared_from_this()] { self->Run(); });
}

void SessionWaker::Close() {
  woken_ = nullptr;
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
}

void SessionWaker::Run() {
  std::vector<std::uint64_t> ids;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted_ = false;
    ids.swap(ids_);
  }
  if (woken_ != nullptr) woken_(ids);
}

}  // namespace coffer::server
