// ByteChannel: bytes on their way from one writer to one reader, with at most
// one operation pending on each side. All behaviour of the stream doubles is
// here; they only differ in how they are wired (fake_stream.h).
//
// Threads: thread-safe; reader and writer may have executors on two threads.
// Bytes that move late are copied on the executor of the operation's handler.

#ifndef COFFER_TESTING_INTERNAL_BYTE_CHANNEL_H_
#define COFFER_TESTING_INTERNAL_BYTE_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <string>

#include "coffer/testing/internal/pending_op.h"
#include "coffer/testing/transfer_mode.h"

namespace coffer_testing::internal {

inline constexpr size_t kUnboundedBytes = std::numeric_limits<size_t>::max();

struct ByteChannelOptions {
  // A write takes what fits and waits if nothing does. At least 1.
  size_t capacity_bytes = kUnboundedBytes;
  // A write that waits goes on when no more than this is unread. Below the
  // capacity.
  size_t low_mark_bytes = kUnboundedBytes - 1;
  // What one operation moves at most, even if there are more bytes or is more
  // room. At least 1.
  size_t read_bytes_max = kUnboundedBytes;
  size_t write_bytes_max = kUnboundedBytes;
  TransferMode transfer = TransferMode::kLate;
  // Keep a copy of all that was written.
  bool record = false;
  // Nobody reads: bytes are recorded and gone.
  bool sink = false;
};

class ByteChannel final : public OpTarget {
 public:
  enum class Side { kReader = 0, kWriter = 1 };

  explicit ByteChannel(ByteChannelOptions options, std::string unread = "");

  // One with both sides closed.
  static std::shared_ptr<ByteChannel> MakeClosed();

  // Starts a read or a write. Its target must be this channel.
  void Start(PendingOpPtr op);

  // Aborts the side's operation, if it is not settled yet.
  void Cancel(Side side);

  // The side ends for good; its operation is aborted and later ones get
  // bad_descriptor. The other side: a reader drains and gets eof, a writer gets
  // broken_pipe.
  void Close(Side side);

  // The side is done without being closed. Writer: its writes get broken_pipe,
  // the reader drains and gets eof. Reader: it drains and gets eof, the writer
  // gets broken_pipe.
  void ShutDown(Side side);

  // The side ends for good, as with Close, what is unread is discarded, and the
  // other side gets connection_reset.
  void Reset(Side side);

  size_t unread_bytes() const;
  std::string recorded() const;
  bool closed(Side side) const;
  bool was_reset() const;
  // What is pending there, described; for the count and for messages.
  std::optional<std::string> Pending(Side side) const;

  OpResult Finish(PendingOp& op) override;
  void Abandon(PendingOp& op) override;
  void CancelOp(uint64_t id) override;

 private:
  struct End {
    PendingOp* op = nullptr;
    bool posted = false;     // the completion of `op` is queued
    bool cancelled = false;  // `op` is to be aborted
    bool starved = false;    // `op` found no room
    bool closed = false;
    bool shut_down = false;
  };

  // All of these under the lock.
  End& reader() { return ends_[0]; }
  End& writer() { return ends_[1]; }
  End& EndOf(Side side) { return ends_[static_cast<int>(side)]; }
  const End& EndOf(Side side) const { return ends_[static_cast<int>(side)]; }
  End& EndOf(const PendingOp& op);
  std::optional<OpResult> ResultWithoutWaiting(const PendingOp& op,
                                               std::string* breach);
  size_t UnreadLocked() const { return queue_.size() - queue_offset_; }
  bool IsReady(const End& end);
  OpResult Settle(const End& end);
  OpResult Read(PendingOp& op);
  OpResult Write(PendingOp& op);
  bool WakeEnd(End& end, DeferredOps& deferred);
  void Wake(DeferredOps& deferred);
  void DiscardUnread();

  const ByteChannelOptions options_;
  mutable std::mutex mutex_;
  End ends_[2];
  bool reset_ = false;
  std::string queue_;  // unread from queue_offset_ on
  size_t queue_offset_ = 0;
  std::string recorded_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_BYTE_CHANNEL_H_
