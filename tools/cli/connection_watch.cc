#include "coffer/tools/cli/connection_watch.h"

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/internal/mapped_handler.h"
#include "coffer/sdk/stream/any_stream.h"

namespace coffer::cli {
namespace {

class SendingWatch final : public Observer {
 public:
  explicit SendingWatch(std::shared_ptr<ConnectionWatch> watch)
      : watch_(std::move(watch)) {}

  void OnSent(const CallInfo&, std::size_t) override { watch_->sent = true; }

 private:
  const std::shared_ptr<ConnectionWatch> watch_;
};

class DialingWatch final : public Dialer {
 public:
  DialingWatch(std::unique_ptr<Dialer> next,
               std::shared_ptr<ConnectionWatch> watch)
      : next_(std::move(next)), watch_(std::move(watch)) {}

  std::string target() const override { return next_->target(); }

  void Dial(boost::asio::any_io_executor executor, Clock::Duration timeout,
            DialHandler handler) override {
    watch_->dialing = true;
    auto dialed = [watch = watch_](absl::StatusOr<AnyStream> stream) {
      watch->dialing = false;
      return stream;
    };
    next_->Dial(std::move(executor), timeout,
                internal::MapResult(std::move(handler), std::move(dialed)));
  }

 private:
  const std::unique_ptr<Dialer> next_;
  const std::shared_ptr<ConnectionWatch> watch_;
};

}  // namespace

std::shared_ptr<Observer> WatchSending(std::shared_ptr<ConnectionWatch> watch) {
  return std::make_shared<SendingWatch>(std::move(watch));
}

std::shared_ptr<Dialer> WatchDialing(std::unique_ptr<Dialer> dialer,
                                     std::shared_ptr<ConnectionWatch> watch) {
  return std::make_shared<DialingWatch>(std::move(dialer), std::move(watch));
}

}  // namespace coffer::cli
