// MakePendingOp: a PendingOp for a handler of any type. The handler's
// associated executor, allocator and cancellation slot are used as Asio's own
// I/O objects use them: the operation's memory comes from the allocator and is
// given back before the handler is invoked; both executors have outstanding
// work until the handler has returned; the completion is queued on the I/O
// object's executor and from there dispatched to the handler's, so that, as
// with a socket, the I/O object's context has to run.
//
// Associated immediate executors came after Boost 1.81 and are not looked at.

#ifndef COFFER_TESTING_INTERNAL_PENDING_OP_IMPL_H_
#define COFFER_TESTING_INTERNAL_PENDING_OP_IMPL_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <type_traits>
#include <utility>

#include "coffer/testing/internal/pending_op.h"

namespace coffer_testing::internal {

// What sits in the handler's cancellation slot. Every type of cancellation can
// be granted: an aborted operation has had no effect at all.
struct CancelPendingOp {
  std::weak_ptr<OpTarget> target;
  uint64_t id;

  void operator()(boost::asio::cancellation_type_t type) const {
    if (type == boost::asio::cancellation_type::none) return;
    if (auto alive = target.lock()) alive->CancelOp(id);
  }
};

// What is queued, and what is dispatched from there: of the allocator's type
// and not of the handler's, as Asio's part of it takes long to compile.
template <class Allocator>
struct PendingOpStep {
  using allocator_type = Allocator;

  allocator_type get_allocator() const noexcept { return allocator; }
  void operator()() { next(std::move(op)); }

  void (*next)(PendingOpPtr);
  PendingOpPtr op;
  allocator_type allocator;
};

template <class Handler>
class PendingOpImpl final : public PendingOp {
 public:
  using Executor =
      boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
  using Allocator =
      typename std::allocator_traits<boost::asio::associated_allocator_t<
          Handler>>::template rebind_alloc<PendingOpImpl>;

  static PendingOpPtr Make(OpSpec spec, const boost::asio::any_io_executor& io,
                           Handler handler) {
    Allocator allocator(boost::asio::get_associated_allocator(handler));
    PendingOpImpl* memory = allocator.allocate(1);
    auto* op = ::new (static_cast<void*>(memory))
        PendingOpImpl(std::move(spec), io, std::move(handler));
    auto slot = boost::asio::get_associated_cancellation_slot(op->handler_);
    if (slot.is_connected()) {
      slot.assign(CancelPendingOp{op->shared_target(), op->id()});
    }
    return PendingOpPtr(op);
  }

 private:
  using Step = PendingOpStep<boost::asio::associated_allocator_t<Handler>>;

  PendingOpImpl(OpSpec spec, const boost::asio::any_io_executor& io,
                Handler handler)
      : PendingOp(std::move(spec)),
        handler_(std::move(handler)),
        io_work_(io),
        handler_work_(boost::asio::get_associated_executor(handler_, io)) {}

  // This may be the thread of the pipe's other end, so the handler's executor
  // is left alone: where it is type-erased, its copies count references with
  // fences, which the thread sanitizer does not see.
  void PostSelf(PendingOpPtr self) override {
    const auto io = io_work_.get_executor();
    const auto allocator = boost::asio::get_associated_allocator(handler_);
    boost::asio::post(io, Step{&Dispatch, std::move(self), allocator});
  }

  static void Dispatch(PendingOpPtr self) {
    auto& op = static_cast<PendingOpImpl&>(*self);
    const auto executor = op.handler_work_.get_executor();
    const auto allocator = boost::asio::get_associated_allocator(op.handler_);
    boost::asio::dispatch(executor,
                          Step{&Complete, std::move(self), allocator});
  }

  static void Complete(PendingOpPtr owned) {
    auto* op = static_cast<PendingOpImpl*>(owned.release());
    const OpResult result = op->target().Finish(*op);
    auto slot = boost::asio::get_associated_cancellation_slot(op->handler_);
    if (slot.is_connected()) slot.clear();
    const auto io_work = std::move(op->io_work_);
    const auto handler_work = std::move(op->handler_work_);
    Handler handler(std::move(op->handler_));
    op->Free(handler);
    if constexpr (std::is_invocable_v<Handler, boost::system::error_code,
                                      size_t>) {
      std::move(handler)(result.error, result.bytes);
    } else {
      std::move(handler)(result.error);
    }
  }

  void Destroy() override {
    ReportAbandoned();
    const Handler handler(std::move(handler_));
    Free(handler);
  }

  // Ends *this and gives its memory back to the allocator of `handler`, which
  // was moved out of it.
  void Free(const Handler& handler) {
    Allocator allocator(boost::asio::get_associated_allocator(handler));
    this->~PendingOpImpl();
    allocator.deallocate(this, 1);
  }

  ~PendingOpImpl() override = default;

  Handler handler_;
  boost::asio::executor_work_guard<boost::asio::any_io_executor> io_work_;
  boost::asio::executor_work_guard<Executor> handler_work_;
};

// `io` is the executor of the I/O object. The cancellation slot is connected,
// so the operation must be given to its target before anything can cancel it.
template <class Handler>
PendingOpPtr MakePendingOp(OpSpec spec, const boost::asio::any_io_executor& io,
                           Handler&& handler) {
  return PendingOpImpl<std::decay_t<Handler>>::Make(
      std::move(spec), io, std::forward<Handler>(handler));
}

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_PENDING_OP_IMPL_H_
