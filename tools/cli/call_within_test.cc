#include "coffer/tools/cli/call_within.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using namespace std::chrono_literals;  // NOLINT(build/namespaces)

using Result = absl::StatusOr<int>;
using Complete = std::function<void(Result)>;

// An operation whose end the test decides.
class Operation {
 public:
  template <class Handler>
  void operator()(Handler handler) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    auto shared = std::make_shared<Handler>(std::move(handler));
    complete = [shared](Result result) { (*shared)(std::move(result)); };
    slot.assign([this](boost::asio::cancellation_type) {
      if (on_cancel) on_cancel();
    });
  }

  Complete complete;
  std::function<void()> on_cancel;
};

class CallWithinTest : public testing::Test {
 protected:
  Call<Result> Run() {
    return CallWithin<Result>(io_, clock_, 10s, "no answer from db1:1",
                              std::ref(operation_));
  }
  void Post(std::function<void()> step) {
    boost::asio::post(io_, std::move(step));
  }

  boost::asio::io_context io_;
  coffer_testing::ManualClock clock_;
  Operation operation_;
};

TEST_F(CallWithinTest, ResultInTimeIsReturned) {
  Post([this] { clock_.AdvanceBy(9999ms); });
  Post([this] { operation_.complete(5); });
  const auto call = Run();
  EXPECT_EQ(call.result, Result(5));
  EXPECT_FALSE(call.stuck);
}

TEST_F(CallWithinTest, ErrorInTimeIsReturned) {
  Post([this] { operation_.complete(absl::UnavailableError("gone")); });
  EXPECT_EQ(Run().result.status(), absl::UnavailableError("gone"));
}

TEST_F(CallWithinTest, CallsFollowEachOtherOnOneContext) {
  for (int i = 0; i < 3; ++i) {
    Post([this, i] { operation_.complete(i); });
    EXPECT_EQ(Run().result, Result(i));
  }
  EXPECT_EQ(clock_.pending_timers(), 0u);
}

TEST_F(CallWithinTest, OperationIsCancelledWhenItsTimeIsUp) {
  bool cancelled = false;
  operation_.on_cancel = [&] {
    cancelled = true;
    Post([this] { operation_.complete(absl::CancelledError()); });
  };
  Post([this] { clock_.AdvanceBy(10s); });
  const auto call = Run();
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(call.result.status(), absl::DeadlineExceededError(
                                      "no answer from db1:1 within 10000 ms"));
  EXPECT_FALSE(call.stuck);
}

TEST_F(CallWithinTest, ResultAfterItsTimeIsTooLate) {
  operation_.on_cancel = [&] { Post([this] { operation_.complete(5); }); };
  Post([this] { clock_.AdvanceBy(10s); });
  EXPECT_TRUE(absl::IsDeadlineExceeded(Run().result.status()));
}

TEST_F(CallWithinTest, OperationThatCannotBeCancelledIsLeftBehind) {
  operation_.on_cancel = [&] { Post([this] { clock_.AdvanceBy(500ms); }); };
  Post([this] { clock_.AdvanceBy(10s); });
  const auto call = Run();
  EXPECT_TRUE(absl::IsDeadlineExceeded(call.result.status()));
  EXPECT_TRUE(call.stuck);
  // Its end, some day, must do no harm.
  operation_.complete(5);
}

TEST_F(CallWithinTest, StatusAloneIsAResultToo) {
  const auto call = CallWithin<absl::Status>(
      io_, clock_, 10s, "no answer", [this](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        Post([shared] { (*shared)(absl::OkStatus()); });
      });
  EXPECT_TRUE(call.result.ok()) << call.result;
}

}  // namespace
}  // namespace coffer::cli
