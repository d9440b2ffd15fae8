#include "coffer/sdk/batch.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <cstdint>
#include <deque>
#include <type_traits>

#include "absl/status/status.h"
#include "coffer/sdk/connection/decode_answer.h"
#include "coffer/sdk/connection/decode_state.h"
#include "coffer/sdk/internal/pending_handler.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;

struct BatchRun {
  BatchResults results;
  std::size_t left = 0;
  PendingHandler<BatchResults> handler;
  std::deque<asio::cancellation_signal> cancel;
};

using Decode = absl::StatusOr<Value> (*)(Answer answer);

// Of one state, of which `of_state` makes a number.
template <auto of_state>
absl::StatusOr<Value> DecodeNumber(Answer answer) {
  const absl::Status status = CheckStates(answer, 1);
  if (!status.ok()) return status;
  const auto number = of_state(*answer->mutable_states(0));
  if (!number.ok()) return number.status();
  if constexpr (std::is_unsigned_v<std::decay_t<decltype(*number)>>) {
    return ToValue(static_cast<std::int64_t>(*number));
  } else {
    return ToValue(*number);
  }
}

absl::StatusOr<std::uint64_t> VersionOfState(v1::KeyState& state) {
  return state.version();
}

Decode DecodeFor(const v1::CommandRequest& request) {
  switch (request.request_data_case()) {
    case v1::CommandRequest::kPut:
    case v1::CommandRequest::kRemove:
    case v1::CommandRequest::kExpire:
      return DecodeNumber<VersionOfState>;
    case v1::CommandRequest::kIncrement:
      return request.increment().amount_case() == v1::Increment::kInteger
                 ? DecodeNumber<IntegerOfState>
                 : DecodeNumber<FloatOfState>;
    case v1::CommandRequest::kAppend:
      return DecodeNumber<BytesOfState>;
    default:
      return DecodeOne<Value>;
  }
}

}  // namespace

void RunBatch(const std::shared_ptr<Connection>& connection,
              std::vector<CommandRequest> requests, CallOptions options,
              BatchHandler handler) {
  const auto executor = connection->get_executor();
  const auto run = std::make_shared<BatchRun>();
  OnCancel(handler, [weak = std::weak_ptr<BatchRun>(run), executor] {
    asio::dispatch(executor, [weak] {
      const auto cancelled = weak.lock();
      if (cancelled == nullptr) return;
      for (auto& signal : cancelled->cancel) {
        signal.emit(asio::cancellation_type::terminal);
      }
    });
  });
  run->handler = PendingHandler<BatchResults>(std::move(handler), executor);
  if (requests.empty()) return run->handler.Post({});
  run->left = requests.size();
  run->results.resize(requests.size(), absl::UnknownError("not done"));
  for (std::size_t i = 0; i < requests.size(); ++i) run->cancel.emplace_back();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto done = [run, i, decode = DecodeFor(requests[i])](Answer answer) {
      run->results[i] = decode(std::move(answer));
      if (--run->left == 0) run->handler.Dispatch(std::move(run->results));
    };
    connection->Execute(std::move(requests[i]), options,
                        asio::bind_cancellation_slot(
                            run->cancel[i].slot(),
                            asio::bind_executor(executor, std::move(done))));
  }
}

}  // namespace coffer::internal
