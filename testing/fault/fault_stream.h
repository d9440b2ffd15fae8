// FaultStream: any stream, with the faults of a FaultPlan: a decorator for a
// double, a socket, or TLS, and as well the layer below TLS.
//
//   FaultStream<MemoryPipe> stream(
//       std::move(client_end),
//       FaultPlan().SplitReads(SplitPolicy::OneByte()).EofAfterBytes(100));
//   asio::ssl::stream<FaultStream<tcp::socket>> over(...);
//   FaultStream<asio::ssl::stream<tcp::socket>> under(...);
//
// It is an AsyncReadStream and AsyncWriteStream with the executor of the stream
// below, and keeps the contract of memory_pipe.h as far as that stream does:
// what is not touched by the plan is passed through, with the handler's
// executor, allocator and cancellation. An operation that the plan fails or
// stalls has no effect below.
//
// Completion. A failed operation completes as others do, never inside the
// initiating function. A stalled one waits for injector().Release(), after
// which it goes on to the stream below; for cancellation, per operation or by
// cancel(); or for close() or destruction: operation_aborted, and no byte is
// lost. Destroyed with its execution context, uninvoked, it fails the test,
// unless the stream had been closed or destroyed before.
//
// Concurrency. One read and one write may be pending; another one, and a move
// with any pending, is a test failure that names the lines.
//
// Ownership: holds the stream below. Threads: as that; Release() comes from any
// thread.

#ifndef COFFER_TESTING_FAULT_FAULT_STREAM_H_
#define COFFER_TESTING_FAULT_FAULT_STREAM_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "coffer/sdk/clock.h"
#include "coffer/sdk/stream/stream_traits.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/fault/fault_plan.h"
#include "coffer/testing/fault/faulted_op.h"
#include "gtest/gtest.h"

namespace coffer_testing {

template <class Next>
class FaultStream {
 public:
  using executor_type = typename Next::executor_type;
  using next_layer_type = Next;
  // Closing and cancelling have to pass here, so this is the lowest.
  using lowest_layer_type = FaultStream;
  using IoSignature = void(boost::system::error_code, size_t);

  // With faults of its own. `clock` is needed by plans with Delay or Bandwidth.
  FaultStream(Next next, FaultPlan plan, coffer::Clock* clock = nullptr,
              std::source_location where = std::source_location::current())
      : FaultStream(
            std::move(next),
            std::make_shared<FaultInjector>(std::move(plan), clock, where),
            where) {}
  // With faults that it shares.
  FaultStream(Next next, std::shared_ptr<FaultInjector> injector,
              std::source_location where = std::source_location::current())
      : executor_(next.get_executor()),
        state_(std::make_shared<State>(std::move(next), std::move(injector),
                                       where)) {}

  FaultStream(FaultStream&& other) noexcept : executor_(other.executor_) {
    other.ReportMoved();
    state_ = std::move(other.state_);
  }
  FaultStream& operator=(FaultStream&& other) noexcept {
    if (this == &other) return *this;
    other.ReportMoved();
    Destroy();
    executor_ = other.executor_;
    state_ = std::move(other.state_);
    return *this;
  }
  ~FaultStream() { Destroy(); }

  executor_type get_executor() const noexcept { return executor_; }
  next_layer_type& next_layer() { return *state_->next; }
  const next_layer_type& next_layer() const { return *state_->next; }
  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }
  FaultInjector& injector() { return state_->injector(); }

  template <class MutableBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_read_some(
      const MutableBufferSequence& buffers, Token&& token,
      std::source_location where = std::source_location::current()) {
    return boost::asio::async_initiate<Token, IoSignature>(
        Initiate{executor_, state_}, token,
        std::vector<boost::asio::mutable_buffer>(
            boost::asio::buffer_sequence_begin(buffers),
            boost::asio::buffer_sequence_end(buffers)),
        where);
  }

  template <class ConstBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_write_some(
      const ConstBufferSequence& buffers, Token&& token,
      std::source_location where = std::source_location::current()) {
    return boost::asio::async_initiate<Token, IoSignature>(
        Initiate{executor_, state_}, token,
        std::vector<boost::asio::const_buffer>(
            boost::asio::buffer_sequence_begin(buffers),
            boost::asio::buffer_sequence_end(buffers)),
        where);
  }

  void shutdown(boost::asio::socket_base::shutdown_type what,
                boost::system::error_code& error) requires
      requires(Next& next) {
    next.shutdown(what, error);
  }
  { next_layer().shutdown(what, error); }

  void close() {
    state_->Close();
    coffer::StreamTraits<Next>::Close(next_layer());
  }
  void close(boost::system::error_code& error) {
    close();
    error = {};
  }

  void cancel() {
    state_->Cancel();
    boost::system::error_code ignored;
    if constexpr (requires(Next & next) { next.cancel(ignored); }) {
      next_layer().cancel(ignored);
    } else {
      next_layer().lowest_layer().cancel(ignored);
    }
  }
  void cancel(boost::system::error_code& error) {
    cancel();
    error = {};
  }

  bool is_open() const {
    if (state_ == nullptr || state_->closed()) return false;
    if constexpr (requires(const Next& next) { next.is_open(); }) {
      return next_layer().is_open();
    } else {
      return next_layer().lowest_layer().is_open();
    }
  }

 private:
  using State = internal::FaultStateOf<Next>;

  // Holds the state, not the stream: a deferred operation may be launched when
  // the stream is gone, and finds it closed.
  struct Initiate {
    using executor_type = typename FaultStream::executor_type;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class Buffer>
    void operator()(Handler&& handler, std::vector<Buffer> buffers,
                    std::source_location where) const {
      using Op = internal::FaultedOp<Next, Buffer>;
      Start<Op>(state, std::move(buffers),
                typename Op::Handler(std::forward<Handler>(handler)), where);
    }

    executor_type executor;
    std::shared_ptr<State> state;
  };

  template <class Op, class Buffer>
  static void Start(const std::shared_ptr<State>& state,
                    std::vector<Buffer> buffers, typename Op::Handler handler,
                    std::source_location where) {
    constexpr internal::OpKind kKind = Op::kKind;
    const auto complete = [&](auto&& done, boost::system::error_code error) {
      state->Complete(
          internal::MakePendingOp(state->Spec(kKind, where), state->executor(),
                                  std::move(done)),
          {error});
    };
    if (!state->next) {
      return complete(std::move(handler), boost::asio::error::bad_descriptor);
    }
    const size_t asked = boost::asio::buffer_size(buffers);
    if (asked == 0 || state->closed()) {
      return Pass(*state->next, buffers, std::move(handler));
    }
    if (!state->Begin(kKind, where)) {
      return complete(std::move(handler), boost::asio::error::already_started);
    }
    auto verdict = DecideOrEnd(*state, kKind, asked);
    const auto delay = verdict.delay;
    const bool stall = verdict.stall;
    const auto error = verdict.error;
    const bool at_once =
        error && (!verdict.with_data || verdict.bytes_max == 0);
    if (verdict.reset) state->Reset();
    Op op(state, std::move(buffers), std::move(verdict), std::move(handler));
    if (at_once) {
      complete(internal::EndFaultedOp<Op>{std::move(op)}, *error);
    } else if (stall) {
      state->Hold(internal::MakePendingOp(
          state->Spec(kKind, where), state->executor(),
          internal::ResumeFaultedOp<Op>{std::move(op)}));
    } else if (delay > delay.zero()) {
      state->HoldFor(delay, internal::MakePendingOp(
                                state->Spec(kKind, where), state->executor(),
                                internal::ResumeFaultedOp<Op>{std::move(op)}));
    } else {
      Op::Launch(std::move(op));
    }
  }

  // A callback of the injector may throw.
  static internal::FaultVerdict DecideOrEnd(State& state, internal::OpKind kind,
                                            size_t asked) {
    try {
      return state.Decide(kind, asked);
    } catch (...) {
      state.End(kind);
      throw;
    }
  }

  template <class Handler>
  static void Pass(Next& next,
                   const std::vector<boost::asio::mutable_buffer>& buffers,
                   Handler&& handler) {
    next.async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Handler>
  static void Pass(Next& next,
                   const std::vector<boost::asio::const_buffer>& buffers,
                   Handler&& handler) {
    next.async_write_some(buffers, std::forward<Handler>(handler));
  }

  void Destroy() {
    if (state_ == nullptr) return;
    state_->Close();
    state_->next.reset();
    state_ = nullptr;
  }

  void ReportMoved() const {
    if (state_ == nullptr) return;
    for (const auto kind :
         {internal::OpKind::kRead, internal::OpKind::kWrite}) {
      if (const auto pending = state_->Pending(kind)) {
        ADD_FAILURE() << "stream moved while pending: " << *pending;
      }
    }
  }

  executor_type executor_;
  std::shared_ptr<State> state_;  // null: moved from
};

}  // namespace coffer_testing

namespace coffer {

template <class Next>
struct StreamTraits<coffer_testing::FaultStream<Next>> {
  static void AsyncShutdownSend(coffer_testing::FaultStream<Next>& stream,
                                ShutdownHandler handler) {
    StreamTraits<Next>::AsyncShutdownSend(stream.next_layer(),
                                          std::move(handler));
  }
  static void Close(coffer_testing::FaultStream<Next>& stream) {
    stream.close();
  }
};

}  // namespace coffer

#endif  // COFFER_TESTING_FAULT_FAULT_STREAM_H_
