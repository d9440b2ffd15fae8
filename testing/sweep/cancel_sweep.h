// CancelSweep: cancels a flow right after its first operation was started, then
// right after its second, and so on, until a run completes that was not
// cancelled; for each type of cancellation.
//
//   CancelSweep([](CancelPoint& cancel) {
//     asio::io_context io;
//     auto [near, far] = MakeMemoryPipe(io.get_executor());
//     FaultStream<MemoryPipe> stream(std::move(near), cancel.injector());
//     asio::co_spawn(io, Flow(stream),
//                    asio::bind_cancellation_slot(
//                        cancel.slot(io), ...));
//     io.poll();
//     ASSERT_TRUE(result) << "hangs";
//     if (!cancel.fired()) EXPECT_FALSE(*result);
//     EXPECT_EQ(stream.next_layer().pending_reads(), 0);
//   });
//
// The emission is queued on `io` inside the initiation, before the operation
// goes on to the stream below, so it comes right after the initiation and ahead
// of the completion. A flow of N operations takes N + 1 runs for each type.
// Operations started before slot() is called are not counted: a set-up.
//
// Beware that a coroutine takes only terminal cancellation, unless it calls
// reset_cancellation_state: the other types then show that nothing happens.
//
// A failure inside `fn` ends the sweep, and the command is printed that makes
// that run alone (--cancel=5:partial). A sweep in which no operation was
// started after a call of slot() has tested nothing: a failure.
//
// Threads: `fn` runs here, and it runs `io` here.

#ifndef COFFER_TESTING_SWEEP_CANCEL_SWEEP_H_
#define COFFER_TESTING_SWEEP_CANCEL_SWEEP_H_

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <source_location>
#include <vector>

#include "absl/functional/function_ref.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/sweep/sweep_report.h"

namespace coffer_testing {

namespace internal {
class CancelSweeper;
}

// What a run is cancelled by.
class CancelPoint {
 public:
  CancelPoint(const CancelPoint&) = delete;
  CancelPoint& operator=(const CancelPoint&) = delete;

  // For the streams of the flow: does nothing but count.
  const std::shared_ptr<FaultInjector>& injector() const { return injector_; }

  // For the operation that is the flow, once a run; `io` is what runs it.
  boost::asio::cancellation_slot slot(
      boost::asio::io_context& io,
      std::source_location where = std::source_location::current());

  boost::asio::cancellation_type type() const { return type_; }

  // Whether the cancellation was queued in this run.
  bool fired() const { return fired_; }

 private:
  friend class internal::CancelSweeper;

  CancelPoint(uint64_t at, boost::asio::cancellation_type type,
              std::function<void()> on_operation);
  ~CancelPoint();

  void OnInitiation();

  const uint64_t at_;
  const boost::asio::cancellation_type type_;
  const std::function<void()> on_operation_;
  const std::shared_ptr<FaultInjector> injector_;
  // Shared with the emission, which may never run.
  const std::shared_ptr<boost::asio::cancellation_signal> signal_;
  boost::asio::io_context* io_ = nullptr;  // null until it is called
  uint64_t operations_ = 0;
  bool fired_ = false;
};

struct CancelSweepOptions {
  std::vector<boost::asio::cancellation_type> types = {
      boost::asio::cancellation_type::terminal,
      boost::asio::cancellation_type::partial,
      boost::asio::cancellation_type::total};
  // Started in all runs together; more is a failure: a flow that tries again
  // for ever would not let the sweep end.
  uint64_t operations_max = 1'000'000;
};

// Counts the runs whose flow ended as cancelled. A flow that may also end well
// passes a sweep if it ignores all cancellation: unless that is counted.
//
//   CancelTally tally;
//   CancelSweep([&](CancelPoint& cancel) {
//     ...
//     tally.Count(cancel, status.code() == absl::StatusCode::kCancelled);
//   });
//   tally.ExpectSomeOfEach();
class CancelTally {
 public:
  // Of this run.
  void Count(const CancelPoint& cancel, bool cancelled);

  // Of each type that was tried, at least one run was cancelled; else the test
  // fails. Where --cancel asks for one run, nothing is expected.
  void ExpectSomeOfEach(
      std::source_location where = std::source_location::current()) const;

 private:
  std::map<boost::asio::cancellation_type, uint64_t> cancelled_;
};

SweepReport CancelSweep(
    absl::FunctionRef<void(CancelPoint& cancel)> fn,
    const CancelSweepOptions& options = {},
    std::source_location where = std::source_location::current());

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_CANCEL_SWEEP_H_
