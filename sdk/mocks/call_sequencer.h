// CallSequencer: keeps the calls that a MockConnection is given, so that a test
// completes them one by one, when and in the order it likes:
//
//   CallSequencer sequencer(io.get_executor());
//   EXPECT_CALL(*connection, Execute).WillRepeatedly(sequencer.Holds());
//   ...                                  // the code under test makes two calls
//   auto first = sequencer.Pop();
//   auto second = sequencer.Pop();
//   second.Complete(MakeAnswer(2));
//   first.Complete(absl::UnavailableError("connection lost"));
//
// Any other Connection may give it calls as well, by Hold. A call that is
// cancelled completes with Cancelled by itself, and completing it then does
// nothing, as an answer that comes too late. One that is neither completed nor
// cancelled when the sequencer is destroyed is a test failure, which names the
// line that made the sequencer; it completes with Cancelled.
//
// Completion: never inside Complete, on the handler's executor, by default the
// sequencer's. Threads: any. Ownership: does not outlive the context; actions
// of Holds do not outlive the sequencer.

#ifndef COFFER_SDK_MOCKS_CALL_SEQUENCER_H_
#define COFFER_SDK_MOCKS_CALL_SEQUENCER_H_

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <source_location>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/mocks/internal/held_operation.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"

namespace coffer_testing {

class CallSequencer {
 private:
  struct Held;

 public:
  using Where = std::source_location;
  using Response = absl::StatusOr<coffer::v1::CommandResponse>;
  using CallMatcher = ::testing::Matcher<const coffer::v1::CommandRequest&>;

  // One call. Copies are of the same.
  class Call {
   public:
    const coffer::v1::CommandRequest& request() const;
    const coffer::CallOptions& options() const;
    bool cancelled() const;

    // Once; a second time is a test failure.
    void Complete(Response result, Where where = Where::current()) const;

   private:
    friend class CallSequencer;
    explicit Call(std::shared_ptr<Held> held) : held_(std::move(held)) {}
    std::shared_ptr<Held> held_;
  };

  explicit CallSequencer(boost::asio::any_io_executor executor,
                         Where where = Where::current());
  CallSequencer(const CallSequencer&) = delete;
  CallSequencer& operator=(const CallSequencer&) = delete;
  ~CallSequencer();

  // The action for MockConnection::Execute.
  auto Holds() {
    return
        [this](coffer::v1::CommandRequest request, coffer::CallOptions options,
               coffer::Connection::ExecuteHandler handler) {
          Hold(std::move(request), std::move(options), std::move(handler));
        };
  }
  void Hold(coffer::v1::CommandRequest request, coffer::CallOptions options,
            coffer::Connection::ExecuteHandler handler);

  // The oldest call that was not popped yet and that `matcher` likes; cancelled
  // ones too. That there is none is a test failure, and gives a call whose
  // request is empty and that nobody waits for.
  Call Pop(CallMatcher matcher = ::testing::_, Where where = Where::current());

  // Calls that were not popped yet.
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  // Calls that were cancelled, popped or not.
  std::size_t cancellations() const { return *cancellations_; }

 private:
  const boost::asio::any_io_executor executor_;
  const Where where_;
  const std::shared_ptr<std::atomic<std::size_t>> cancellations_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Held>> waiting_;
  std::vector<std::shared_ptr<Held>> popped_;
};

}  // namespace coffer_testing

#endif  // COFFER_SDK_MOCKS_CALL_SEQUENCER_H_
