#include "coffer/sdk/internal/sync_loop.h"

#include <system_error>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::internal {

SyncLoop::SyncLoop() {
  try {
    thread_ = std::thread([this] { io_.run(); });
  } catch (const std::system_error& error) {
    status_ = absl::ResourceExhaustedError(
        absl::StrCat("no thread for the client: ", error.what()));
  }
}

SyncLoop::~SyncLoop() {
  COFFER_ASSERT(std::this_thread::get_id() != thread_.get_id() &&
                "the client is not to be destroyed on its own thread");
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

const absl::Status& SyncLoop::MayBlock() const {
  COFFER_ASSERT(std::this_thread::get_id() != thread_.get_id() &&
                "a blocking call on the client's own thread waits for itself");
  return status_;
}

}  // namespace coffer::internal
