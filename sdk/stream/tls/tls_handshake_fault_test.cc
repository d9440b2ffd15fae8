// Handshakes that are cut, cancelled, or wait for a peer that says nothing:
// each completes once, with a reason, and never inside the call that started
// it.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/stream/tls/tls_handshake.h"
#include "coffer/sdk/stream/tls/tls_test_util.h"
#include "gtest/gtest.h"

namespace coffer::tls_test {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

using coffer_testing::MakeMemoryPipe;
using coffer_testing::TestMutualTlsClientOptions;
using coffer_testing::TestMutualTlsServerOptions;

constexpr size_t kNeverCut = std::numeric_limits<size_t>::max();

// Carries the bytes from one end to another, and cuts the line, both ways, when
// the budget is used up.
class Carrier {
 public:
  Carrier(Pipe& from, Pipe& to, size_t budget)
      : from_(from), to_(to), budget_(budget) {}

  void Start() {
    if (budget_ == 0) return Cut();
    const size_t bytes = std::min(budget_, buffer_.size());
    from_.async_read_some(asio::buffer(buffer_.data(), bytes),
                          [this](boost::system::error_code error, size_t read) {
                            error ? Cut() : Forward(read);
                          });
  }

 private:
  void Forward(size_t bytes) {
    asio::async_write(to_, asio::buffer(buffer_.data(), bytes),
                      [this](boost::system::error_code error, size_t written) {
                        if (budget_ != kNeverCut) budget_ -= written;
                        error ? Cut() : Start();
                      });
  }

  void Cut() {
    from_.close();
    to_.close();
  }

  Pipe& from_;
  Pipe& to_;
  size_t budget_;
  std::array<char, 4096> buffer_;
};

struct Outcome {
  void Record(absl::Status result) {
    ++completions;
    status = std::move(result);
  }
  int completions = 0;
  absl::Status status = absl::UnknownError("not completed");
};

// A mutual handshake over a line that is cut after so many bytes.
struct CutLine {
  CutLine(const ContextPtr& server_context, const ContextPtr& client_context,
          size_t to_server, size_t to_client)
      : server_ends(MakeMemoryPipe(io.get_executor())),
        client_ends(MakeMemoryPipe(io.get_executor())),
        server(std::move(server_ends.first), *server_context),
        client(std::move(client_ends.first), *client_context),
        upstream(client_ends.second, server_ends.second, to_server),
        downstream(server_ends.second, client_ends.second, to_client) {}

  void Run() {
    upstream.Start();
    downstream.Start();
    AsyncTlsHandshake(server, AsServer(), clock, [this](absl::Status status) {
      at_server.Record(std::move(status));
      if (!at_server.status.ok()) server.lowest_layer().close();
      Settle();
    });
    AsyncTlsHandshake(client, AsClient(), clock, [this](absl::Status status) {
      at_client.Record(std::move(status));
      if (!at_client.status.ok()) client.lowest_layer().close();
      Settle();
    });
    io.run();
  }

  // Both done: lets the carriers end.
  void Settle() {
    if (at_server.completions + at_client.completions < 2) return;
    server.lowest_layer().close();
    client.lowest_layer().close();
  }

  asio::io_context io;
  coffer_testing::ManualClock clock;
  std::pair<Pipe, Pipe> server_ends;
  std::pair<Pipe, Pipe> client_ends;
  TlsStream<Pipe> server;
  TlsStream<Pipe> client;
  Carrier upstream;
  Carrier downstream;
  Outcome at_server;
  Outcome at_client;
};

void ExpectFailedByCut(const Outcome& outcome) {
  EXPECT_TRUE(absl::IsUnavailable(outcome.status)) << outcome.status;
}

// Cuts one direction after every number of bytes until both sides succeed.
// Returns the number of cuts that made the side on the receiving end fail.
int CutEverywhere(uint16_t version, bool to_server) {
  const ContextPtr server = ServerContext(TestMutualTlsServerOptions());
  const ContextPtr client = ClientContext(TestMutualTlsClientOptions());
  SSL_CTX_set_max_proto_version(client->native_handle(), version);
  int failures = 0;
  for (size_t bytes = 0; bytes < 20'000; ++bytes) {
    SCOPED_TRACE(absl::StrCat("cut after ", bytes));
    CutLine line(server, client, to_server ? bytes : kNeverCut,
                 to_server ? kNeverCut : bytes);
    line.Run();
    EXPECT_EQ(line.at_server.completions, 1);
    EXPECT_EQ(line.at_client.completions, 1);
    if (::testing::Test::HasFailure()) break;
    if (line.at_server.status.ok() && line.at_client.status.ok()) {
      return failures;
    }
    // Whoever has not got all that it waits for says so. The other may be done
    // by then, or fail at writing to the line that is gone.
    const Outcome& receiver = to_server ? line.at_server : line.at_client;
    const Outcome& sender = to_server ? line.at_client : line.at_server;
    if (!receiver.status.ok()) {
      ++failures;
      ExpectFailedByCut(receiver);
    }
    if (!sender.status.ok()) ExpectFailedByCut(sender);
  }
  ADD_FAILURE() << "the handshake never succeeded";
  return failures;
}

TEST(TlsHandshakeFault, Tls13CutAtEveryByteToServerFails) {
  EXPECT_GT(CutEverywhere(TLS1_3_VERSION, /*to_server=*/true), 500);
}

TEST(TlsHandshakeFault, Tls13CutAtEveryByteToClientFails) {
  EXPECT_GT(CutEverywhere(TLS1_3_VERSION, /*to_server=*/false), 500);
}

TEST(TlsHandshakeFault, Tls12CutAtEveryByteToServerFails) {
  EXPECT_GT(CutEverywhere(TLS1_2_VERSION, /*to_server=*/true), 500);
}

TEST(TlsHandshakeFault, Tls12CutAtEveryByteToClientFails) {
  EXPECT_GT(CutEverywhere(TLS1_2_VERSION, /*to_server=*/false), 500);
}

// Cancels one side after `steps` handlers have run. False: it was done by then.
bool CancelAfter(int steps, bool cancel_server, asio::cancellation_type type) {
  Connection<Pipe> connection(ServerContext(), ClientContext());
  asio::cancellation_signal signal;
  Outcome cancelled;
  Outcome other;
  auto on_cancelled = asio::bind_cancellation_slot(
      signal.slot(), [&cancelled](absl::Status status) {
        cancelled.Record(std::move(status));
      });
  auto on_other = [&other](absl::Status status) {
    other.Record(std::move(status));
  };
  auto& first = cancel_server ? connection.server : connection.client;
  auto& second = cancel_server ? connection.client : connection.server;
  AsyncTlsHandshake(first, cancel_server ? AsServer() : AsClient(),
                    connection.clock, std::move(on_cancelled));
  AsyncTlsHandshake(second, cancel_server ? AsClient() : AsServer(),
                    connection.clock, std::move(on_other));
  for (int i = 0; i < steps; ++i) connection.io->poll_one();
  if (cancelled.completions == 1) {
    EXPECT_TRUE(cancelled.status.ok()) << cancelled.status;
    connection.Run();
    return false;
  }
  signal.emit(type);
  EXPECT_EQ(cancelled.completions, 0) << "completed inside emit";
  // The peer may be left waiting: only closing ends that.
  connection.io->restart();
  while (cancelled.completions == 0 && connection.io->poll_one() > 0) {
  }
  EXPECT_EQ(cancelled.completions, 1) << "cancelled, and nothing happened";
  EXPECT_TRUE(cancelled.status.ok() || absl::IsCancelled(cancelled.status))
      << cancelled.status;
  first.lowest_layer().close();
  connection.Run();
  EXPECT_EQ(cancelled.completions, 1);
  EXPECT_EQ(other.completions, 1);
  return true;
}

TEST(TlsHandshakeFault, CancelledAtEveryStepCompletesOnce) {
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    for (const bool cancel_server : {true, false}) {
      int steps = 0;
      while (CancelAfter(steps, cancel_server, type) && !HasFailure()) {
        ++steps;
        ASSERT_LT(steps, 1000);
      }
      EXPECT_GT(steps, 2) << "too few steps to show anything";
    }
  }
}

TEST(TlsHandshakeFault, CancelledBeforeTheFirstStepIsCancelled) {
  Connection<Pipe> connection(ServerContext(), ClientContext());
  asio::cancellation_signal signal;
  Outcome outcome;
  AsyncTlsHandshake(
      connection.server, AsServer(), connection.clock,
      asio::bind_cancellation_slot(signal.slot(), [&](absl::Status status) {
        outcome.Record(std::move(status));
      }));
  connection.io->poll();
  signal.emit(asio::cancellation_type::total);
  connection.Run();
  EXPECT_EQ(outcome.completions, 1);
  EXPECT_TRUE(absl::IsCancelled(outcome.status)) << outcome.status;
  EXPECT_EQ(connection.clock.pending_timers(), 0u);
}

template <class Transport>
class TlsHandshakeDeadline : public ::testing::Test {};
using Transports = ::testing::Types<Socket, Pipe>;
TYPED_TEST_SUITE(TlsHandshakeDeadline, Transports);

TYPED_TEST(TlsHandshakeDeadline, SilentPeerEndsAtDeadlineAndIsClosed) {
  for (const bool as_server : {true, false}) {
    Connection<TypeParam> connection(ServerContext(), ClientContext());
    auto& stream = as_server ? connection.server : connection.client;
    TlsHandshakeOptions options = as_server ? AsServer() : AsClient();
    options.timeout = milliseconds(5000);
    Outcome outcome;
    AsyncTlsHandshake(
        stream, options, connection.clock,
        [&](absl::Status status) { outcome.Record(std::move(status)); });
    connection.io->poll();
    connection.clock.AdvanceBy(milliseconds(4999));
    connection.io->poll();
    EXPECT_EQ(outcome.completions, 0);
    EXPECT_TRUE(stream.lowest_layer().is_open());
    connection.clock.AdvanceBy(milliseconds(1));
    connection.Run();
    EXPECT_EQ(outcome.completions, 1);
    EXPECT_EQ(outcome.status,
              absl::DeadlineExceededError(
                  "TLS handshake: not finished within 5000 ms"));
    EXPECT_FALSE(stream.lowest_layer().is_open());
  }
}

TYPED_TEST(TlsHandshakeDeadline, PeerThatTricklesGainsNoTime) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  TlsHandshakeOptions options = AsServer();
  options.timeout = milliseconds(3000);
  Outcome outcome;
  AsyncTlsHandshake(
      connection.server, options, connection.clock,
      [&](absl::Status status) { outcome.Record(std::move(status)); });
  // A record of handshake data whose 200 bytes come one a second.
  const std::string record("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4", 9);
  for (size_t i = 0; i < record.size() && outcome.completions == 0; ++i) {
    asio::async_write(connection.client.next_layer(),
                      asio::buffer(&record[i], 1),
                      [](boost::system::error_code, size_t) {});
    connection.io->poll();
    connection.clock.AdvanceBy(milliseconds(1000));
    connection.io->poll();
    EXPECT_EQ(outcome.completions, i < 2 ? 0 : 1);
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(outcome.status)) << outcome.status;
}

TYPED_TEST(TlsHandshakeDeadline, DoneHandshakeIsNotClosedLater) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  connection.Handshake();
  ASSERT_TRUE(connection.server_status.ok()) << connection.server_status;
  connection.clock.AdvanceBy(std::chrono::hours(1));
  connection.Run();
  EXPECT_TRUE(connection.server.lowest_layer().is_open());
  EXPECT_TRUE(connection.client.lowest_layer().is_open());
}

TYPED_TEST(TlsHandshakeDeadline, ZeroIsNoLimit) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  TlsHandshakeOptions options = AsServer();
  options.timeout = milliseconds(0);
  Outcome outcome;
  AsyncTlsHandshake(
      connection.server, options, connection.clock,
      [&](absl::Status status) { outcome.Record(std::move(status)); });
  connection.io->poll();
  EXPECT_EQ(connection.clock.pending_timers(), 0u);
  connection.client.lowest_layer().close();
  connection.Run();
  EXPECT_EQ(outcome.completions, 1);
  EXPECT_TRUE(absl::IsUnavailable(outcome.status)) << outcome.status;
}

TEST(TlsHandshakeCompletion, NeverInsideTheCallEvenForBadNames) {
  Connection<Pipe> connection(ServerContext(), ClientContext());
  Outcome outcome;
  AsyncTlsHandshake(
      connection.client, AsClient(""), connection.clock,
      [&](absl::Status status) { outcome.Record(std::move(status)); });
  EXPECT_EQ(outcome.completions, 0);
  connection.Run();
  EXPECT_EQ(outcome.completions, 1);
}

TEST(TlsHandshakeCompletion, HandlerRunsOnItsOwnExecutor) {
  Connection<Pipe> connection(ServerContext(), ClientContext());
  auto strand = asio::make_strand(connection.io->get_executor());
  int inside = 0;
  const auto check = [&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    inside += strand.running_in_this_thread() ? 1 : 0;
  };
  AsyncTlsHandshake(connection.server, AsServer(), connection.clock,
                    asio::bind_executor(strand, check));
  AsyncTlsHandshake(connection.client, AsClient(), connection.clock,
                    asio::bind_executor(strand, check));
  connection.Run();
  EXPECT_EQ(inside, 2);
}

asio::awaitable<void> HandshakeInCoroutine(Connection<Pipe>& connection) {
  connection.client_status = co_await AsyncTlsHandshake(
      connection.client, AsClient(), connection.clock, asio::use_awaitable);
}

TEST(TlsHandshakeCompletion, CoroutineFutureAndMoveOnlyHandlerAreTokens) {
  Connection<Pipe> connection(ServerContext(), ClientContext());
  asio::co_spawn(*connection.io, HandshakeInCoroutine(connection),
                 asio::detached);
  std::future<absl::Status> future = AsyncTlsHandshake(
      connection.server, AsServer(), connection.clock, asio::use_future);
  connection.Run();
  EXPECT_TRUE(connection.client_status.ok()) << connection.client_status;
  EXPECT_TRUE(future.get().ok());

  Connection<Pipe> another(ServerContext(), ClientContext());
  Outcome outcome;
  auto move_only = [&outcome,
                    owned = std::make_unique<int>(1)](absl::Status status) {
    outcome.Record(std::move(status));
    EXPECT_EQ(*owned, 1);
  };
  another.client.lowest_layer().close();
  AsyncTlsHandshake(another.server, AsServer(), another.clock,
                    std::move(move_only));
  another.Run();
  EXPECT_EQ(outcome.completions, 1);
}

TEST(TlsHandshakeCompletion, AbandonedWithItsContextLeavesNothingBehind) {
  coffer_testing::ManualClock clock;
  asio::cancellation_signal signal;
  const ContextPtr context = ServerContext();
  auto io = std::make_unique<asio::io_context>();
  // As in a program that is stopped: the handler owns the stream, and Asio
  // destroys both, uninvoked, with the io_context.
  auto sockets =
      std::make_unique<std::pair<Socket, Socket>>(Connect<Socket>(*io));
  auto stream =
      std::make_shared<TlsStream<Socket>>(std::move(sockets->first), *context);
  const std::weak_ptr<TlsStream<Socket>> watched = stream;
  TlsStream<Socket>& tls = *stream;
  AsyncTlsHandshake(tls, AsServer(), clock,
                    asio::bind_cancellation_slot(
                        signal.slot(), [owned = std::move(stream)](
                                           const absl::Status& status) {
                          ADD_FAILURE() << "invoked: " << status;
                        }));
  io->poll();
  EXPECT_FALSE(watched.expired());
  sockets.reset();
  io.reset();
  EXPECT_TRUE(watched.expired()) << "the handler leaked";
  signal.emit(asio::cancellation_type::terminal);
  clock.AdvanceBy(std::chrono::hours(1));
}

TEST(TlsContext, OneContextServesManyThreads) {
  const ContextPtr server = ServerContext(TestMutualTlsServerOptions());
  const ContextPtr client = ClientContext(TestMutualTlsClientOptions());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&server, &client] {
      for (int round = 0; round < 8; ++round) {
        Connection<Pipe> connection(server, client);
        connection.Handshake();
        EXPECT_TRUE(connection.server_status.ok()) << connection.server_status;
        EXPECT_TRUE(connection.client_status.ok()) << connection.client_status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace coffer::tls_test
