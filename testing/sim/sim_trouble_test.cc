// What a SimNetwork does in the corners: resets that nobody reads for, hosts
// that die on both sides, connects that meet partitions and kills, clogs over
// partitions, and the order in which waiting things go on.

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/connect.h"
#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/internal/op_recorder.h"
#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using internal::Pending;
using internal::Record;
using internal::Result;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using MaybeSocket = absl::StatusOr<SimSocket>;
using Death = SimNetwork::Death;

class SimTroubleTest : public ::testing::Test {
 protected:
  SimTroubleTest() { Listen(); }

  void Listen() {
    net_.Listen("server", 1,
                [this](SimSocket socket) { peer_.emplace(std::move(socket)); });
  }

  void StartConnect(const std::string& from, std::optional<MaybeSocket>& into) {
    net_.AsyncConnect(from, "server:1", [&into](MaybeSocket socket) {
      into.emplace(std::move(socket));
    });
  }

  std::pair<SimSocket, SimSocket> Connect() {
    std::optional<MaybeSocket> connected;
    StartConnect("client", connected);
    EXPECT_TRUE(time_.RunUntil([&] { return connected.has_value(); }));
    EXPECT_TRUE(connected->ok()) << connected->status();
    return {**std::move(connected), *std::move(peer_)};
  }

  // Until what it is written to has no room, nor the network.
  void WriteUntilFull(SimSocket& socket) {
    static const std::string* const much = new std::string(1'000'000, 'x');
    socket.async_write_some(asio::buffer(*much),
                            [this, &socket](auto failed, size_t) {
                              if (!failed) WriteUntilFull(socket);
                            });
  }

  Result Read(SimSocket& socket) {
    Pending read;
    socket.async_read_some(asio::buffer(buffer_), Record(read));
    EXPECT_TRUE(time_.RunUntil([&] { return read.has_value(); }, minutes(1)));
    return read.value_or(Result{});
  }

  VirtualTime time_;
  SimNetwork net_{time_, 1};
  std::optional<SimSocket> peer_;
  std::array<char, 64> buffer_;
};

constexpr auto kBothDeaths = {Death::kProcess, Death::kSilent};

TEST_F(SimTroubleTest, DeathOfAHostThatHadHalfClosedIsHeardOf) {
  auto [client, server] = Connect();
  server.shutdown_send();
  EXPECT_EQ(Read(client), (Result{error::eof, 0}));
  net_.Kill("server");
  time_.RunFor(seconds(1));
  Pending write;
  client.async_write_some(asio::buffer("x", 1), Record(write));
  time_.RunFor(seconds(1));
  EXPECT_EQ(write, (Result{error::connection_reset, 0}));
  EXPECT_EQ(net_.connections(), 0u);
}

TEST_F(SimTroubleTest, DeathOfBothHostsEndsTheConnection) {
  for (const Death first : kBothDeaths) {
    for (const Death second : kBothDeaths) {
      const auto ends = Connect();
      net_.Kill("client", first);
      net_.Kill("server", second);
      EXPECT_EQ(net_.connections(), 0u);
      net_.Restart("client");
      net_.Restart("server");
      Listen();
    }
  }
}

// As a process that was restarted knows nothing of the connection either.
TEST_F(SimTroubleTest, DeathOfTheOtherHostAfterARestartEndsTheConnection) {
  const auto ends = Connect();
  net_.Partition("client", "server");
  net_.Kill("client");
  net_.Restart("client");
  EXPECT_EQ(net_.connections(), 1u) << "the server has not heard of it";
  net_.Kill("server");
  EXPECT_EQ(net_.connections(), 0u);
}

TEST_F(SimTroubleTest, DeathIsHeardOfWhereNobodyReads) {
  for (const Death death : kBothDeaths) {
    auto [client, server] = Connect();
    WriteUntilFull(server);
    time_.RunFor(seconds(10));
    net_.Kill("server", death);
    time_.RunFor(seconds(1));
    if (death == Death::kSilent) {
      EXPECT_EQ(net_.connections(), 1u);
    }
    net_.Restart("server");
    time_.RunFor(seconds(1));
    EXPECT_EQ(net_.connections(), 0u);
    EXPECT_EQ(Read(client), (Result{error::connection_reset, 0}));
    Listen();
  }
}

TEST_F(SimTroubleTest, DialThroughAPartitionIsGivenUpInTime) {
  net_.Partition("client", "server");
  const auto dialer = net_.MakeDialer("client", "server:1");
  coffer::ConnectOptions options;
  options.clock = &time_.clock();
  options.timeout = seconds(2);
  std::optional<absl::Status> status;
  const auto start = time_.Now();
  coffer::Connect(time_.get_executor(), *dialer, options,
                  [&](absl::StatusOr<coffer::AnyClient> client) {
                    status = client.status();
                  });
  EXPECT_TRUE(time_.RunUntil([&] { return status.has_value(); }));
  ASSERT_TRUE(status);
  EXPECT_THAT(*status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(time_.Now() - start, seconds(2));
  EXPECT_EQ(time_.Pending(), "Pending:\n  nothing\n");
}

TEST_F(SimTroubleTest, DialedStreamIsOnTheExecutorThatWasGiven) {
  const auto dialer = net_.MakeDialer("client", "server:1");
  const asio::any_io_executor strand = asio::make_strand(time_.io());
  std::optional<absl::StatusOr<coffer::AnyStream>> dialed;
  dialer->AsyncDial(strand, [&](absl::StatusOr<coffer::AnyStream> stream) {
    dialed.emplace(std::move(stream));
  });
  EXPECT_FALSE(dialed) << "completed in the initiating function";
  time_.RunUntil([&] { return dialed.has_value(); });
  ASSERT_TRUE(dialed->ok()) << dialed->status();
  EXPECT_EQ((*dialed)->get_executor(), strand);
}

TEST_F(SimTroubleTest, DialerOfANetworkThatIsGoneIsRefused) {
  auto gone = std::make_unique<SimNetwork>(time_, 1);
  gone->Listen("server", 1, [](SimSocket) {});
  const auto dialer = gone->MakeDialer("client", "server:1");
  gone.reset();
  std::optional<absl::Status> status;
  dialer->AsyncDial(time_.get_executor(),
                    [&](absl::StatusOr<coffer::AnyStream> stream) {
                      status = stream.status();
                    });
  time_.RunUntil([&] { return status.has_value(); });
  ASSERT_TRUE(status);
  EXPECT_THAT(*status, StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SimTroubleTest, AnswerToAConnectWaitsForItsWayBack) {
  net_.PartitionOneWay("server", "client");
  std::optional<MaybeSocket> connected;
  StartConnect("client", connected);
  time_.RunFor(minutes(1));
  EXPECT_TRUE(peer_) << "it has arrived there";
  EXPECT_FALSE(connected);
  net_.HealAll();
  time_.RunReady();
  ASSERT_TRUE(connected);
  EXPECT_TRUE(connected->ok()) << connected->status();
}

TEST_F(SimTroubleTest, ConnectEndsWithItsHost) {
  for (const bool restarted : {false, true}) {
    net_.Partition("client", "server");
    std::optional<MaybeSocket> connected;
    StartConnect("client", connected);
    time_.RunFor(seconds(1));
    net_.Kill("client");
    if (restarted) net_.Restart("client");
    time_.RunReady();
    ASSERT_TRUE(connected);
    EXPECT_THAT(connected->status(), StatusIs(absl::StatusCode::kUnavailable,
                                              HasSubstr("client was killed")));
    net_.HealAll();
    net_.Restart("client");
  }
}

TEST_F(SimTroubleTest, ClogsLeavePartitionsAlone) {
  int clogged = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SimNetwork net(time_, seed);
    net.Listen("server", 1, [](SimSocket) {});
    net.Partition("client", "server");
    net.SwizzleClog({"client", "server"}, milliseconds(100));
    time_.RunFor(seconds(1));
    for (const std::string& line : net.transcript()) {
      clogged += absl::StrContains(line, "unclogged client > server") ? 1 : 0;
    }
    std::optional<MaybeSocket> connected;
    net.AsyncConnect("client", "server:1", [&](MaybeSocket socket) {
      connected.emplace(std::move(socket));
    });
    time_.RunFor(seconds(1));
    EXPECT_FALSE(connected) << "a clog has healed the partition; seed " << seed;
    net.Heal("client", "server");
    time_.RunFor(seconds(1));
    EXPECT_TRUE(connected);
  }
  EXPECT_GT(clogged, 2) << "of 10 seeds";
}

TEST_F(SimTroubleTest, HealAllEndsClogs) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SimNetwork net(time_, seed);
    net.SwizzleClog({"a", "b", "c"}, seconds(10));
    time_.RunFor(seconds(5));
    net.HealAll();
    const size_t lines = net.transcript().size();
    time_.RunFor(seconds(20));
    EXPECT_EQ(net.transcript().size(), lines) << "seed " << seed;
  }
}

// However the memory of what waits is laid out.
TEST_F(SimTroubleTest, ConnectsThatWaitGoOnInTheOrderOfTheirStart) {
  constexpr int kConnects = 6;
  std::array<asio::cancellation_signal, kConnects> signals;
  std::array<std::optional<MaybeSocket>, kConnects> connected;
  std::vector<std::string> expected;
  for (int i = 0; i < kConnects; ++i) {
    net_.Listen("server", static_cast<uint16_t>(10 + i), [](SimSocket) {});
    expected.push_back(
        absl::StrCat("#", i + 1, " client > server:", 10 + i, ": open"));
  }
  net_.PartitionOneWay("client", "server");
  // Those of the first round leave memory in an order of its own to the second.
  for (const bool cancelled : {true, false}) {
    for (int i = 0; i < kConnects; ++i) {
      net_.AsyncConnect(
          "client", absl::StrCat("server:", 10 + i),
          asio::bind_cancellation_slot(
              signals[i].slot(), [&connected, i](MaybeSocket socket) {
                connected[i].emplace(std::move(socket));
              }));
    }
    time_.RunFor(seconds(1));
    for (int i = 0; cancelled && i < kConnects; ++i) {
      signals[i].emit(asio::cancellation_type::total);
      time_.RunReady();
    }
  }
  net_.Heal("client", "server");
  time_.RunFor(seconds(1));
  std::vector<std::string> opened;
  for (const std::string& line : net_.transcript()) {
    if (absl::EndsWith(line, ": open")) {
      opened.push_back(line.substr(line.find('#')));
    }
  }
  EXPECT_EQ(opened, expected);
}

TEST_F(SimTroubleTest, HashIsOfTheBytesToo) {
  const auto hash = [](const std::string& bytes) {
    VirtualTime time;
    SimNetwork net(time, 1);
    std::optional<SimSocket> server, client;
    net.Listen("s", 1, [&](SimSocket socket) { server = std::move(socket); });
    net.AsyncConnect("c", "s:1",
                     [&](MaybeSocket socket) { client = *std::move(socket); });
    time.RunUntil([&] { return client.has_value(); });
    client->async_write_some(asio::buffer(bytes), [](auto...) {});
    time.RunFor(seconds(1));
    return net.TranscriptHash();
  };
  EXPECT_EQ(hash("hello"), hash("hello"));
  EXPECT_NE(hash("hello"), hash("hallo"));
}

// --- SimSeed

class SimSeedTest : public ::testing::Test {
 protected:
  // Without those of a run of --runs_per_test.
  SimSeedTest() {
    if (const char* const set = std::getenv("TEST_RANDOM_SEED")) before_ = set;
    unsetenv("TEST_RANDOM_SEED");
  }
  ~SimSeedTest() override {
    if (before_) setenv("TEST_RANDOM_SEED", before_->c_str(), 1);
  }

 private:
  std::optional<std::string> before_;
};

TEST_F(SimSeedTest, IsTheTestsOwnOrBazels) {
  if (ReplayFlag("seed")) GTEST_SKIP() << "--seed goes before both";
  EXPECT_EQ(SimSeed(7), 7u);
  EXPECT_EQ(SimSeed(), 1u);
  setenv("TEST_RANDOM_SEED", "12", 1);
  EXPECT_EQ(SimSeed(7), 12u);
  setenv("TEST_RANDOM_SEED", "no number", 1);
  EXPECT_EQ(SimSeed(7), 7u);
  unsetenv("TEST_RANDOM_SEED");
}

}  // namespace
}  // namespace coffer_testing
