// MaintenanceThread: a thread that does what is to be done now and then.
//
// Jobs run on it one at a time, and may block. Any thread may add some; those
// that are there when it is destroyed are dropped, but for the one that runs.

#ifndef COFFER_SERVER_STORAGE_DURABLE_MAINTENANCE_THREAD_H_
#define COFFER_SERVER_STORAGE_DURABLE_MAINTENANCE_THREAD_H_

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <thread>

#include "coffer/sdk/clock.h"

namespace coffer::server {

class MaintenanceThread {
 public:
  // The clock outlives it.
  explicit MaintenanceThread(Clock* clock);
  ~MaintenanceThread();
  MaintenanceThread(const MaintenanceThread&) = delete;
  MaintenanceThread& operator=(const MaintenanceThread&) = delete;

  // Each time when so long has passed since the last time was over.
  void RunEvery(Clock::Duration period, std::function<void()> job);
  // Now, and again after each period, until it returns true.
  void RunUntilDone(Clock::Duration period, std::function<bool()> job);

 private:
  void Wait(Clock::Duration period, std::function<bool()> job);

  Clock& clock_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_;
  std::thread thread_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_MAINTENANCE_THREAD_H_
