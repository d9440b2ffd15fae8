#include "coffer/sdk/mocks/mock_event_source.h"

#include "absl/status/status.h"

namespace coffer_testing {

MockEventSource::MockEventSource(boost::asio::any_io_executor executor)
    : executor_(std::move(executor)) {
  ON_CALL(*this, Next)
      .WillByDefault(Gives(absl::UnimplementedError(
          "MockEventSource: nothing says what this Next gives")));
}

MockEventSource::~MockEventSource() {
  for (const auto& next : held_) {
    next->Complete(absl::CancelledError("the subscription was closed"));
  }
}

void MockEventSource::Hold(NextHandler handler) {
  const std::lock_guard lock(mutex_);
  held_.push_back(HeldNext::Make(std::move(handler), executor_));
}

coffer::Event MakeChange(std::uint64_t sequence, coffer::v1::Change::Kind kind,
                         std::string key, std::uint64_t version,
                         std::uint64_t epoch) {
  coffer::Event event;
  event.kind = coffer::Event::Kind::kChange;
  event.epoch = epoch;
  event.sequence = sequence;
  event.change.set_kind(kind);
  event.change.set_key(std::move(key));
  event.change.set_version(version);
  return event;
}

coffer::Event MakeGap(std::uint64_t sequence, std::uint64_t epoch) {
  coffer::Event gap;
  gap.kind = coffer::Event::Kind::kGap;
  gap.epoch = epoch;
  gap.sequence = sequence;
  return gap;
}

}  // namespace coffer_testing
