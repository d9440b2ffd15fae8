#include "coffer/sdk/sync_source.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "absl/status/status.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;

using Result = absl::StatusOr<Event>;

// A Next that waits; used on the loop. Its timer's handler may come later than
// its result.
struct WaitingNext {
  asio::cancellation_signal cancel;
  std::unique_ptr<Timer> timer;
  bool timed_out = false;
};

void WatchTime(const std::shared_ptr<WaitingNext>& waiting,
               Clock::TimePoint deadline) {
  waiting->timer->AsyncWaitUntil(
      deadline, [waiting](boost::system::error_code error) {
        if (error) return;
        waiting->timed_out = true;
        waiting->cancel.emit(asio::cancellation_type::terminal);
      });
}

Result Completed(WaitingNext& waiting, Result event) {
  if (waiting.timer != nullptr) waiting.timer->Cancel();
  if (waiting.timed_out && absl::IsCancelled(event.status())) {
    return absl::DeadlineExceededError("no event in time");
  }
  return event;
}

}  // namespace

SyncSource::SyncSource(std::shared_ptr<SyncLoop> loop, Clock* clock,
                       std::unique_ptr<EventSource> source)
    : loop_(std::move(loop)), clock_(clock), source_(std::move(source)) {}

SyncSource& SyncSource::operator=(SyncSource&& other) noexcept {
  if (this == &other) return *this;
  End();
  loop_ = std::move(other.loop_);
  clock_ = other.clock_;
  source_ = std::move(other.source_);
  return *this;
}

SyncSource::~SyncSource() { End(); }

void SyncSource::End() {
  if (source_ == nullptr) return;
  asio::post(loop_->get_executor(), [ended = std::move(source_)] {});
}

Result SyncSource::Wait(std::optional<Clock::Duration> timeout) {
  if (!loop_->MayBlock().ok()) return loop_->MayBlock();
  BlockingCall<Result> call;
  const Clock::TimePoint now = clock_->Now();
  auto start = [&, done = call.Handler()] {
    const auto waiting = std::make_shared<WaitingNext>();
    if (timeout.has_value() && *timeout < Clock::TimePoint::max() - now) {
      waiting->timer = clock_->MakeTimer(loop_->get_executor());
      WatchTime(waiting, now + *timeout);
    }
    source_->Next(asio::bind_cancellation_slot(
        waiting->cancel.slot(), [waiting, done](Result event) {
          done(Completed(*waiting, std::move(event)));
        }));
  };
  asio::post(loop_->get_executor(), std::move(start));
  return call.Wait();
}

}  // namespace coffer::internal
