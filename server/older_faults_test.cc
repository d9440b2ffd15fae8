// What the original server of the older protocol does wrong, by the numbers of
// docs/wire.md; each test would fail on it.

#include <malloc.h>
#include <zlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/server/log.h"
#include "coffer/server/request_log.h"
#include "coffer/server/server.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/session/topic_requests.h"
#include "coffer/testing/dummy_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ::testing::HasSubstr;
using v1::CommandResponse;

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

// A frame in two sends was never answered, 100 pipelined ones got 85 answers,
// values of 200 kB hung.
TEST(OlderFaults, F01FramesThatArriveInPiecesLoseNoByte) {
  const std::string request = Frame(MakeHset("t", "k", "v"));
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    SessionHarness harness;
    harness.Start();
    harness.Send(request.substr(0, cut));
    EXPECT_TRUE(harness.received().empty());
    harness.Send(request.substr(cut));
    ASSERT_EQ(harness.answers().size(), 1u) << cut;
  }
  SessionHarness harness({}, {.capacity = 1000});
  harness.Start();
  std::string many;
  for (int i = 0; i < 10000; ++i) many += Frame(MakeHget("t", "none"));
  harness.Send(many);
  EXPECT_EQ(harness.answers().size(), 10000u);

  SessionHarness large;
  large.Start();
  const std::string value(8 << 20, 'v');
  large.Send(Frame(MakeHset("t", "k", value)) + Frame(MakeHget("t", "k")));
  EXPECT_EQ(large.answers()[1].values(0).string().size(), value.size());
}

// Four bytes reserved 2 GiB.
TEST(OlderFaults, F02EightClaimsOfHugeFramesCostKilobytes) {
  std::vector<std::unique_ptr<SessionHarness>> idle;
  for (int i = 0; i < 8; ++i) {
    ServerLimits limits;
    limits.frame.frame_bytes_max = kFrameBytesMaxCeiling;
    limits.frame.uncompressed_bytes_max = kFrameBytesMaxCeiling;
    idle.push_back(std::make_unique<SessionHarness>(limits));
    idle.back()->Start();
    idle.back()->Run();
  }
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  for (auto& harness : idle) {
    harness->Send(Bytes({0x1f, 0xff, 0xff, 0xff}));  // 512 MiB less one byte
    EXPECT_FALSE(harness->status().has_value()) << "legal, and waited for";
  }
  const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  EXPECT_LT(after - before, 8u * 64 * 1024);

  SessionHarness over;
  over.Start();
  over.Send(Bytes({0x7f, 0xff, 0xff, 0xff}));  // 2 GiB less one byte
  EXPECT_EQ(over.answers()[0].status(), 413u);
}

// `plain_bytes` zeros as one gzip member: 306 kB for 300 MiB.
std::string GzipBomb(std::size_t plain_bytes) {
  z_stream stream = {};
  EXPECT_EQ(
      deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  const std::vector<Bytef> zeros(1 << 20);
  std::vector<Bytef> room(1 << 20);
  std::string bomb;
  for (std::size_t left = plain_bytes; left > 0;) {
    const std::size_t now = std::min(left, zeros.size());
    left -= now;
    stream.next_in = const_cast<Bytef*>(zeros.data());
    stream.avail_in = static_cast<uInt>(now);
    do {
      stream.next_out = room.data();
      stream.avail_out = static_cast<uInt>(room.size());
      deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
      bomb.append(reinterpret_cast<char*>(room.data()),
                  room.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  return bomb;
}

// 306 kB became 300 MiB. The blocks themselves are tested in sdk/frame.
TEST(OlderFaults, F03DecompressionBombIsRefused) {
  const std::string bomb = GzipBomb(300 << 20);
  std::string frame = Bytes({0x80, static_cast<int>(bomb.size() >> 16),
                             static_cast<int>(bomb.size() >> 8 & 0xff),
                             static_cast<int>(bomb.size() & 0xff)});
  frame += bomb;
  SessionHarness other;
  other.Start();
  SessionHarness gzip({}, {.capacity = frame.size()});
  gzip.Start();
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  gzip.Send(frame);
  const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  ASSERT_EQ(gzip.answers().size(), 1u);
  EXPECT_EQ(gzip.answers()[0].status(), 413u);
  EXPECT_THAT(gzip.answers()[0].message(), HasSubstr("16777216"));
  // Not more than the limit, were it all kept.
  EXPECT_LT(after, before + (20 << 20));
  other.Send(Frame(MakeHget("t", "k")));
  EXPECT_EQ(other.answers()[0].status(), 404u);

  // LZ4: claims 300 MiB in a short block.
  SessionHarness lz4;
  lz4.Start();
  lz4.Send(Bytes({0x80, 0, 0, 8, 0x12, 0xc0, 0, 0, 0x1f, 'a', 0, 1}));
  EXPECT_EQ(lz4.answers()[0].status(), 413u);
  EXPECT_THAT(lz4.answers()[0].message(), HasSubstr("exceeds the limit"));
}

// Two messages before one flush corrupted the stream when the second was
// compressed.
TEST(OlderFaults, F04SmallBigSmallBeforeOneFlush) {
  SessionHarness harness;
  harness.Start();
  harness.Send(Frame(MakeHello({}, MakeClientId(), "test")));
  const std::string big(50000, 'b');
  harness.Send(Frame(MakeHset("t", "big", big)) + Frame(MakeHget("t", "x")) +
               Frame(MakeHget("t", "big")) + Frame(MakeHget("t", "x")));
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[2].status(), 404u);
  EXPECT_EQ(answers[3].values(0).string(), big);
  EXPECT_EQ(answers[4].status(), 404u);
  EXPECT_LT(harness.received().size(), 5000u) << "it was compressed";
}

// Panicked on the next read after a decode error.
TEST(OlderFaults, F05EveryReadAfterADecodeErrorGivesTheSameError) {
  asio::io_context io;
  FramedStream<coffer_testing::DummyStream, v1::CommandRequest, CommandResponse>
      stream(coffer_testing::DummyStream(
          io.get_executor(),
          Bytes({0, 0, 0, 1, 0xff}) + Frame(MakeHget("t", "k"))));
  for (int i = 0; i < 3; ++i) {
    error_code result;
    stream.Next([&](error_code error, v1::CommandRequest) { result = error; });
    io.restart();
    io.run();
    EXPECT_EQ(result, FrameErrc::kUnparsable);
    EXPECT_FALSE(stream.read_status().ok());
  }
}

// The server died with a client that left while it was answered.
TEST(OlderFaults, F06ClientThatLeavesEndsItsOwnSessionOnly) {
  const std::string requests =
      Frame(MakeHset("t", "k", std::string(3000, 'v'))) +
      Frame(MakeHget("t", "k")) + Frame(MakeHget("t", "k"));
  for (int steps = 0; steps < 60; ++steps) {
    SessionHarness harness({}, {.capacity = 500});
    harness.Start(/*reading=*/false);
    asio::async_write(harness.client(), asio::buffer(requests),
                      [](error_code, std::size_t) {});
    for (int i = 0; i < steps; ++i) harness.io().poll_one();
    harness.client().reset();
    harness.Run();
    ASSERT_TRUE(harness.status().has_value()) << "hangs after " << steps;
  }
}

// A connection of a server that all harnesses with this state belong to.
using State = std::shared_ptr<VolatileState>;

std::unique_ptr<SessionHarness> ConnectTo(const State& state,
                                          bool reading = true) {
  auto made = std::make_unique<SessionHarness>(
      ServerLimits(), coffer_testing::MemoryPipeOptions(), nullptr, state);
  made->Start(reading);
  made->Run();
  return made;
}

// One subscriber that did not read stopped the whole server, plain reads
// included.
TEST(OlderFaults, F08SlowSubscriberStopsNobodyAndCostsItsBuffers) {
  auto state = std::make_shared<VolatileState>();
  auto slow = ConnectTo(state, /*reading=*/false);
  auto quick = ConnectTo(state);
  auto publisher = ConnectTo(state);
  slow->Send(Frame(SubscribeTo("t")));
  quick->Send(Frame(SubscribeTo("t")));
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  std::size_t received = 0;
  for (int i = 0; i < 100; ++i) {
    publisher->Send(Frame(PublishTo("t", std::string(100000, 'x'))) +
                    Frame(MakeHget("t", "k")));
    ASSERT_EQ(publisher->answers().size(), 2u * (i + 1)) << "publish " << i;
    slow->Run();
    quick->Run();
    ASSERT_GT(quick->received().size(), received) << "event " << i;
    received = quick->received().size();
  }
  const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  // What the test itself has received; the ring, the slow one's buffers.
  EXPECT_LT(after, before + 2 * received + (6u << 20));
  ASSERT_TRUE(slow->status().has_value()) << "cut, not kept for ever";
  EXPECT_TRUE(absl::IsResourceExhausted(*slow->status()));
  EXPECT_EQ(state->topics.counts().fell_behind, 1u);
  EXPECT_EQ(quick->answers().size(), 101u);
}

// A subscriber that had gone was noticed at the second or third publish.
TEST(OlderFaults, F09SubscriberThatHasGoneIsUnsubscribedAtOnce) {
  auto state = std::make_shared<VolatileState>();
  auto gone = ConnectTo(state);
  gone->Send(Frame(SubscribeTo("t")));
  EXPECT_EQ(state->topics.counts().subscriptions, 1u);
  gone->client().reset();
  gone->Run();
  EXPECT_EQ(state->topics.counts().subscriptions, 0u) << "without a publish";

  // One that half-closed before it went: at the first write that fails.
  auto half_closed = ConnectTo(state);
  half_closed->Send(Frame(SubscribeTo("t")));
  half_closed->EndSending();
  half_closed->client().close();
  half_closed->Run();
  auto publisher = ConnectTo(state);
  publisher->Send(Frame(PublishTo("t", 1)));
  half_closed->Run();
  EXPECT_EQ(state->topics.counts().subscriptions, 0u);
  EXPECT_EQ(state->topics.counts().topics, 1u) << "its event is kept";
}

// 89 inversions in 2000 events.
TEST(OlderFaults, F11PublishesOfOneConnectionKeepTheirOrder) {
  auto state = std::make_shared<VolatileState>(1, RetryLimits(),
                                               TopicLimits{10000, 1 << 20});
  auto subscriber = ConnectTo(state);
  auto first = ConnectTo(state);
  auto second = ConnectTo(state);
  subscriber->Send(Frame(SubscribeTo("t")));
  std::string bytes[2];
  for (int i = 0; i < 2000; ++i) {
    bytes[0] += Frame(PublishTo("t", i));
    bytes[1] += Frame(PublishTo("t", 10000 + i));
  }
  first->Send(bytes[0].substr(0, 5000));
  second->Send(bytes[1].substr(0, 7001));
  first->Send(bytes[0].substr(5000));
  subscriber->Run();
  second->Send(bytes[1].substr(7001));
  subscriber->Run();
  std::int64_t latest[2] = {-1, 9999};
  const auto answers = subscriber->answers();
  ASSERT_EQ(answers.size(), 4001u);
  for (std::size_t i = 1; i < answers.size(); ++i) {
    const std::int64_t value = answers[i].values(0).integer();
    std::int64_t& before = latest[value / 10000];
    ASSERT_EQ(value, before + 1);
    before = value;
  }
}

// An event could come before the id, or be lost right after it. (Of threads:
// TopicsThreads in server/service/topics.)
TEST(OlderFaults, F12IdComesFirstAndNoEventAfterItIsLost) {
  int early = 0;
  for (int steps = 0; steps < 12; ++steps) {
    auto state = std::make_shared<VolatileState>();
    auto publisher = ConnectTo(state);
    auto before = ConnectTo(state);
    before->Send(Frame(SubscribeTo("t")));
    auto subscriber = ConnectTo(state);
    const std::string request = Frame(SubscribeTo("t"));
    asio::async_write(subscriber->client(), asio::buffer(request),
                      [](error_code, std::size_t) {});
    for (int i = 0; i < steps; ++i) subscriber->io().poll_one();
    // At the same moment the topic's last other subscriber leaves.
    before->client().reset();
    before->Run();
    const bool subscribed = state->topics.counts().subscriptions > 0;
    publisher->Send(Frame(PublishTo("t", 77)));
    subscriber->Run();
    const auto answers = subscriber->answers();
    ASSERT_EQ(answers.size(), subscribed ? 2u : 1u) << steps;
    if (!subscribed) ++early;
    EXPECT_EQ(answers[0].values(0).integer(), 2) << "the id, and first";
    if (subscribed) {
      EXPECT_EQ(answers[1].values(0).integer(), 77);
    }
  }
  EXPECT_GT(early, 0) << "it was never too early";
  EXPECT_LT(early, 12) << "it was always too early";
}

// 86 ms a request: Nagle's algorithm, and two writes a frame. The one write is
// ServerStream.AllThatArrivedIsAnsweredWithOneWrite, the client's side
// ConnectTest.RequestsAreNotDelayed in sdk.
TEST(OlderFaults, F10AnswersAreNotDelayed) {
  asio::io_context io;
  MemoryStorage storage;
  Service service(&storage);
  // The server's end of a connection, as it is handed to the session.
  std::promise<bool> no_delay;
  std::promise<bool> keep_alive;
  ServerOptions options;
  options.listen = {{"127.0.0.1", 0}};
  options.on_accepted = [&](tcp::socket& socket) {
    tcp::no_delay option;
    socket.get_option(option);
    no_delay.set_value(option.value());
    asio::socket_base::keep_alive alive;
    socket.get_option(alive);
    keep_alive.set_value(alive.value());
  };
  auto server = Server::Start(std::move(options), &service);
  ASSERT_TRUE(server.ok()) << server.status();
  tcp::socket client(io);
  client.connect(
      {asio::ip::address_v4::loopback(), (*server)->endpoints()[0].port});
  EXPECT_TRUE(no_delay.get_future().get());
  // Fault 9: a subscriber that half-closed and vanished is never read from.
  EXPECT_TRUE(keep_alive.get_future().get());
}

// The handshake ran in the accept loop: F07 is in server_test.cc, as
// ServerTest.F07ConnectionIdleInTheHandshakeBlocksNobodyAndIsClosed.

// `ready` never pushed back; flush spun when the transport took nothing (see
// FramedStreamSteps.TransportWithoutProgressIsAnErrorAndNoSpin).
TEST(OlderFaults, F13WriteBufferPushesBack) {
  asio::io_context io;
  FramedStreamOptions options;
  options.write_high_mark_bytes = 10000;
  options.write_low_mark_bytes = 1000;
  auto [end, peer] =
      coffer_testing::MakeMemoryPipe(io.get_executor(), {.capacity = 10});
  FramedStream<coffer_testing::MemoryPipe, CommandResponse, v1::CommandRequest>
      stream(std::move(end), options);
  int fed = 0;
  while (stream.Feed(MakeHget("t", std::string(1000, 'k'))).ok()) {
    ASSERT_LT(++fed, 20) << "an unbounded buffer";
  }
  bool ready = false;
  stream.Ready([&](error_code) { ready = true; });
  io.poll();
  EXPECT_FALSE(ready);
  peer.close();
  io.restart();
  io.poll();
}

// A clean end and a truncation looked alike; multi-key commands hid the errors
// of the storage (StorageErrors.* in server/service).
TEST(OlderFaults, F14CleanEndAndTruncationAreToldApart) {
  SessionHarness clean;
  clean.Start();
  clean.Send(Frame(MakeHget("t", "k")));
  clean.EndSending();
  EXPECT_EQ(clean.status(), absl::OkStatus());

  SessionHarness truncated;
  truncated.Start();
  truncated.Send(Frame(MakeHget("t", "k")).substr(0, 6));
  truncated.EndSending();
  EXPECT_EQ(truncated.status()->code(), absl::StatusCode::kDataLoss);
}

// A read created its table for good. (Names that collide: the storage's
// conformance suite. Half-applied writes: the same.)
TEST(OlderFaults, F15ReadsCreateNothing) {
  SessionHarness harness;
  harness.Start();
  std::string bytes;
  for (int i = 0; i < 1000; ++i) {
    bytes += Frame(MakeHget(absl::StrCat("table", i), "k"));
    bytes += Frame(MakeHgetall(absl::StrCat("all", i)));
  }
  harness.Send(bytes);
  EXPECT_EQ(harness.answers().size(), 2000u);
  EXPECT_EQ(harness.memory().counts().tables, 0u);

  harness.Send(Frame(MakeHset("a:b", "c", 1)) + Frame(MakeHset("a", "b:c", 2)) +
               Frame(MakeHget("a:b", "c")) + Frame(MakeHget("a", "b:c")));
  const auto answers = harness.answers();
  EXPECT_EQ(answers[2002].values(0).integer(), 1);
  EXPECT_EQ(answers[2003].values(0).integer(), 2);
}

// Every command was printed, secrets included. (Timeouts and limits:
// server_test.cc; shutdown: server_drain_test.cc, kvs_test.cc.)
TEST(OlderFaults, F16ValuesAreNeverLogged) {
  std::string lines;
  StartLogging(LogLevel::kDebug,
               [&](const std::string& line) { lines += line; });
  {
    SessionHarness harness;
    LogRequests(&harness.service());
    harness.Start();
    harness.Send(Frame(MakeHset("users", "ada", "hunter2")) +
                 Frame(MakeHget("users", "ada")));
    EXPECT_EQ(harness.answers().size(), 2u);
  }
  StopLogging();
  EXPECT_THAT(lines, HasSubstr("table=users key=ada"));
  EXPECT_EQ(lines.find("hunter2"), std::string::npos) << lines;
}

// The fault: takes what one read gives for the whole, and forgets it. The
// number of requests that it parses.
int RequestsOfAForgetfulReader(coffer_testing::DummyStream stream,
                               asio::io_context* io) {
  int parsed = 0;
  bool ended = false;
  while (!ended) {
    std::string buffer(1000, '\0');
    auto parse = [&](error_code error, std::size_t n) {
      ended = error.failed();
      FrameDecoder decoder;
      const auto room = decoder.Prepare();
      buffer.copy(room.data(), n);
      decoder.Commit(n);
      absl::string_view payload;
      v1::CommandRequest request;
      if (decoder.Next(&payload) == FrameDecoder::Step::kFrame &&
          ParseMessage(payload, &request).ok()) {
        ++parsed;
      }
    };
    stream.async_read_some(asio::buffer(buffer), parse);
    io->restart();
    io->run();
  }
  return parsed;
}

// The double was always ready and gave exactly what was asked for, and so hid
// number 1. Ours shows a reader that forgets what it has between two reads.
TEST(OlderFaults, F17TheDoubleShowsAReaderThatForgets) {
  asio::io_context io;
  const auto ex = io.get_executor();
  const std::string bytes = Frame(MakeHget("t", "k"));
  using coffer_testing::DummyStream;
  EXPECT_EQ(RequestsOfAForgetfulReader(DummyStream(ex, bytes), &io), 1)
      << "right as long as everything comes at once";
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    DummyStream stream(ex, bytes, {.read_bytes_max = piece});
    EXPECT_EQ(RequestsOfAForgetfulReader(std::move(stream), &io), 0) << piece;
  }
  // Ours remembers.
  FramedStream<DummyStream, v1::CommandRequest, CommandResponse> ours(
      DummyStream(ex, bytes, {.read_bytes_max = 1}));
  std::string key;
  ours.Next([&](error_code, v1::CommandRequest r) { key = r.hget().key(); });
  io.restart();
  io.run();
  EXPECT_EQ(key, "k");
}

}  // namespace
}  // namespace coffer::server
