#include "coffer/sdk/connection/retried_calls.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace coffer::internal {

namespace asio = boost::asio;

absl::Status RetriedCalls::Admit(std::size_t bytes) {
  // Counted first: Close sees either the call, or that there is none while the
  // call sees that it is closing.
  const std::size_t calls = calls_.fetch_add(1);
  const std::size_t held = bytes_.fetch_add(bytes);
  absl::Status admitted = Check(bytes, calls, held);
  if (!admitted.ok()) {
    bytes_ -= bytes;
    --calls_;
  }
  return admitted;
}

absl::Status RetriedCalls::Check(std::size_t bytes, std::size_t calls,
                                 std::size_t held) const {
  if (closing_) return absl::CancelledError("the connection is being closed");
  if (calls >= limits_.calls_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(calls, " calls under way: the limit of the client is ",
                     limits_.calls_max));
  }
  if (held > 0 && held + bytes > limits_.bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("request of ", bytes, " bytes beside ", held,
                     " bytes of calls under way: the limit of the client is ",
                     limits_.bytes_max));
  }
  return absl::OkStatus();
}

void RetriedCalls::Ended(std::size_t bytes) {
  bytes_ -= bytes;
  --calls_;
  Refused();
}

void RetriedCalls::Refused() {
  if (!closers_.empty()) CloseWhenEmpty();
}

void RetriedCalls::Close(const std::shared_ptr<Connection>& next,
                         Connection::CloseHandler handler) {
  const auto closer = std::make_shared<Closer>();
  const auto executor = next->get_executor();
  closer->next = next;
  OnCancel(handler, [weak_self = weak_from_this(),
                     weak = std::weak_ptr<Closer>(closer), executor] {
    asio::dispatch(executor, [weak_self, weak] {
      const auto self = weak_self.lock();
      const auto cancelled = weak.lock();
      if (self != nullptr && cancelled != nullptr) self->Cancel(cancelled);
    });
  });
  closer->handler = PendingHandler<absl::Status>(std::move(handler), executor);
  asio::dispatch(executor, [self = shared_from_this(), closer] {
    self->closing_ = true;
    self->closers_.push_back(closer);
    self->CloseWhenEmpty();
  });
}

void RetriedCalls::CloseWhenEmpty() {
  if (calls_ > 0) return;
  for (const auto& closer : std::exchange(closers_, {})) CloseNext(closer);
}

void RetriedCalls::CloseNext(const std::shared_ptr<Closer>& closer) {
  const auto next = std::exchange(closer->next, nullptr);
  if (next == nullptr) return;  // cancelled before it was begun
  auto closed = [closer](const absl::Status& status) {
    closer->handler.Dispatch(status);
  };
  next->Close(asio::bind_cancellation_slot(
      closer->cancel.slot(),
      asio::bind_executor(next->get_executor(), std::move(closed))));
}

void RetriedCalls::Cancel(const std::shared_ptr<Closer>& closer) {
  given_up_ = true;
  if (closer->next != nullptr) {
    std::erase(closers_, closer);
    CloseNext(closer);
  }
  closer->cancel.emit(asio::cancellation_type::terminal);
  WakeAll();
}

void RetriedCalls::GiveUp() {
  given_up_ = true;
  for (const auto& closer : std::exchange(closers_, {})) Cancel(closer);
  WakeAll();
}

void RetriedCalls::WakeAll() {
  for (const auto& [call, wake] : std::exchange(waiting_, {})) wake();
}

}  // namespace coffer::internal
