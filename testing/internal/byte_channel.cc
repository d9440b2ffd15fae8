// An operation has three steps: it waits in its End until something happened
// that it can complete with (IsReady); its completion is queued; in the
// completion its result is settled, and bytes move (Settle). With early
// transfer the result is settled before the completion is queued.

#include "coffer/testing/internal/byte_channel.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/testing/internal/op_registry.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

namespace asio = boost::asio;

ByteChannel::ByteChannel(ByteChannelOptions options, std::string unread)
    : options_(options), queue_(std::move(unread)) {
  COFFER_ASSERT(options_.capacity_bytes > 0);
  COFFER_ASSERT(options_.read_bytes_max > 0 && options_.write_bytes_max > 0);
  COFFER_ASSERT(options_.low_mark_bytes < options_.capacity_bytes);
}

std::shared_ptr<ByteChannel> ByteChannel::MakeClosed() {
  auto channel = std::make_shared<ByteChannel>(ByteChannelOptions());
  channel->Close(Side::kReader);
  channel->Close(Side::kWriter);
  return channel;
}

void ByteChannel::Start(PendingOpPtr op) {
  const std::source_location where = op->where();
  std::string breach;
  {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    op->result = ResultWithoutWaiting(*op, &breach);
    if (EndOf(*op).closed) op->Forgive();
    if (op->result) {
      deferred.Post(std::move(op));
    } else {
      End& end = EndOf(*op);
      end.op = op.get();
      OpRegistry& registry = op->registry();
      // Not null only while the context is being destroyed.
      if (PendingOpPtr refused = registry.Hold(std::move(op))) {
        deferred.Drop(std::move(refused));
      } else {
        Wake(deferred);
        end.starved = !end.posted;
      }
    }
  }
  // Without the lock: listeners of the test may look at the stream.
  if (!breach.empty()) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << breach;
  }
}

// The result of an operation that does not take part in the transfer.
std::optional<OpResult> ByteChannel::ResultWithoutWaiting(const PendingOp& op,
                                                          std::string* breach) {
  if (op.buffer_bytes() == 0) return OpResult{};
  const End& end = EndOf(op);
  if (end.op != nullptr) {
    *breach = absl::StrCat(op.Describe(),
                           " while another is pending: ", end.op->Describe());
    return OpResult{asio::error::already_started};
  }
  if (end.closed) return OpResult{asio::error::bad_descriptor};
  return std::nullopt;
}

void ByteChannel::Cancel(Side side) {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  EndOf(side).cancelled = EndOf(side).op != nullptr;
  Wake(deferred);
}

void ByteChannel::CancelOp(uint64_t id) {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  for (End& end : ends_) {
    if (end.op != nullptr && end.op->id() == id) end.cancelled = true;
  }
  Wake(deferred);
}

void ByteChannel::Close(Side side) {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  End& end = EndOf(side);
  end.closed = true;
  if (end.op != nullptr) end.op->Forgive();
  if (side == Side::kReader) DiscardUnread();
  Wake(deferred);
}

void ByteChannel::ShutDown(Side side) {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  EndOf(side).shut_down = true;
  Wake(deferred);
}

void ByteChannel::Reset(Side side) {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  End& end = EndOf(side);
  end.closed = true;
  if (end.op != nullptr) end.op->Forgive();
  reset_ = true;
  DiscardUnread();
  Wake(deferred);
}

size_t ByteChannel::unread_bytes() const {
  std::lock_guard lock(mutex_);
  return UnreadLocked();
}

std::string ByteChannel::recorded() const {
  std::lock_guard lock(mutex_);
  return recorded_;
}

bool ByteChannel::closed(Side side) const {
  std::lock_guard lock(mutex_);
  return EndOf(side).closed;
}

bool ByteChannel::was_reset() const {
  std::lock_guard lock(mutex_);
  return reset_;
}

std::optional<std::string> ByteChannel::Pending(Side side) const {
  std::lock_guard lock(mutex_);
  const PendingOp* const op = EndOf(side).op;
  if (op == nullptr) return std::nullopt;
  return op->Describe();
}

OpResult ByteChannel::Finish(PendingOp& op) {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  End& end = EndOf(op);
  if (end.op != &op) return *op.result;
  const OpResult result = op.result ? *op.result : Settle(end);
  end.op = nullptr;
  end.posted = end.cancelled = end.starved = false;
  Wake(deferred);
  return result;
}

void ByteChannel::Abandon(PendingOp& op) {
  std::lock_guard lock(mutex_);
  End& end = EndOf(op);
  if (end.op != &op) return;
  end.op = nullptr;
  end.posted = end.cancelled = end.starved = false;
}

ByteChannel::End& ByteChannel::EndOf(const PendingOp& op) {
  return op.kind() == OpKind::kRead ? reader() : writer();
}

bool ByteChannel::IsReady(const End& end) {
  if (end.cancelled || end.closed || reset_) return true;
  const bool reader_gone = reader().closed || reader().shut_down;
  if (&end == &reader()) {
    return UnreadLocked() > 0 || reader_gone || writer().closed ||
           writer().shut_down;
  }
  if (reader_gone || writer().shut_down) return true;
  return end.starved ? UnreadLocked() <= options_.low_mark_bytes
                     : UnreadLocked() < options_.capacity_bytes;
}

OpResult ByteChannel::Settle(const End& end) {
  if (end.cancelled || end.closed) return {asio::error::operation_aborted};
  if (reset_) return {asio::error::connection_reset};
  return &end == &reader() ? Read(*end.op) : Write(*end.op);
}

OpResult ByteChannel::Read(PendingOp& op) {
  if (UnreadLocked() == 0) return {asio::error::eof};
  const size_t bytes =
      asio::buffer_copy(op.read_into(), asio::buffer(queue_) + queue_offset_,
                        options_.read_bytes_max);
  queue_offset_ += bytes;
  // Moving the rest down costs no more than what was read before it did.
  if (queue_offset_ >= UnreadLocked()) {
    queue_.erase(0, queue_offset_);
    queue_offset_ = 0;
  }
  return {{}, bytes};
}

OpResult ByteChannel::Write(PendingOp& op) {
  if (reader().closed || reader().shut_down || writer().shut_down) {
    return {asio::error::broken_pipe};
  }
  const size_t bytes =
      std::min({op.buffer_bytes(), options_.capacity_bytes - UnreadLocked(),
                options_.write_bytes_max});
  COFFER_ASSERT(bytes > 0);
  std::string taken(bytes, '\0');
  asio::buffer_copy(asio::buffer(taken), op.write_from());
  if (options_.record) recorded_ += taken;
  if (!options_.sink) queue_ += taken;
  return {{}, bytes};
}

// Queues the completion of the end's operation if it can complete and was not
// queued before.
bool ByteChannel::WakeEnd(End& end, DeferredOps& deferred) {
  if (end.op == nullptr || end.posted || !IsReady(end)) return false;
  if (options_.transfer == TransferMode::kEarly) end.op->result = Settle(end);
  end.posted = true;
  // Null if the context of the operation is destroying it.
  if (PendingOpPtr op = end.op->registry().Release(*end.op)) {
    deferred.Post(std::move(op));
  }
  return true;
}

// To be called after every change. One end's transfer may be what the other
// waits for.
void ByteChannel::Wake(DeferredOps& deferred) {
  while (WakeEnd(reader(), deferred) || WakeEnd(writer(), deferred)) {
  }
}

void ByteChannel::DiscardUnread() {
  queue_.clear();
  queue_offset_ = 0;
}

}  // namespace coffer_testing::internal
