// FramedStream, single step by single step: every operation is cancelled after
// each number of steps and taken up again, every stream is cut after each byte,
// and the transport breaks its own contract. No byte may be lost, nothing may
// hang.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/testing/dummy_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using coffer_testing::DummyStream;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::MemoryPipe;
using v1::CommandRequest;
using v1::CommandResponse;

using Server = FramedStream<MemoryPipe, CommandRequest, CommandResponse>;
using Client = FramedStream<MemoryPipe, CommandResponse, CommandRequest>;

CommandRequest Get(const std::string& key) {
  CommandRequest request;
  request.mutable_hget()->set_table("t");
  request.mutable_hget()->set_key(key);
  return request;
}

std::string Frames(const std::vector<CommandRequest>& requests) {
  FrameEncoder encoder;
  std::string bytes;
  for (const CommandRequest& request : requests) {
    EXPECT_TRUE(encoder.Encode(request, &bytes).ok());
  }
  return bytes;
}

// Runs handlers until `done`, or until none is ready.
void RunUntilDone(asio::io_context& io, const bool& done) {
  io.restart();
  while (!done && io.poll_one() > 0) {
  }
}

struct NextResultOf {
  bool done = false;
  error_code error;
  CommandRequest request;
};

template <class Stream>
void StartNext(Stream& stream, NextResultOf* result,
               asio::cancellation_signal* cancel) {
  stream.Next(asio::bind_cancellation_slot(
      cancel->slot(), [result](error_code error, CommandRequest request) {
        result->done = true;
        result->error = error;
        result->request = std::move(request);
      }));
}

constexpr asio::cancellation_type kTypes[] = {asio::cancellation_type::terminal,
                                              asio::cancellation_type::partial,
                                              asio::cancellation_type::total};

TEST(FramedStreamSteps, NextCancelledAfterEachStepLosesNoByte) {
  for (const auto type : kTypes) {
    bool finished_before_cancel = false;
    int aborted = 0;
    for (int steps = 0; !finished_before_cancel; ++steps) {
      ASSERT_LT(steps, 10000);
      asio::io_context io;
      auto [client, pipe] = MakeMemoryPipe(io.get_executor(), {.capacity = 3});
      Server server(std::move(pipe));
      const std::string bytes = Frames({Get("first"), Get("second")});
      asio::async_write(client, asio::buffer(bytes),
                        [](error_code error, std::size_t) {
                          EXPECT_FALSE(error) << error.message();
                        });
      asio::cancellation_signal cancel;
      NextResultOf first;
      StartNext(server, &first, &cancel);
      for (int i = 0; i < steps && !first.done; ++i) io.poll_one();
      finished_before_cancel = first.done;
      cancel.emit(type);
      RunUntilDone(io, first.done);
      ASSERT_TRUE(first.done);
      if (first.error) {
        ASSERT_EQ(first.error, asio::error::operation_aborted);
        ++aborted;
        first = {};
        StartNext(server, &first, &cancel);
        RunUntilDone(io, first.done);
      }
      ASSERT_FALSE(first.error) << first.error.message();
      ASSERT_EQ(first.request.hget().key(), "first") << "after " << steps;
      NextResultOf second;
      StartNext(server, &second, &cancel);
      RunUntilDone(io, second.done);
      ASSERT_EQ(second.request.hget().key(), "second") << "after " << steps;
    }
    EXPECT_GT(aborted, 10) << "the test must have met many points";
  }
}

// Reads all that arrives at `pipe`, two bytes at a time.
class SlowReader {
 public:
  explicit SlowReader(MemoryPipe* pipe) : pipe_(pipe) { Read(); }
  const std::string& bytes() const { return bytes_; }
  bool ended() const { return ended_; }

 private:
  void Read() {
    pipe_->async_read_some(asio::buffer(room_),
                           [this](error_code error, std::size_t bytes) {
                             bytes_.append(room_, bytes);
                             ended_ = error.failed();
                             if (!error) Read();
                           });
  }

  MemoryPipe* pipe_;
  char room_[2];
  std::string bytes_;
  bool ended_ = false;
};

// Starts `first` (a Send or Close, say), cancels it after each number of steps,
// then closes; what arrives must be `expected` every time.
void CancelWriterAfterEachStep(
    const std::string& expected,
    const std::function<void(Client&, asio::cancellation_slot,
                             std::function<void(error_code)>)>& start) {
  for (const auto type : kTypes) {
    bool finished_before_cancel = false;
    int aborted = 0;
    for (int steps = 0; !finished_before_cancel; ++steps) {
      ASSERT_LT(steps, 10000);
      asio::io_context io;
      auto [pipe, peer] = MakeMemoryPipe(io.get_executor(), {.capacity = 3});
      Client client(std::move(pipe));
      SlowReader reader(&peer);
      asio::cancellation_signal cancel;
      bool done = false;
      error_code result;
      start(client, cancel.slot(), [&](error_code error) {
        result = error;
        done = true;
      });
      for (int i = 0; i < steps && !done; ++i) io.poll_one();
      finished_before_cancel = done;
      cancel.emit(type);
      RunUntilDone(io, done);
      ASSERT_TRUE(done);
      if (result) {
        ASSERT_EQ(result, asio::error::operation_aborted);
        ++aborted;
      }
      done = false;
      client.Close([&](error_code error) {
        EXPECT_FALSE(error) << error.message();
        done = true;
      });
      RunUntilDone(io, done);
      ASSERT_TRUE(done);
      RunUntilDone(io, reader.ended());
      ASSERT_EQ(reader.bytes(), expected) << "after " << steps;
      ASSERT_TRUE(reader.ended());
    }
    EXPECT_GT(aborted, 5) << "the test must have met many points";
  }
}

TEST(FramedStreamSteps, SendCancelledAfterEachStepLosesNoByte) {
  const CommandRequest request = Get("a key of some length");
  CancelWriterAfterEachStep(
      Frames({request}), [&](Client& client, asio::cancellation_slot slot,
                             std::function<void(error_code)> done) {
        client.Send(request, asio::bind_cancellation_slot(slot, done));
      });
}

TEST(FramedStreamSteps, CloseCancelledAfterEachStepIsTakenUpAgain) {
  const CommandRequest request = Get("a key of some length");
  CancelWriterAfterEachStep(
      Frames({request}), [&](Client& client, asio::cancellation_slot slot,
                             std::function<void(error_code)> done) {
        ASSERT_TRUE(client.Feed(request).ok());
        client.Close(asio::bind_cancellation_slot(slot, done));
      });
}

TEST(FramedStreamSteps, ReadyCancelledAfterEachStepLosesNoByte) {
  const CommandRequest request = Get(std::string(2000, 'k'));
  for (int steps = 0; steps < 600; steps += 7) {
    asio::io_context io;
    auto [pipe, peer] = MakeMemoryPipe(io.get_executor(), {.capacity = 64});
    FramedStreamOptions options;
    options.write_high_mark_bytes = 1000;
    options.write_low_mark_bytes = 100;
    Client client(std::move(pipe), options);
    SlowReader reader(&peer);
    ASSERT_TRUE(client.Feed(request).ok());
    asio::cancellation_signal cancel;
    bool done = false;
    client.Ready(asio::bind_cancellation_slot(
        cancel.slot(), [&](error_code) { done = true; }));
    for (int i = 0; i < steps && !done; ++i) io.poll_one();
    cancel.emit(asio::cancellation_type::partial);
    RunUntilDone(io, done);
    ASSERT_TRUE(done);
    client.Close([](error_code error) { EXPECT_FALSE(error); });
    RunUntilDone(io, reader.ended());
    ASSERT_TRUE(reader.ended());
    ASSERT_EQ(reader.bytes(), Frames({request}));
  }
}

// The peer closes, or resets, after each byte of two frames.
TEST(FramedStreamSteps, CutAfterEachByteGivesWholeFramesThenTheReason) {
  const std::string bytes = Frames({Get("first"), Get("second")});
  const std::size_t first = Frames({Get("first")}).size();
  for (const bool reset : {false, true}) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      asio::io_context io;
      auto [peer, pipe] = MakeMemoryPipe(io.get_executor());
      Server server(std::move(pipe));
      asio::cancellation_signal cancel;
      std::vector<std::string> keys;
      NextResultOf next;
      StartNext(server, &next, &cancel);
      asio::async_write(peer, asio::buffer(bytes.data(), cut),
                        [](error_code, std::size_t) {});
      bool never = false;
      RunUntilDone(io, never);
      reset ? peer.reset() : peer.close();
      for (;;) {
        RunUntilDone(io, next.done);
        ASSERT_TRUE(next.done) << "hangs, cut at " << cut;
        if (next.error) break;
        keys.push_back(next.request.hget().key());
        next = {};
        StartNext(server, &next, &cancel);
      }
      const std::size_t whole = cut == bytes.size() ? 2 : cut >= first ? 1 : 0;
      EXPECT_EQ(keys.size(), whole) << cut;
      error_code expected = asio::error::connection_reset;
      if (!reset) {
        const std::size_t left = cut < first ? cut : cut - first;
        const bool clean = cut == 0 || cut == first || cut == bytes.size();
        expected = clean      ? error_code(asio::error::eof)
                   : left < 4 ? make_error_code(FrameErrc::kTruncatedHeader)
                              : make_error_code(FrameErrc::kTruncatedPayload);
      }
      EXPECT_EQ(next.error, expected) << cut << ": " << next.error.message();
      EXPECT_EQ(server.read_error(), expected);
      EXPECT_FALSE(server.read_status().ok());
    }
  }
}

TEST(FramedStreamSteps, MessageThatDoesNotParseEndsReadingForGood) {
  asio::io_context io;
  std::string bytes = Frames({Get("good")});
  bytes += std::string("\0\0\0\2\xff\xff", 6);
  bytes += Frames({Get("never")});
  FramedStream<DummyStream, CommandRequest, CommandResponse> server(
      DummyStream(io.get_executor(), bytes));
  asio::cancellation_signal cancel;
  NextResultOf next;
  StartNext(server, &next, &cancel);
  RunUntilDone(io, next.done);
  EXPECT_EQ(next.request.hget().key(), "good");
  for (int again = 0; again < 3; ++again) {
    next = {};
    StartNext(server, &next, &cancel);
    RunUntilDone(io, next.done);
    ASSERT_TRUE(next.done);
    EXPECT_EQ(next.error, FrameErrc::kUnparsable);
  }
  CommandRequest request;
  EXPECT_EQ(server.TryNext(&request), NextResult::kEnd);
}

TEST(FramedStreamSteps, MessageOverThePeersLimitIsRefusedAndNothingElse) {
  asio::io_context io;
  FramedStreamOptions options;
  options.encoder.limits.uncompressed_bytes_max = 100;
  options.encoder.limits.frame_bytes_max = 100;
  FramedStream<DummyStream, CommandResponse, CommandRequest> client(
      DummyStream(io.get_executor()), options);
  error_code result;
  client.Send(Get(std::string(200, 'k')),
              [&](error_code error) { result = error; });
  io.run();
  EXPECT_EQ(result, FrameErrc::kOversizeMessage) << result.message();
  EXPECT_NE(client.Feed(Get(std::string(200, 'k')))
                .message()
                .find("exceeds the limit of 100"),
            std::string::npos);
  client.Send(Get("fits"), [&](error_code error) { result = error; });
  io.restart();
  io.run();
  EXPECT_FALSE(result) << result.message();
  EXPECT_EQ(client.next_layer().written(), Frames({Get("fits")}));
}

TEST(FramedStreamSteps, LoopbackReadsBackWhatWasSent) {
  asio::io_context io;
  FramedStream<DummyStream, CommandRequest, CommandRequest> stream(
      DummyStream::Loopback(io.get_executor()));
  stream.Send(Get("mirror"), [](error_code error) { EXPECT_FALSE(error); });
  asio::cancellation_signal cancel;
  NextResultOf next;
  StartNext(stream, &next, &cancel);
  RunUntilDone(io, next.done);
  EXPECT_EQ(next.request.hget().key(), "mirror");
}

// A transport against its contract: it succeeds, and moves nothing.
class StuckStream {
 public:
  using executor_type = asio::io_context::executor_type;
  using lowest_layer_type = StuckStream;

  explicit StuckStream(asio::io_context& io) : executor_(io.get_executor()) {}
  executor_type get_executor() { return executor_; }
  StuckStream& lowest_layer() { return *this; }
  void close(error_code&) {}
  void shutdown(asio::socket_base::shutdown_type, error_code&) {}

  template <class Buffers, class Handler>
  void async_read_some(const Buffers&, Handler handler) {
    asio::post(executor_,
               asio::append(std::move(handler), error_code(), std::size_t{0}));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler handler) {
    async_read_some(buffers, std::move(handler));
  }

 private:
  executor_type executor_;
};

TEST(FramedStreamSteps, TransportWithoutProgressIsAnErrorAndNoSpin) {
  asio::io_context io;
  FramedStream<StuckStream, CommandRequest, CommandRequest> stream(
      StuckStream{io});
  error_code sent;
  error_code received;
  stream.Send(Get("k"), [&](error_code error) { sent = error; });
  stream.Next([&](error_code error, CommandRequest) { received = error; });
  EXPECT_LT(io.run(), 20u);
  EXPECT_EQ(sent, boost::system::errc::io_error);
  EXPECT_EQ(received, boost::system::errc::io_error);
  EXPECT_FALSE(stream.Feed(Get("more")).ok());
}

}  // namespace
}  // namespace coffer
