#include "coffer/testing/time/virtual_time.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/testing/internal/op_registry.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

constexpr auto kNever = [] { return false; };

std::string Text(VirtualTime::Duration duration) {
  return absl::FormatDuration(absl::FromChrono(duration));
}

}  // namespace

struct VirtualTime::Owned {
  boost::asio::io_context io;
  ManualClock clock;
};

VirtualTime::VirtualTime(VirtualTimeOptions options)
    : owned_(std::make_unique<Owned>()),
      options_(options),
      io_(owned_->io),
      clock_(owned_->clock) {}

VirtualTime::VirtualTime(boost::asio::io_context& io, ManualClock& clock,
                         VirtualTimeOptions options)
    : options_(options), io_(io), clock_(clock) {}

VirtualTime::~VirtualTime() = default;

size_t VirtualTime::RunReady(Where where) {
  Call call{.until = Now(), .done = kNever, .where = where};
  while (RunOne(call)) {
  }
  return call.handlers;
}

size_t VirtualTime::RunUntilIdle(Where where) {
  Call call{.until = After(options_.time_max), .done = kNever, .where = where};
  Run(call);
  if (!call.gave_up && clock_.NextDeadline()) {
    Fail(where, absl::StrCat("RunUntilIdle: not idle after ",
                             Text(options_.time_max)));
  }
  return call.handlers;
}

size_t VirtualTime::RunFor(Duration duration, Where where) {
  if (duration < Duration::zero()) {
    Fail(where, absl::StrCat("RunFor(", Text(duration), ") goes back"));
    return 0;
  }
  Call call{.until = After(duration), .done = kNever, .where = where};
  Run(call);
  if (!call.gave_up && Now() < call.until) {
    clock_.AdvanceTo(call.until);
    handlers_at_instant_ = 0;
  }
  return call.handlers;
}

bool VirtualTime::RunUntil(absl::FunctionRef<bool()> done,
                           std::optional<Duration> limit, Where where) {
  const Duration at_most = limit.value_or(options_.time_max);
  const TimePoint start = Now();
  Call call{.until = After(at_most), .done = done, .where = where};
  Run(call);
  if (done()) return true;
  if (call.gave_up) return false;
  if (clock_.NextDeadline()) {
    Fail(where, absl::StrCat("RunUntil: not done within ", Text(at_most)));
  } else {
    Fail(where, absl::StrCat("RunUntil: not done, and nothing is left to "
                             "happen, after ",
                             Text(Now() - start)));
  }
  return false;
}

void VirtualTime::Run(Call& call) {
  while (!call.done()) {
    if (RunOne(call)) continue;
    const std::optional<TimePoint> next = clock_.NextDeadline();
    if (call.gave_up || !next || *next > call.until) return;
    handlers_at_instant_ = 0;
    clock_.AdvanceToNextDeadline();
  }
}

bool VirtualTime::RunOne(Call& call) {
  if (call.gave_up) return false;
  // An io_context that had nothing to do counts as stopped.
  if (io_.stopped()) io_.restart();
  if (io_.poll_one() == 0) {
    return false;
  }
  ++call.handlers;
  if (++handlers_at_instant_ > options_.handlers_per_instant_max) {
    call.gave_up = true;
    handlers_at_instant_ = 0;
    Fail(call.where,
         absl::StrCat("more than ", options_.handlers_per_instant_max,
                      " handlers ran without time moving on: an endless loop? "
                      "(If not, raise handlers_per_instant_max.)"));
  }
  return true;
}

VirtualTime::TimePoint VirtualTime::After(Duration duration) const {
  return Now() + std::min(duration, TimePoint::max() - Now());
}

void VirtualTime::Fail(const Where& where, absl::string_view what) const {
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << "VirtualTime::" << what << "\n"
      << Pending();
}

std::string VirtualTime::Pending() const {
  std::string text = "Pending:\n";
  for (const std::string& operation :
       internal::OpRegistry::Of(io_.get_executor()).DescribeIo()) {
    absl::StrAppend(&text, "  ", operation, "\n");
  }
  for (const TimePoint deadline : clock_.Deadlines()) {
    absl::StrAppend(&text, "  a timer that goes off in ",
                    Text(deadline - Now()), "\n");
  }
  if (text == "Pending:\n") absl::StrAppend(&text, "  nothing\n");
  return text;
}

}  // namespace coffer_testing
