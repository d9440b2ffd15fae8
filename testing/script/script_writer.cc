#include "coffer/testing/script/script_writer.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <utility>

namespace coffer_testing::internal {

using boost::system::error_code;

ScriptWriter::ScriptWriter(MemoryPipe* pipe, coffer::Clock* clock)
    : pipe_(pipe),
      clock_(clock),
      timer_(clock->MakeTimer(pipe->get_executor())) {}

void ScriptWriter::Send(ScriptItem item) {
  const auto when = clock_->Now() + item.after;
  queue_.push_back({std::move(item), when});
  Next();
}

void ScriptWriter::Stop() {
  pipe_ = nullptr;
  queue_.clear();
  timer_->Cancel();
}

void ScriptWriter::Next() {
  if (busy_ || pipe_ == nullptr || queue_.empty()) return;
  busy_ = true;
  WaitUntil(queue_.front().when, &ScriptWriter::StartItem);
}

void ScriptWriter::WaitUntil(coffer::Clock::TimePoint when,
                             void (ScriptWriter::*then)()) {
  timer_->WaitUntil(when, [self = shared_from_this(), then](error_code error) {
    if (error || self->pipe_ == nullptr) return;
    ((*self).*then)();
  });
}

void ScriptWriter::StartItem() {
  written_ = 0;
  piece_ = 0;
  piece_end_ = 0;
  WritePiece();
}

void ScriptWriter::WritePiece() {
  const ScriptItem& item = queue_.front().item;
  if (written_ == item.bytes.size()) return Finish();
  if (written_ == piece_end_) {
    const size_t left = item.bytes.size() - written_;
    const size_t size = piece_ < item.pieces.size()
                            ? std::min(item.pieces[piece_++], left)
                            : left;
    piece_end_ = written_ + std::max<size_t>(size, 1);
  }
  pipe_->async_write_some(
      boost::asio::buffer(item.bytes.data() + written_, piece_end_ - written_),
      [self = shared_from_this()](error_code error, size_t bytes) {
        if (self->pipe_ == nullptr) return;
        // Whoever has closed the connection wants nothing more of it.
        if (error) return self->Finish();
        self->written_ += bytes;
        if (self->written_ < self->piece_end_) return self->WritePiece();
        self->WaitUntil(self->clock_->Now() + std::chrono::nanoseconds(1),
                        &ScriptWriter::WritePiece);
      });
}

void ScriptWriter::Finish() {
  const ScriptItem::Then then = queue_.front().item.then;
  queue_.pop_front();
  busy_ = false;
  if (then == ScriptItem::Then::kEnd) pipe_->shutdown_send();
  if (then == ScriptItem::Then::kReset) pipe_->reset();
  Next();
}

}  // namespace coffer_testing::internal
