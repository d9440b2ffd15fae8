// Sweeper: has the storage remove what has expired, now and then: every 100 ms,
// and at once again while there is more, with whatever else its executor has to
// do in between.

#ifndef COFFER_SERVER_SWEEPER_H_
#define COFFER_SERVER_SWEEPER_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>

#include "coffer/sdk/clock.h"
#include "coffer/server/storage/storage.h"

namespace coffer::server {

class Sweeper {
 public:
  static constexpr std::chrono::milliseconds kInterval{100};

  // Works on `executor`, of one thread, and counts as work of it. All outlive
  // it; it is destroyed on the executor's thread, or when that runs nothing.
  Sweeper(boost::asio::any_io_executor executor, Clock* clock, Storage* storage)
      : state_(std::make_shared<State>(executor, clock, storage)) {
    Wait(state_);
  }
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;
  ~Sweeper() {
    state_->over = true;
    state_->timer->Cancel();
  }

 private:
  // Shared with what is on its way to be called.
  struct State {
    State(boost::asio::any_io_executor its_executor, Clock* its_clock,
          Storage* its_storage)
        : executor(its_executor),
          clock(*its_clock),
          storage(*its_storage),
          timer(its_clock->MakeTimer(its_executor)) {}

    const boost::asio::any_io_executor executor;
    Clock& clock;
    Storage& storage;
    const std::unique_ptr<Timer> timer;
    bool over = false;
  };

  static void Wait(const std::shared_ptr<State>& state) {
    state->timer->AsyncWaitUntil(state->clock.Now() + kInterval,
                                 [state](boost::system::error_code error) {
                                   if (!error) Sweep(state);
                                 });
  }
  static void Sweep(const std::shared_ptr<State>& state) {
    if (state->over) return;
    if (!state->storage.Sweep()) return Wait(state);
    boost::asio::post(state->executor, [state] { Sweep(state); });
  }

  const std::shared_ptr<State> state_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SWEEPER_H_
