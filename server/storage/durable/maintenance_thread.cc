#include "coffer/server/storage/durable/maintenance_thread.h"

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <utility>

namespace coffer::server {

MaintenanceThread::MaintenanceThread(Clock* clock)
    : clock_(*clock),
      work_(boost::asio::make_work_guard(io_)),
      thread_([this] { io_.run(); }) {}

MaintenanceThread::~MaintenanceThread() {
  io_.stop();
  thread_.join();
}

void MaintenanceThread::RunEvery(Clock::Duration period,
                                 std::function<void()> job) {
  boost::asio::post(io_, [this, period, job = std::move(job)]() mutable {
    Wait(period, [job = std::move(job)] {
      job();
      return false;
    });
  });
}

void MaintenanceThread::RunUntilDone(Clock::Duration period,
                                     std::function<bool()> job) {
  boost::asio::post(io_, [this, period, job = std::move(job)]() mutable {
    if (!job()) Wait(period, std::move(job));
  });
}

void MaintenanceThread::Wait(Clock::Duration period,
                             std::function<bool()> job) {
  std::shared_ptr<Timer> timer = clock_.MakeTimer(io_.get_executor());
  Timer& waiting = *timer;
  waiting.AsyncWaitUntil(
      clock_.Now() + period,
      [this, period, job = std::move(job),
       timer = std::move(timer)](boost::system::error_code error) mutable {
        if (error) return;
        if (!job()) Wait(period, std::move(job));
      });
}

}  // namespace coffer::server
