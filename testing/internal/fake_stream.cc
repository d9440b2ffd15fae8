#include "coffer/testing/internal/fake_stream.h"

#include <boost/asio/error.hpp>
#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace coffer_testing::internal {

using boost::system::error_code;
using Side = ByteChannel::Side;

FakeStream::FakeStream(executor_type executor, std::shared_ptr<ByteChannel> in,
                       std::shared_ptr<ByteChannel> out, bool fail_if_abandoned,
                       std::source_location made_at)
    : executor_(std::move(executor)),
      registry_(&OpRegistry::Of(executor_)),
      fail_if_abandoned_(fail_if_abandoned),
      made_at_(made_at),
      in_(std::move(in)),
      out_(std::move(out)) {}

// The stream moved from is as a socket moved from: closed, with its executor.
FakeStream::FakeStream(FakeStream&& other) noexcept
    : executor_(other.executor_),
      registry_(other.registry_),
      fail_if_abandoned_(other.fail_if_abandoned_),
      made_at_(other.made_at_) {
  other.ReportMoved();
  in_ = std::exchange(other.in_, ByteChannel::MakeClosed());
  out_ = std::exchange(other.out_, ByteChannel::MakeClosed());
}

FakeStream& FakeStream::operator=(FakeStream&& other) noexcept {
  if (this == &other) return *this;
  other.ReportMoved();
  close();
  executor_ = other.executor_;
  registry_ = other.registry_;
  fail_if_abandoned_ = other.fail_if_abandoned_;
  made_at_ = other.made_at_;
  in_ = std::exchange(other.in_, ByteChannel::MakeClosed());
  out_ = std::exchange(other.out_, ByteChannel::MakeClosed());
  return *this;
}

FakeStream::~FakeStream() { close(); }

void FakeStream::ReportMoved() const {
  for (const std::optional<std::string>& pending :
       {in_->Pending(Side::kReader), out_->Pending(Side::kWriter)}) {
    if (pending) ADD_FAILURE() << "stream moved while pending: " << *pending;
  }
}

void FakeStream::shutdown(boost::asio::socket_base::shutdown_type what,
                          error_code& error) {
  using boost::asio::socket_base;
  if (!is_open()) {
    error = boost::asio::error::bad_descriptor;
    return;
  }
  if (out_->was_reset()) {
    error = boost::asio::error::not_connected;
    return;
  }
  error = {};
  if (what != socket_base::shutdown_receive) out_->ShutDown(Side::kWriter);
  if (what != socket_base::shutdown_send) in_->ShutDown(Side::kReader);
}

void FakeStream::shutdown_send() {
  error_code ignored;
  shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

void FakeStream::close() {
  in_->Close(Side::kReader);
  out_->Close(Side::kWriter);
}

void FakeStream::close(error_code& error) {
  close();
  error = {};
}

void FakeStream::reset() {
  in_->Reset(Side::kReader);
  out_->Reset(Side::kWriter);
}

void FakeStream::cancel() {
  in_->Cancel(Side::kReader);
  out_->Cancel(Side::kWriter);
}

void FakeStream::cancel(error_code& error) {
  error = is_open() ? error_code() : boost::asio::error::bad_descriptor;
  cancel();
}

bool FakeStream::is_open() const { return !in_->closed(Side::kReader); }

size_t FakeStream::pending_reads() const {
  return in_->Pending(Side::kReader) ? 1 : 0;
}

size_t FakeStream::pending_writes() const {
  return out_->Pending(Side::kWriter) ? 1 : 0;
}

OpSpec FakeStream::MakeSpec(OpKind kind, std::source_location where) const {
  return OpSpec{.kind = kind,
                .where = where,
                .made_at = made_at_,
                .target = kind == OpKind::kRead ? in_ : out_,
                .registry = registry_,
                .fail_if_abandoned = fail_if_abandoned_};
}

}  // namespace coffer_testing::internal
