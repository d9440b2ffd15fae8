// EndsDialer: for tests of a client against servers that say just what a script
// has them say, one for each connection.

#ifndef COFFER_SDK_ENDS_DIALER_H_
#define COFFER_SDK_ENDS_DIALER_H_

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/testing/memory_pipe.h"

namespace coffer {

// Each dial takes the next end; without one it fails.
class EndsDialer final : public Dialer {
 public:
  // The server's end of the next connection.
  coffer_testing::MemoryPipe Next(boost::asio::any_io_executor executor) {
    auto [near, far] = coffer_testing::MakeMemoryPipe(std::move(executor));
    ends_.push_back(std::move(near));
    return std::move(far);
  }

  std::string target() const override { return "the script"; }
  void Dial(boost::asio::any_io_executor executor, Clock::Duration,
            DialHandler handler) override {
    internal::PendingHandler<absl::StatusOr<AnyStream>> dial(std::move(handler),
                                                             executor);
    if (ends_.empty()) return dial.Post(absl::UnavailableError("no server"));
    AnyStream end(std::move(ends_.front()));
    ends_.pop_front();
    dial.Post(std::move(end));
  }

 private:
  std::deque<coffer_testing::MemoryPipe> ends_;
};

}  // namespace coffer

#endif  // COFFER_SDK_ENDS_DIALER_H_
