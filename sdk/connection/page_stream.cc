#include "coffer/sdk/connection/page_stream.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <utility>

#include "coffer/sdk/connection/decode_state.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;

int ItemsOf(const v1::CommandResponse& page) {
  return page.states_size() + page.tables_size();
}

void SetCursor(const std::string& cursor, v1::CommandRequest* request) {
  if (request->has_scan()) {
    request->mutable_scan()->set_cursor(cursor);
  } else {
    request->mutable_list_tables()->set_cursor(cursor);
  }
}

// Of a page, the rest is dropped.
v1::CommandResponse OnlyItems(v1::CommandResponse answer) {
  v1::CommandResponse page;
  page.mutable_states()->Swap(answer.mutable_states());
  page.mutable_tables()->Swap(answer.mutable_tables());
  page.mutable_cursor()->swap(*answer.mutable_cursor());
  return page;
}

absl::Status Stopped() { return absl::CancelledError("the scan is over"); }

}  // namespace

PageStream::PageStream(const std::shared_ptr<Connection>& connection,
                       v1::CommandRequest first, CallOptions options,
                       bool prefetch)
    : connection_(connection),
      executor_(connection->get_executor()),
      options_(std::move(options)),
      prefetch_(prefetch),
      request_(std::move(first)) {
  COFFER_ASSERT(request_.has_scan() || request_.has_list_tables());
}

bool PageStream::HasItem() const { return at_ < ItemsOf(page_); }

bool PageStream::Advance(bool* fetch) {
  if (!HasItem() && next_.has_value()) {
    page_ = *std::move(next_);
    next_.reset();
    at_ = 0;
  }
  if (more_ && !fetching_ && !next_.has_value() && (prefetch_ || !HasItem())) {
    fetching_ = *fetch = true;
  }
  return HasItem() || !more_;
}

void PageStream::Wait(Handler handler) {
  const auto fetch = std::make_shared<Fetch>();
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = ++tickets_;
  OnCancel(handler, [weak = weak_from_this(), executor = executor_, ticket] {
    asio::dispatch(executor, [weak, ticket] {
      if (const auto self = weak.lock()) self->CancelWait(ticket);
    });
  });
  PendingHandler<absl::Status> waiter(std::move(handler), executor_);
  if (stopped_) return waiter.Post(Stopped());
  bool start = false;
  if (Advance(&start)) {
    waiter.Post(absl::OkStatus());
  } else {
    // Null: its context is going, and takes the waiter along.
    const auto waited_for = start ? fetch : fetch_.lock();
    if (waited_for == nullptr) return;
    COFFER_ASSERT(!waited_for->waiter && "one Next at a time");
    waited_for->waiter = std::move(waiter);
    waited_for->ticket = ticket;
  }
  if (!start) return;
  fetch_ = fetch;
  lock.unlock();
  Start(fetch);
}

// The connection owns `fetch` now.
void PageStream::Start(const std::shared_ptr<Fetch>& fetch) {
  const auto connection = connection_.lock();
  if (connection == nullptr) return;  // its owner is gone
  auto fetched = [weak = weak_from_this(), fetch](Answer answer) {
    if (const auto self = weak.lock()) self->Fetched(*fetch, std::move(answer));
  };
  connection->Execute(request_, options_,
                      asio::bind_cancellation_slot(
                          fetch->cancel.slot(),
                          asio::bind_executor(executor_, std::move(fetched))));
}

void PageStream::Fetched(Fetch& fetch, Answer answer) {
  PendingHandler<absl::Status> waiter;
  const auto next_fetch = std::make_shared<Fetch>();
  bool start = false;
  std::unique_lock lock(mutex_);
  fetching_ = false;
  if (stopped_) return;
  const absl::Status status = CheckPage(request_, answer);
  if (status.ok()) {
    next_ = OnlyItems(*std::move(answer));
    SetCursor(next_->cursor(), &request_);
    more_ = !next_->cursor().empty();
  }
  if (fetch.waiter) {
    waiter = std::move(fetch.waiter);
    // An empty page, and more of them: it waits on.
    if (status.ok() && !Advance(&start)) {
      next_fetch->waiter = std::move(waiter);
      next_fetch->ticket = fetch.ticket;
    }
  }
  if (start) fetch_ = next_fetch;
  lock.unlock();
  if (start) Start(next_fetch);
  if (waiter) waiter.Dispatch(status);
}

void PageStream::CancelWait(std::uint64_t ticket) {
  std::unique_lock lock(mutex_);
  const auto fetch = fetch_.lock();
  if (fetch == nullptr || !fetch->waiter || fetch->ticket != ticket) return;
  auto waiter = std::move(fetch->waiter);
  lock.unlock();
  waiter.Dispatch(absl::CancelledError("cancelled by the caller"));
}

std::optional<v1::KeyState> PageStream::TakeState() {
  const std::lock_guard lock(mutex_);
  if (at_ >= page_.states_size()) return std::nullopt;
  return std::move(*page_.mutable_states(at_++));
}

std::optional<v1::TableInfo> PageStream::TakeTable() {
  const std::lock_guard lock(mutex_);
  if (at_ >= page_.tables_size()) return std::nullopt;
  return std::move(*page_.mutable_tables(at_++));
}

v1::CommandResponse PageStream::TakePage() {
  const std::lock_guard lock(mutex_);
  v1::CommandResponse page = std::move(page_);
  page_.Clear();
  const int taken = std::exchange(at_, 0);
  if (request_.has_scan()) {
    page.mutable_states()->DeleteSubrange(0, taken);
  } else {
    page.mutable_tables()->DeleteSubrange(0, taken);
  }
  if (ItemsOf(page) == 0) page.Clear();
  return page;
}

void PageStream::Stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  next_.reset();
  page_.Clear();
  at_ = 0;
  // Null: there is none, or its context is going.
  const auto fetch = fetch_.lock();
  if (fetch == nullptr) return;
  auto waiter = std::move(fetch->waiter);
  lock.unlock();
  if (waiter) waiter.Post(Stopped());
  asio::dispatch(executor_, [fetch] {
    fetch->cancel.emit(asio::cancellation_type::terminal);
  });
}

}  // namespace coffer::internal
