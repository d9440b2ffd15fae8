#include "coffer/sdk/sync_calls.h"

#include <boost/asio/post.hpp>

namespace coffer {

SyncCalls::~SyncCalls() {
  // On the loop, so that what it ends is at rest.
  auto connection = std::exchange(client_, Client(nullptr)).connection();
  boost::asio::post(
      loop_->get_executor(),
      [ended = std::move(connection)]() mutable { ended.reset(); });
}

}  // namespace coffer
