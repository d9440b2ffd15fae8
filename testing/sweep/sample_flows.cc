#include "coffer/testing/sweep/sample_flows.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
const std::array<std::string, 2> kWords = {"hello", "bye"};
const std::string& kFirst = kWords[0];
const std::string& kSecond = kWords[1];

// Closes the stream after kFlowDeadline, while it exists.
class Deadline {
 public:
  Deadline(FlowStream& stream, coffer::Clock& clock)
      : timer_(clock.MakeTimer(stream.get_executor())) {
    timer_->WaitUntil(clock.Now() + kFlowDeadline, [&stream](error_code error) {
      if (!error) stream.close();
    });
  }

 private:
  const std::unique_ptr<coffer::Timer> timer_;
};

// A coroutine takes only terminal cancellation by default, and throws.
awaitable<void> TakeAllCancellation() {
  co_await asio::this_coro::reset_cancellation_state(
      asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
}

awaitable<error_code> Write(FlowStream& stream, const std::string& word) {
  const auto [error, bytes] =
      co_await asio::async_write(stream, asio::buffer(word), kTuple);
  co_return error;
}

awaitable<error_code> Read(FlowStream& stream, const std::string& word) {
  std::string answer(word.size(), '\0');
  const auto [error, bytes] =
      co_await asio::async_read(stream, asio::buffer(answer), kTuple);
  if (error) co_return error;
  if (answer != word) co_return asio::error::invalid_argument;
  co_return error_code();
}

awaitable<error_code> Exchange(FlowStream& stream, const std::string& word) {
  const error_code error = co_await Write(stream, word);
  if (error) co_return error;
  co_return co_await Read(stream, word);
}

awaitable<error_code> ExchangeBoth(FlowStream& stream) {
  const error_code error = co_await Exchange(stream, kFirst);
  if (error) co_return error;
  co_return co_await Exchange(stream, kSecond);
}

}  // namespace

awaitable<error_code> RightFlow(FlowStream& stream, coffer::Clock& clock) {
  co_await TakeAllCancellation();
  const Deadline deadline(stream, clock);
  co_return co_await ExchangeBoth(stream);
}

awaitable<error_code> SwallowsAWriteError(FlowStream& stream, coffer::Clock&) {
  const error_code error = co_await Exchange(stream, kFirst);
  if (error) co_return error;
  co_await Write(stream, kSecond);
  co_return error_code();
}

awaitable<error_code> TrustsTheSecondTry(FlowStream& stream, coffer::Clock&) {
  for (const std::string& word : kWords) {
    const error_code error = co_await Write(stream, word);
    if (error) co_await Write(stream, word);
  }
  co_return error_code();
}

awaitable<error_code> TriesForEver(FlowStream& stream, coffer::Clock&) {
  error_code error;
  do {
    error = co_await Write(stream, kFirst);
  } while (error);
  co_return error_code();
}

awaitable<error_code> ForgetsItsRead(FlowStream& stream, coffer::Clock& clock) {
  co_await TakeAllCancellation();
  error_code error = co_await Exchange(stream, kFirst);
  if (error) co_return error;

  struct Background {
    std::array<char, 16> answer;
    std::optional<error_code> result;
    std::unique_ptr<coffer::Timer> done;
  };
  const auto read = std::make_shared<Background>();
  read->done = clock.MakeTimer(stream.get_executor());
  stream.async_read_some(asio::buffer(read->answer),
                         [read](error_code read_error, size_t) {
                           read->result = read_error;
                           read->done->Cancel();
                         });
  error = co_await Write(stream, kSecond);
  if (error) co_return error;
  if (!read->result) {
    co_await read->done->AsyncWaitUntil(coffer::Clock::TimePoint::max(),
                                        kTuple);
  }
  if (!read->result) stream.cancel();
  co_return read->result.value_or(asio::error::operation_aborted);
}

awaitable<error_code> HasNoDeadline(FlowStream& stream, coffer::Clock&) {
  return ExchangeBoth(stream);
}

awaitable<error_code> DropsItsDeadline(FlowStream& stream,
                                       coffer::Clock& clock) {
  {
    const Deadline deadline(stream, clock);
    const error_code error = co_await Exchange(stream, kFirst);
    if (error) co_return error;
  }
  co_return co_await Exchange(stream, kSecond);
}

FlowRun::FlowRun(std::shared_ptr<FaultInjector> injector)
    : ends_(MakeMemoryPipe(io_.get_executor())),
      stream_(std::move(ends_.first), std::move(injector)),
      peer_(ends_.second) {
  Echo();
}

FlowRun::~FlowRun() {
  stream_.close();
  peer_.close();
  io_.restart();
  io_.poll();
}

void FlowRun::Start(Flow flow, asio::cancellation_slot slot) {
  asio::co_spawn(
      io_, flow(stream_, clock_),
      asio::bind_cancellation_slot(
          slot, [this](std::exception_ptr exception, error_code error) {
            if (exception) std::rethrow_exception(exception);
            const MemoryPipe& pipe = stream_.next_layer();
            left_pending_ = pipe.pending_reads() + pipe.pending_writes();
            result_ = error;
          }));
}

void FlowRun::Echo() {
  peer_.async_read_some(
      asio::buffer(buffer_), [this](error_code read_error, size_t bytes) {
        if (read_error) return;
        received_.append(buffer_.data(), bytes);
        asio::async_write(peer_, asio::buffer(buffer_, bytes),
                          [this](error_code write_error, size_t) {
                            if (!write_error) Echo();
                          });
      });
}

}  // namespace coffer_testing
