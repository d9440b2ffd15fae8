#include "coffer/testing/sim/sim_network.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/internal/op_recorder.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using asio::awaitable;
using internal::CapturedFailures;
using internal::Pending;
using internal::Record;
using internal::Result;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using MaybeSocket = absl::StatusOr<SimSocket>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Two hosts, "client" and "server", and what the server accepts.
class SimNetworkTest : public ::testing::Test {
 protected:
  explicit SimNetworkTest(uint64_t seed = 1) : net_(time_, seed) { Listen(); }

  void Listen() {
    net_.Listen("server", 1,
                [this](SimSocket socket) { peer_.emplace(std::move(socket)); });
  }

  void StartConnect() {
    connected_.reset();
    net_.AsyncConnect("client", "server:1", [this](MaybeSocket socket) {
      connected_ = std::move(socket);
    });
  }

  // Both ends.
  std::pair<SimSocket, SimSocket> Connect() {
    StartConnect();
    EXPECT_TRUE(time_.RunUntil([this] { return connected_.has_value(); }));
    EXPECT_TRUE(connected_->ok()) << connected_->status();
    return {*std::move(*connected_), *std::move(peer_)};
  }

  void Write(SimSocket& socket, std::string bytes) {
    const auto kept = std::make_shared<std::string>(std::move(bytes));
    asio::async_write(socket, asio::buffer(*kept), [kept](auto...) {});
  }

  // What is there within `time`.
  Result Read(SimSocket& socket, VirtualTime::Duration time = seconds(1)) {
    Pending done;
    asio::cancellation_signal cancel;
    socket.async_read_some(
        asio::buffer(buffer_),
        asio::bind_cancellation_slot(cancel.slot(), Record(done)));
    time_.RunFor(time);
    cancel.emit(asio::cancellation_type::total);
    time_.RunReady();
    return *done;
  }

  static inline const Result kNothing = {error::operation_aborted, 0};

  VirtualTime time_;
  SimNetwork net_;
  std::optional<MaybeSocket> connected_;
  std::optional<SimSocket> peer_;
  std::array<char, 100000> buffer_;
};

TEST_F(SimNetworkTest, ConnectsAndTakesItsTime) {
  const auto start = time_.Now();
  auto [client, server] = Connect();
  EXPECT_GE(time_.Now() - start, milliseconds(2)) << "there and back";
  EXPECT_EQ(net_.connections(), 1u);

  Pending read;
  std::string got(5, '.');
  asio::async_read(server, asio::buffer(got), Record(read));
  Write(client, "hello");
  time_.RunFor(milliseconds(1) - std::chrono::nanoseconds(1));
  EXPECT_EQ(server.buffered(), 0u);
  EXPECT_TRUE(time_.RunUntil([&] { return read.has_value(); }, seconds(1)));
  EXPECT_EQ(got, "hello");
}

TEST_F(SimNetworkTest, AllArrivesInOrderAndInPieces) {
  auto [client, server] = Connect();
  std::string sent;
  for (int i = 0; i < 50000; ++i) sent += static_cast<char>(i % 251);
  std::string got(sent.size(), '\0');
  Pending read;
  asio::async_read(server, asio::buffer(got), Record(read));
  Write(client, sent);
  EXPECT_TRUE(time_.RunUntil([&] { return read.has_value(); }, seconds(60)));
  EXPECT_TRUE(got == sent);
  EXPECT_THAT(net_.transcript(), SizeIs(Gt(30u)));
}

TEST_F(SimNetworkTest, SendersWaitForRoom) {
  auto [client, server] = Connect();
  Pending write;
  const std::string much(1'000'000, 'x');
  asio::async_write(client, asio::buffer(much), Record(write));
  time_.RunFor(minutes(1));
  EXPECT_FALSE(write) << "nobody reads";
  client.close();
  time_.RunReady();
}

TEST_F(SimNetworkTest, EndsAreToldApart) {
  {
    auto [client, server] = Connect();
    Write(client, "last");
    time_.RunReady();
    client.shutdown_send();
    Write(server, "words");
    EXPECT_EQ(Read(server), (Result{{}, 4}));
    EXPECT_EQ(Read(server), (Result{error::eof, 0}));
    EXPECT_EQ(Read(client), (Result{{}, 5})) << "the other way stays open";
    server.close();
    EXPECT_EQ(Read(client), (Result{error::eof, 0}));
    EXPECT_EQ(net_.connections(), 0u);
  }
  {
    auto [client, server] = Connect();
    client.reset();
    EXPECT_EQ(Read(server), (Result{error::connection_reset, 0}));
  }
  {
    auto [client, server] = Connect();
    client.close();
    EXPECT_EQ(Read(server), (Result{error::eof, 0}));
    Write(server, "to nobody");
    time_.RunFor(seconds(1));
    Pending write;
    server.async_write_some(asio::buffer("x", 1), Record(write));
    time_.RunFor(seconds(1));
    EXPECT_EQ(write, (Result{error::connection_reset, 0}));
  }
}

TEST_F(SimNetworkTest, NobodyListens) {
  net_.AsyncConnect("client", "server:2", [this](MaybeSocket socket) {
    connected_.emplace(std::move(socket));
  });
  EXPECT_FALSE(connected_) << "completed in the initiating function";
  time_.RunUntil([this] { return connected_.has_value(); }, seconds(1));
  EXPECT_THAT(connected_->status(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("connecting to server:2: refused")));
}

TEST_F(SimNetworkTest, PartitionHoldsEverythingUp) {
  auto [client, server] = Connect();
  net_.Partition("client", "server");
  Write(client, "hello");
  EXPECT_EQ(Read(server, minutes(10)), kNothing);
  net_.Heal("server", "client");
  EXPECT_EQ(Read(server), (Result{{}, 5}));
}

TEST_F(SimNetworkTest, PartitionMayBeOneWay) {
  auto [client, server] = Connect();
  net_.PartitionOneWay("client", "server");
  Write(client, "hello");
  Write(server, "there");
  EXPECT_EQ(Read(server), kNothing);
  EXPECT_EQ(Read(client), (Result{{}, 5}));
  net_.HealAll();
  EXPECT_EQ(Read(server), (Result{{}, 5}));
}

TEST_F(SimNetworkTest, ConnectWaitsForThePartitionToEndOrGivesUp) {
  net_.Partition("client", "server");
  StartConnect();
  time_.RunFor(minutes(1));
  EXPECT_FALSE(connected_);
  net_.HealAll();
  time_.RunFor(seconds(1));
  ASSERT_TRUE(connected_);
  EXPECT_TRUE(connected_->ok());

  net_.Partition("client", "server");
  StartConnect();
  const auto start = time_.Now();
  time_.RunUntil([this] { return connected_.has_value(); });
  EXPECT_THAT(connected_->status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(time_.Now() - start, minutes(2));
}

TEST_F(SimNetworkTest, ConnectIsCancelled) {
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    net_.Partition("client", "server");
    connected_.reset();
    asio::cancellation_signal signal;
    net_.AsyncConnect(
        "client", "server:1",
        asio::bind_cancellation_slot(signal.slot(), [this](MaybeSocket socket) {
          connected_ = std::move(socket);
        }));
    time_.RunFor(seconds(5));
    signal.emit(type);
    time_.RunReady();
    ASSERT_TRUE(connected_);
    EXPECT_THAT(connected_->status(), StatusIs(absl::StatusCode::kCancelled));
  }
}

TEST_F(SimNetworkTest, KilledProcessIsHeardOf) {
  auto [client, server] = Connect();
  net_.Kill("server");
  EXPECT_EQ(Read(server, {}), (Result{error::connection_reset, 0}));
  EXPECT_EQ(Read(client), (Result{error::connection_reset, 0}));
  StartConnect();
  time_.RunFor(seconds(1));
  EXPECT_THAT(connected_->status(), StatusIs(absl::StatusCode::kUnavailable));

  net_.Restart("server");
  Listen();
  Connect();
}

TEST_F(SimNetworkTest, SilentDeathIsNotHeardOfBeforeTheRestart) {
  auto [client, server] = Connect();
  net_.Kill("server", SimNetwork::Death::kSilent);
  EXPECT_EQ(Read(client, minutes(60)), kNothing);
  Write(client, "anybody?");
  EXPECT_EQ(Read(client, minutes(60)), kNothing);
  net_.Restart("server");
  EXPECT_EQ(Read(client), (Result{error::connection_reset, 0}));
}

TEST_F(SimNetworkTest, ResetEndsBothEnds) {
  auto [client, server] = Connect();
  net_.ResetConnections("server", "client");
  EXPECT_EQ(Read(client, {}), (Result{error::connection_reset, 0}));
  EXPECT_EQ(Read(server, {}), (Result{error::connection_reset, 0}));
}

TEST_F(SimNetworkTest, SwizzleClogPassesInTheEnd) {
  auto [client, server] = Connect();
  net_.SwizzleClog({"client", "server"}, seconds(5));
  std::string got(5000, '\0');
  Pending read;
  asio::async_read(server, asio::buffer(got), Record(read));
  for (int i = 0; i < 50; ++i) {
    Write(client, std::string(100, 'x'));
    time_.RunFor(milliseconds(200));
  }
  EXPECT_TRUE(time_.RunUntil([&] { return read.has_value(); }, seconds(5)));
  EXPECT_EQ(got, std::string(5000, 'x'));
}

TEST_F(SimNetworkTest, ListeningTwiceNamesTheLine) {
  CapturedFailures captured;
  const int line = __LINE__ + 1;
  net_.Listen("server", 1, [](SimSocket) {});
  ASSERT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("somebody listens on server:1"))));
  EXPECT_EQ(captured.Get()[0].line, line);
}

// Chatter between three hosts, with all that can happen.
uint64_t HashOfARun(uint64_t seed) {
  VirtualTime time;
  SimNetwork net(time, seed);
  std::vector<std::shared_ptr<SimSocket>> sockets;
  const auto chat = [&](std::shared_ptr<SimSocket> socket) -> awaitable<void> {
    std::array<char, 200> words = {};
    while (true) {
      auto [write_error, written] =
          co_await asio::async_write(*socket, asio::buffer(words), kTuple);
      if (write_error) co_return;
      auto [error, bytes] =
          co_await asio::async_read(*socket, asio::buffer(words), kTuple);
      if (error) co_return;
    }
  };
  const auto keep = [&](SimSocket socket) {
    sockets.push_back(std::make_shared<SimSocket>(std::move(socket)));
    asio::co_spawn(time.io(), chat(sockets.back()), asio::detached);
  };
  net.Listen("c", 1, keep);
  for (const char* from : {"a", "b"}) {
    net.AsyncConnect(from, "c:1", [&](MaybeSocket socket) {
      if (socket.ok()) keep(*std::move(socket));
    });
  }
  time.RunFor(milliseconds(50));
  net.SwizzleClog({"a", "b", "c"}, milliseconds(100));
  time.RunFor(milliseconds(250));
  net.Kill("b");
  time.RunFor(milliseconds(50));
  for (const auto& socket : sockets) socket->close();
  time.RunFor(milliseconds(50));
  EXPECT_THAT(net.transcript(), SizeIs(Gt(100u)));
  return net.TranscriptHash();
}

TEST(SimNetworkSeedTest, SameSeedSameRun) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const uint64_t hash = HashOfARun(seed);
    EXPECT_EQ(hash, HashOfARun(seed)) << "seed " << seed;
    hashes.insert(hash);
  }
  EXPECT_THAT(hashes, SizeIs(20)) << "and others differ";
}

// Deliberately wrong programs.

// Takes it that a read gives a message of ten bytes.
awaitable<std::string> ReadsOnce(SimSocket& socket) {
  std::array<char, 10> message;
  const auto [error, bytes] =
      co_await socket.async_read_some(asio::buffer(message), kTuple);
  co_return std::string(message.data(), bytes);
}

awaitable<std::string> ReadsAMessage(SimSocket& socket) {
  std::array<char, 10> message;
  const auto [error, bytes] =
      co_await asio::async_read(socket, asio::buffer(message), kTuple);
  co_return std::string(message.data(), bytes);
}

TEST(SimNetworkExposesTest, AReadTakenForAMessage) {
  for (const auto program : {ReadsOnce, ReadsAMessage}) {
    CapturedFailures captured;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      VirtualTime time;
      SimNetwork net(time, seed);
      std::optional<SimSocket> server, client;
      net.Listen("s", 1, [&](SimSocket socket) { server = std::move(socket); });
      net.AsyncConnect(
          "c", "s:1", [&](MaybeSocket socket) { client = *std::move(socket); });
      time.RunUntil([&] { return client.has_value(); });
      std::optional<std::string> got;
      asio::co_spawn(time.io(), program(*client),
                     [&](std::exception_ptr, std::string message) {
                       got = std::move(message);
                     });
      asio::async_write(*server, asio::buffer("0123456789", 10),
                        asio::detached);
      time.RunUntil([&] { return got.has_value(); });
      EXPECT_EQ(*got, "0123456789") << "with seed " << seed;
    }
    const auto failures = captured.Get();
    if (program == ReadsOnce) {
      EXPECT_THAT(failures, SizeIs(Gt(5u))) << "of 20 seeds";
      EXPECT_THAT(failures, Each(Field(&CapturedFailures::Failure::message,
                                       AllOf(HasSubstr("\"0123456789\""),
                                             HasSubstr("with seed ")))));
    } else {
      EXPECT_THAT(failures, IsEmpty());
    }
  }
}

// Waits for a server that is cut off, unless it has a time of its own.
TEST(SimNetworkExposesTest, AWaitWithoutATimeout) {
  for (const bool right : {true, false}) {
    VirtualTime time;
    SimNetwork net(time, 1);
    std::optional<SimSocket> server, client;
    net.Listen("s", 1, [&](SimSocket socket) { server = std::move(socket); });
    net.AsyncConnect("c", "s:1",
                     [&](MaybeSocket socket) { client = *std::move(socket); });
    time.RunUntil([&] { return client.has_value(); });
    net.Partition("c", "s");
    bool done = false;
    std::array<char, 4> answer;
    client->async_read_some(asio::buffer(answer),
                            [&](auto...) { done = true; });
    const auto timeout = time.clock().MakeTimer(time.get_executor());
    if (right) {
      timeout->WaitUntil(time.Now() + seconds(5),
                         [&](auto) { client->close(); });
    }
    CapturedFailures captured;
    EXPECT_EQ(time.RunUntil([&] { return done; }), right);
    if (!right) {
      EXPECT_THAT(captured.Get(),
                  ElementsAre(Field(&CapturedFailures::Failure::message,
                                    HasSubstr("nothing is left to happen"))));
    }
  }
}

}  // namespace
}  // namespace coffer_testing
