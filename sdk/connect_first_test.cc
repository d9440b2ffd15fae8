#include "coffer/sdk/connect_first.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::seconds;
using MaybeSocket = absl::StatusOr<tcp::socket>;

class ConnectFirstTest : public ::testing::Test {
 protected:
  ConnectFirstTest() : full_(io_), listening_(io_) {
    // A listener whose queue is full answers no more: Linux drops the packets.
    Listen(full_, 0);
    Listen(listening_, 16);
    for (int i = 0; i < 4; ++i) {
      fillers_.emplace_back(io_).async_connect(
          full_.local_endpoint(), [](boost::system::error_code) {});
    }
    io_.poll();
    // Nobody listens here any more.
    tcp::acceptor closed(io_);
    Listen(closed, 1);
    refusing_ = closed.local_endpoint();
  }

  static void Listen(tcp::acceptor& acceptor, int backlog) {
    acceptor.open(tcp::v4());
    acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(backlog);
  }

  void Start(std::vector<tcp::endpoint> addresses,
             std::optional<Clock::TimePoint> deadline) {
    auto body = [this, addresses = std::move(addresses), deadline] {
      return ConnectFirst(addresses, "connecting to h:1", &clock_, deadline);
    };
    Spawn<MaybeSocket>(io_.get_executor(), std::move(body),
                       asio::bind_cancellation_slot(
                           cancel_.slot(), [this](MaybeSocket socket) {
                             result_ = std::move(socket);
                           }));
    io_.poll();
  }

  void RunUntilDone() {
    while (!result_.has_value()) ASSERT_GT(io_.run_one(), 0u);
  }

  asio::io_context io_;
  coffer_testing::ManualClock clock_;
  asio::cancellation_signal cancel_;
  tcp::acceptor full_;
  tcp::acceptor listening_;
  tcp::endpoint refusing_;
  std::vector<tcp::socket> fillers_;
  std::optional<MaybeSocket> result_;
};

TEST_F(ConnectFirstTest, AddressWithoutAnswerGetsItsShareOfTheTime) {
  Start({full_.local_endpoint(), full_.local_endpoint(),
         listening_.local_endpoint()},
        clock_.Now() + seconds(9));
  EXPECT_FALSE(result_.has_value());
  clock_.AdvanceBy(seconds(3));
  io_.poll();
  EXPECT_FALSE(result_.has_value());
  EXPECT_EQ(clock_.pending_timers(), 1u) << "the second one's, of 3 s";
  clock_.AdvanceBy(seconds(3));
  RunUntilDone();
  ASSERT_TRUE(result_->ok()) << result_->status();
  EXPECT_EQ((*result_)->remote_endpoint(), listening_.local_endpoint());
}

TEST_F(ConnectFirstTest, RefusalGoesOnToTheNextAtOnce) {
  Start({refusing_, listening_.local_endpoint()}, clock_.Now() + seconds(9));
  RunUntilDone();
  ASSERT_TRUE(result_->ok()) << result_->status();
}

TEST_F(ConnectFirstTest, LastErrorIsTheResult) {
  Start({refusing_, refusing_}, std::nullopt);
  RunUntilDone();
  EXPECT_EQ(result_->status(),
            absl::UnavailableError("connecting to h:1: Connection refused"));
}

TEST_F(ConnectFirstTest, NoDeadlineNoTimer) {
  Start({full_.local_endpoint(), listening_.local_endpoint()}, std::nullopt);
  EXPECT_EQ(clock_.pending_timers(), 0u);
  cancel_.emit(asio::cancellation_type::total);
  RunUntilDone();
  EXPECT_TRUE(absl::IsCancelled(result_->status())) << result_->status();
}

TEST_F(ConnectFirstTest, EveryTypeOfCancellationEndsAllAttempts) {
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    result_.reset();
    Start({full_.local_endpoint(), listening_.local_endpoint()},
          clock_.Now() + seconds(9));
    EXPECT_EQ(clock_.pending_timers(), 1u);
    cancel_.emit(type);
    RunUntilDone();
    EXPECT_TRUE(absl::IsCancelled(result_->status())) << result_->status();
    io_.poll();
  }
}

}  // namespace
}  // namespace coffer::internal
