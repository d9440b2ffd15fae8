// Flows for the tests of the sweeps: a client that says two words to a peer and
// waits for each to come back. One is right; each of the others is wrong on
// purpose, in one way, to show that a sweep notices.

#ifndef COFFER_TESTING_SWEEP_SAMPLE_FLOWS_H_
#define COFFER_TESTING_SWEEP_SAMPLE_FLOWS_H_

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coffer/sdk/clock.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"

namespace coffer_testing {

using FlowStream = FaultStream<MemoryPipe>;
using Flow = boost::asio::awaitable<boost::system::error_code> (*)(
    FlowStream& stream, coffer::Clock& clock);

constexpr std::chrono::seconds kFlowDeadline(5);

// Write, read, write, read; all of it within kFlowDeadline.
inline constexpr size_t kFlowReads = 2;
inline constexpr size_t kFlowWrites = 2;
boost::asio::awaitable<boost::system::error_code> RightFlow(FlowStream& stream,
                                                            coffer::Clock&);

// The second word gets lost, and nobody hears of it.
boost::asio::awaitable<boost::system::error_code> SwallowsAWriteError(
    FlowStream& stream, coffer::Clock&);

// Writes a second time after an error, and takes it that this one went well.
boost::asio::awaitable<boost::system::error_code> TrustsTheSecondTry(
    FlowStream& stream, coffer::Clock&);

// Writes until it goes well.
boost::asio::awaitable<boost::system::error_code> TriesForEver(
    FlowStream& stream, coffer::Clock&);

// The second time, reads while it writes; when the write fails, it returns and
// forgets the read.
boost::asio::awaitable<boost::system::error_code> ForgetsItsRead(
    FlowStream& stream, coffer::Clock&);

boost::asio::awaitable<boost::system::error_code> HasNoDeadline(
    FlowStream& stream, coffer::Clock&);

// Of both words, the deadline covers the first.
boost::asio::awaitable<boost::system::error_code> DropsItsDeadline(
    FlowStream& stream, coffer::Clock&);

// A flow at work, with a peer that sends back what it gets.
class FlowRun {
 public:
  explicit FlowRun(std::shared_ptr<FaultInjector> injector);
  FlowRun(const FlowRun&) = delete;
  FlowRun& operator=(const FlowRun&) = delete;
  // Closes both ends, and lets what is pending complete.
  ~FlowRun();

  void Start(Flow flow, boost::asio::cancellation_slot slot = {});

  boost::asio::io_context& io() { return io_; }
  ManualClock& clock() { return clock_; }

  // Null until the flow has completed.
  const std::optional<boost::system::error_code>& result() const {
    return result_;
  }
  // Operations of its stream that the flow left pending then.
  size_t left_pending() const { return left_pending_; }
  // By the peer.
  const std::string& received() const { return received_; }

 private:
  void Echo();

  boost::asio::io_context io_;
  ManualClock clock_;
  std::pair<MemoryPipe, MemoryPipe> ends_;
  FlowStream stream_;
  MemoryPipe& peer_;
  std::array<char, 16> buffer_;
  std::string received_;
  std::optional<boost::system::error_code> result_;
  size_t left_pending_ = 0;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_SAMPLE_FLOWS_H_
