// ErasedHandler: the handlers of StreamConformance as one type, so that what a
// stream does for a handler is compiled once for it. Executor and cancellation
// are those of the handler inside; the allocator is one of the suite, which
// only sees what the stream itself allocates.
//
// Completion: passes on the first invocation; another one fails the test at the
// line that started the operation. Threads: one.

#ifndef COFFER_TESTING_INTERNAL_ERASED_HANDLER_H_
#define COFFER_TESTING_INTERNAL_ERASED_HANDLER_H_

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <new>
#include <source_location>
#include <utility>

#include "coffer/testing/internal/counting_allocator.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

class ErasedHandler {
 public:
  using Inside = boost::asio::any_completion_handler<void(
      boost::system::error_code, size_t)>;
  using allocator_type = CountingAllocator<void>;
  using cancellation_slot_type = boost::asio::cancellation_slot;

  // `count` may be null.
  ErasedHandler(Inside inside, AllocationCount* count,
                std::source_location where)
      : inside_(std::move(inside)), allocator_(count), where_(where) {}

  allocator_type get_allocator() const noexcept { return allocator_; }
  cancellation_slot_type get_cancellation_slot() const noexcept {
    return inside_ ? inside_.get_cancellation_slot() : cancellation_slot_type();
  }
  template <class Executor>
  boost::asio::any_completion_executor GetExecutor(
      const Executor& otherwise) const noexcept {
    if (inside_)
      return boost::asio::get_associated_executor(inside_, otherwise);
    return boost::asio::any_completion_executor(std::nothrow, otherwise);
  }

  void operator()(boost::system::error_code error, size_t bytes) {
    if (inside_) return std::move(inside_)(error, bytes);
    ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line()))
        << "the handler of the operation that was started here was invoked "
           "twice";
  }

 private:
  Inside inside_;  // empty: it was invoked
  allocator_type allocator_;
  std::source_location where_;
};

}  // namespace coffer_testing::internal

namespace boost::asio {

template <class Candidate>
struct associated_executor<coffer_testing::internal::ErasedHandler, Candidate> {
  using type = any_completion_executor;

  static type get(const coffer_testing::internal::ErasedHandler& handler,
                  const Candidate& otherwise = Candidate()) noexcept {
    return handler.GetExecutor(otherwise);
  }
};

}  // namespace boost::asio

#endif  // COFFER_TESTING_INTERNAL_ERASED_HANDLER_H_
