// FaultedOp: one operation of a FaultStream, as the completion handler of the
// operation of the stream below. It stands for the user's handler in all that
// Asio associates with it: executor, allocator, cancellation slot. It holds
// that handler without its type, so that it is compiled once for each stream.

#ifndef COFFER_TESTING_FAULT_FAULTED_OP_H_
#define COFFER_TESTING_FAULT_FAULTED_OP_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coffer/sdk/stream/stream_traits.h"
#include "coffer/testing/fault/fault_state.h"
#include "coffer/testing/internal/pending_op.h"
#include "coffer/testing/internal/pending_op_impl.h"

namespace coffer_testing::internal {

template <class Next>
class FaultStateOf final : public FaultState {
 public:
  FaultStateOf(Next stream, std::shared_ptr<FaultInjector> faults,
               std::source_location made_at)
      : FaultState(stream.get_executor(), std::move(faults), made_at),
        next(std::move(stream)) {}

  // As the network would.
  void Reset() {
    if (!next || std::exchange(was_reset, true)) return;
    boost::system::error_code ignored;
    const boost::asio::socket_base::linger at_once(true, 0);
    if constexpr (requires { next->reset(); }) {
      next->reset();
    } else if constexpr (requires {
                           next->lowest_layer().set_option(at_once, ignored);
                         }) {
      next->lowest_layer().set_option(at_once, ignored);
      coffer::StreamTraits<Next>::Close(*next);
    } else {
      coffer::StreamTraits<Next>::Close(*next);
    }
  }

  std::optional<Next> next;  // until the FaultStream is destroyed
  bool was_reset = false;
};

// Buffer is mutable_buffer for a read, const_buffer for a write.
template <class Next, class Buffer>
class FaultedOp {
 public:
  using Handler = boost::asio::any_completion_handler<void(
      boost::system::error_code, size_t)>;

  static constexpr OpKind kKind =
      std::is_same_v<Buffer, boost::asio::mutable_buffer> ? OpKind::kRead
                                                          : OpKind::kWrite;

  // The state holds it as pending.
  FaultedOp(std::shared_ptr<FaultStateOf<Next>> state,
            std::vector<Buffer> buffers, FaultVerdict verdict, Handler handler)
      : mark_(std::move(state)),
        buffers_(std::move(buffers)),
        verdict_(std::move(verdict)),
        handler_(std::move(handler)) {}

  const Handler& handler() const { return handler_; }

  // Gives the operation to the stream below.
  static void Launch(FaultedOp op) {
    FaultStateOf<Next>& state = *op.mark_.state;
    if (state.closed()) {
      return std::move(op).End(boost::asio::error::operation_aborted, 0);
    }
    // The state may go with the operation; the stream below is in it.
    const auto keep = op.mark_.state;
    const std::vector<Buffer> buffers = op.Prefix();
    if constexpr (kKind == OpKind::kRead) {
      state.next->async_read_some(buffers, std::move(op));
    } else {
      state.next->async_write_some(buffers, std::move(op));
    }
  }

  // The stream below has completed it.
  void operator()(boost::system::error_code error, size_t bytes) {
    FaultStateOf<Next>& state = *mark_.state;
    if constexpr (kKind == OpKind::kRead) Corrupt(bytes);
    state.Moved(kKind, bytes, verdict_);
    if (verdict_.error && !error) error = *verdict_.error;
    if (verdict_.reset) state.Reset();
    if (state.was_reset && !state.closed() &&
        error == boost::asio::error::operation_aborted) {
      error = boost::asio::error::connection_reset;
    }
    std::move(*this).End(error, bytes);
  }

  void End(boost::system::error_code error, size_t bytes) && {
    mark_.Clear();
    std::move(handler_)(error, bytes);
  }

 private:
  // The operation is pending as long as this is.
  struct Mark {
    explicit Mark(std::shared_ptr<FaultStateOf<Next>> of)
        : state(std::move(of)) {}
    Mark(Mark&&) noexcept = default;
    Mark& operator=(Mark&&) = delete;
    ~Mark() { Clear(); }

    void Clear() {
      if (const auto of = std::move(state)) of->End(kKind);
    }

    std::shared_ptr<FaultStateOf<Next>> state;
  };

  // The buffers, as far as the operation may use them.
  std::vector<Buffer> Prefix() {
    std::vector<Buffer> prefix;
    size_t left = verdict_.bytes_max;
    for (const Buffer& buffer : buffers_) {
      if (left == 0) break;
      prefix.push_back(boost::asio::buffer(buffer, left));
      left -= prefix.back().size();
    }
    if constexpr (kKind == OpKind::kWrite) {
      if (verdict_.corruptions.empty()) return prefix;
      changed_ =
          std::make_unique<std::string>(boost::asio::buffer_size(prefix), '\0');
      boost::asio::buffer_copy(boost::asio::buffer(*changed_), prefix);
      for (const auto& [index, bits] : verdict_.corruptions) {
        if (index >= changed_->size()) continue;
        (*changed_)[index] = static_cast<char>((*changed_)[index] ^ bits);
      }
      return {boost::asio::buffer(*changed_)};
    }
    return prefix;
  }

  void Corrupt(size_t bytes) {
    for (auto [index, bits] : verdict_.corruptions) {
      if (index >= bytes) continue;
      for (const Buffer& buffer : buffers_) {
        if (index < buffer.size()) {
          static_cast<uint8_t*>(buffer.data())[index] ^= bits;
          break;
        }
        index -= buffer.size();
      }
    }
  }

  Mark mark_;
  std::vector<Buffer> buffers_;
  FaultVerdict verdict_;
  Handler handler_;
  std::unique_ptr<std::string> changed_;  // what is written, if corrupted
};

// Goes on with an operation that was held back.
template <class Op>
struct ResumeFaultedOp {
  void operator()(boost::system::error_code error) {
    if (error) {
      std::move(op).End(error, 0);
    } else {
      Op::Launch(std::move(op));
    }
  }

  const auto& handler() const { return op.handler(); }

  Op op;
};

// Completes an operation that the stream below does not see.
template <class Op>
struct EndFaultedOp {
  void operator()(boost::system::error_code error, size_t bytes) {
    std::move(op).End(error, bytes);
  }

  const auto& handler() const { return op.handler(); }

  Op op;
};

// What is associated with `T`, which has a handler(), is what is with that.
template <template <class, class> class Associator, class T, class Default,
          class Handler = std::decay_t<decltype(std::declval<T>().handler())>>
struct AsItsHandler : Associator<Handler, Default> {
  static typename Associator<Handler, Default>::type get(
      const T& of, const Default& otherwise = Default()) noexcept {
    return Associator<Handler, Default>::get(of.handler(), otherwise);
  }
};

}  // namespace coffer_testing::internal

namespace boost::asio {

template <template <class, class> class Associator, class Next, class Buffer,
          class Default>
struct associator<Associator, coffer_testing::internal::FaultedOp<Next, Buffer>,
                  Default>
    : coffer_testing::internal::AsItsHandler<
          Associator, coffer_testing::internal::FaultedOp<Next, Buffer>,
          Default> {};

template <template <class, class> class Associator, class Op, class Default>
struct associator<Associator, coffer_testing::internal::ResumeFaultedOp<Op>,
                  Default>
    : coffer_testing::internal::AsItsHandler<
          Associator, coffer_testing::internal::ResumeFaultedOp<Op>, Default> {
};

template <template <class, class> class Associator, class Op, class Default>
struct associator<Associator, coffer_testing::internal::EndFaultedOp<Op>,
                  Default>
    : coffer_testing::internal::AsItsHandler<
          Associator, coffer_testing::internal::EndFaultedOp<Op>, Default> {};

}  // namespace boost::asio

#endif  // COFFER_TESTING_FAULT_FAULTED_OP_H_
