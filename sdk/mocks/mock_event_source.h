// MockEventSource: what a subscription or a watcher is made of, for code that
// takes a coffer::Subscription or coffer::Watcher, or that subscribes:
//
//   auto news = std::make_unique<StrictMock<MockEventSource>>(executor);
//   EXPECT_CALL(*news, Next)
//       .WillOnce(news->Gives(MakeEvent(1, "first")))
//       .WillOnce(news->Gives(MakeGap(7)))
//       .WillRepeatedly(news->Waits());
//   EXPECT_CALL(*connection, Subscribe("news", _, _))
//       .WillOnce(connection->Opens(std::move(news)));
//
// Of a watch, the events are those of MakeSet, MakeChange and MakeGap:
//
//   EXPECT_CALL(*connection,
//               Watch(EqualsProto("table: 'users' key: 'ada'"), _, _))
//       .WillOnce(connection->Opens(std::move(ada)));
//
// Gives completes a Next as a subscription does: once, never inside the call,
// on the handler's executor, by default that of the mock. Waits lets it wait,
// until it is cancelled, or the source is destroyed: Cancelled. A Next of which
// nothing is said fails with Unimplemented.
// Its position is {0, 0} if nothing else is said.
//
// Threads: any, as gmock. Ownership: the mock does not outlive the context.

#ifndef COFFER_SDK_MOCKS_MOCK_EVENT_SOURCE_H_
#define COFFER_SDK_MOCKS_MOCK_EVENT_SOURCE_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/mocks/internal/held_operation.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"

namespace coffer_testing {

class MockEventSource : public coffer::EventSource {
 public:
  explicit MockEventSource(boost::asio::any_io_executor executor);
  ~MockEventSource() override;

  boost::asio::any_io_executor get_executor() override { return executor_; }

  MOCK_METHOD(void, Next, (NextHandler), (override));
  MOCK_METHOD(coffer::EventPosition, position, (), (const, override));

  // Actions for Next.
  auto Gives(absl::StatusOr<coffer::Event> event) {
    return
        [executor = executor_, event = std::move(event)](NextHandler handler) {
          internal::HeldOperation<absl::StatusOr<coffer::Event>>::Make(
              std::move(handler), executor)
              ->Complete(event);
        };
  }
  auto Waits() {
    return [this](NextHandler handler) { Hold(std::move(handler)); };
  }

 private:
  using HeldNext = internal::HeldOperation<absl::StatusOr<coffer::Event>>;

  void Hold(NextHandler handler);

  const boost::asio::any_io_executor executor_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<HeldNext>> held_;
};

// Data of one value, which is anything that ToValue takes.
template <coffer::ConvertibleToValue V>
coffer::Event MakeEvent(std::uint64_t sequence, V&& value,
                        std::uint64_t epoch = 1) {
  coffer::Event event;
  event.epoch = epoch;
  event.sequence = sequence;
  event.data.push_back(coffer::ToValue(std::forward<V>(value)));
  return event;
}

// A change of another kind: of a key, or, without one, of the table.
coffer::Event MakeChange(std::uint64_t sequence, coffer::v1::Change::Kind kind,
                         std::string key, std::uint64_t version,
                         std::uint64_t epoch = 1);

// A key was stored, with anything that ToValue takes.
template <coffer::ConvertibleToValue V>
coffer::Event MakeSet(std::uint64_t sequence, std::string key,
                      std::uint64_t version, V&& value,
                      std::uint64_t epoch = 1) {
  coffer::Event event = MakeChange(sequence, coffer::v1::Change::SET,
                                   std::move(key), version, epoch);
  *event.change.mutable_value() = coffer::ToValue(std::forward<V>(value));
  return event;
}

// Events are missing, the last of them this one.
coffer::Event MakeGap(std::uint64_t sequence, std::uint64_t epoch = 1);

}  // namespace coffer_testing

#endif  // COFFER_SDK_MOCKS_MOCK_EVENT_SOURCE_H_
