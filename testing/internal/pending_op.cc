#include "coffer/testing/internal/pending_op.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {
namespace {

uint64_t NextId() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

const char* Name(OpKind kind) {
  switch (kind) {
    case OpKind::kRead:
      return "async_read_some";
    case OpKind::kWrite:
      return "async_write_some";
    case OpKind::kWait:
      return "timer wait";
  }
  return "operation";
}

}  // namespace

std::string ToString(const std::source_location& where) {
  return absl::StrCat(where.file_name(), ":", where.line());
}

void PendingOpDeleter::operator()(PendingOp* op) const { op->Destroy(); }

PendingOp::PendingOp(OpSpec spec) : spec_(std::move(spec)), id_(NextId()) {}

size_t PendingOp::buffer_bytes() const {
  return boost::asio::buffer_size(spec_.read_into) +
         boost::asio::buffer_size(spec_.write_from);
}

std::string PendingOp::Describe() const {
  return absl::StrCat(Name(kind()), " started at ", ToString(where()),
                      " on the stream made at ", ToString(spec_.made_at));
}

void PendingOp::Post(PendingOpPtr op) {
  PendingOp& self = *op;
  self.PostSelf(std::move(op));
}

void PendingOp::ReportAbandoned() {
  target().Abandon(*this);
  if (!spec_.fail_if_abandoned || forgiven_) return;
  ADD_FAILURE_AT(where().file_name(), static_cast<int>(where().line()))
      << Describe()
      << " never completed: its execution context was destroyed first. "
         "Complete, cancel or close before that, or set fail_if_abandoned = "
         "false in the stream's options.";
}

DeferredOps::~DeferredOps() {
  for (PendingOpPtr& op : post_) PendingOp::Post(std::move(op));
}

}  // namespace coffer_testing::internal
