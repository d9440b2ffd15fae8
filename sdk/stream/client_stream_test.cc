#include "coffer/sdk/stream/client_stream.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "coffer/proto/requests.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/testing/dummy_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using coffer_testing::DummyStream;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::MemoryPipe;
using ::testing::HasSubstr;
using v1::CommandRequest;
using v1::CommandResponse;
using Answer = absl::StatusOr<CommandResponse>;

std::string Frame(const google::protobuf::MessageLite& message) {
  FrameEncoder encoder;
  std::string bytes;
  EXPECT_TRUE(encoder.Encode(message, &bytes).ok());
  return bytes;
}

CommandResponse Says(const std::string& message, std::uint32_t status = 200) {
  CommandResponse response;
  response.set_status(status);
  response.set_message(message);
  return response;
}

// Against preset bytes: the answer to one request.
Answer ExecuteAgainst(std::string input, CommandRequest request) {
  asio::io_context io;
  ClientStream<DummyStream> client(
      DummyStream(io.get_executor(), std::move(input)));
  Answer result = absl::UnknownError("never completed");
  client.Execute(std::move(request),
                 [&](Answer answer) { result = std::move(answer); });
  io.run();
  return result;
}

TEST(ClientStream, ExecuteGivesTheAnswerWhateverItsStatus) {
  EXPECT_EQ(ExecuteAgainst(Frame(Says("fine")), MakeHget("t", "k"))->message(),
            "fine");
  EXPECT_EQ(
      ExecuteAgainst(Frame(Says("no", 404)), MakeHget("t", "k"))->status(),
      404u);
}

TEST(ClientStream, EndWithoutAnAnswerIsUnavailable) {
  const Answer answer = ExecuteAgainst("", MakeHget("t", "k"));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(answer.status().message()),
              HasSubstr("without an answer"));
}

TEST(ClientStream, EndInsideAnAnswerIsDataLoss) {
  const std::string frame = Frame(Says("cut"));
  for (std::size_t cut = 1; cut < frame.size(); ++cut) {
    EXPECT_EQ(ExecuteAgainst(frame.substr(0, cut), MakeHget("t", "k"))
                  .status()
                  .code(),
              absl::StatusCode::kDataLoss)
        << cut;
  }
}

TEST(ClientStream, MalformedAnswerIsAnError) {
  EXPECT_EQ(ExecuteAgainst(std::string("\0\0\0\1\xff", 5), MakeHget("t", "k"))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      ExecuteAgainst("\x7f\xff\xff\xff", MakeHget("t", "k")).status().code(),
      absl::StatusCode::kResourceExhausted);
}

TEST(ClientStream, RequestOverTheLimitIsRefusedAndTheConnectionStaysGood) {
  asio::io_context io;
  ClientStreamOptions options;
  ClientStream<DummyStream> client(
      DummyStream(io.get_executor(), Frame(Says("fine"))), options);
  Answer result = absl::UnknownError("never completed");
  auto keep = [&](Answer answer) { result = std::move(answer); };
  client.Execute(MakeHget("t", std::string(17 << 20, 'k')), keep);
  io.run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("exceeds"));
  client.Execute(MakeHget("t", "k"), keep);
  io.restart();
  io.run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->message(), "fine");
}

TEST(ClientStream, TextThatIsNotUtf8IsRefusedBeforeItIsSent) {
  asio::io_context io;
  ClientStream<DummyStream> client(DummyStream(io.get_executor()));
  Answer result = absl::UnknownError("never completed");
  client.Execute(MakeHget("t", "\xff"),
                 [&](Answer answer) { result = std::move(answer); });
  io.run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client.framed().next_layer().written(), "");
}

TEST(ClientStream, OlderPeerIsSpokenToInPlainFrames) {
  asio::io_context io;
  ClientStream<DummyStream> client(DummyStream(
      io.get_executor(),
      Frame(Says("Request has no data", 400)) + Frame(Says("fine"))));
  absl::Status hello = absl::UnknownError("never completed");
  client.Hello([&](absl::Status status) { hello = status; });
  io.run();
  EXPECT_EQ(hello, absl::OkStatus());
  EXPECT_FALSE(client.peer_said_hello());
  const std::size_t before = client.framed().next_layer().written().size();
  const CommandRequest big = MakeHget("t", std::string(5000, 'k'));
  client.Execute(big, [](Answer answer) { EXPECT_TRUE(answer.ok()); });
  io.restart();
  io.run();
  EXPECT_EQ(client.framed().next_layer().written().substr(before), Frame(big));
}

TEST(ClientStream, PeerOfOursIsSentCompressedFrames) {
  CommandResponse reply;
  reply.set_status(200);
  reply.mutable_hello()->set_protocol_version(1);
  reply.mutable_hello()->set_lz4(true);
  CommandResponse fine = Says("fine");
  fine.set_request_id(2);
  asio::io_context io;
  ClientStream<DummyStream> client(
      DummyStream(io.get_executor(), Frame(reply) + Frame(fine)));
  client.Hello([](absl::Status status) { EXPECT_TRUE(status.ok()); });
  io.run();
  EXPECT_TRUE(client.peer_said_hello());
  const std::size_t before = client.framed().next_layer().written().size();
  client.Execute(MakeHget("t", std::string(5000, 'k')),
                 [](Answer answer) { EXPECT_TRUE(answer.ok()); });
  io.restart();
  io.run();
  EXPECT_LT(client.framed().next_layer().written().size() - before, 200u);
}

TEST(ClientStream, HelloThatIsRefusedIsAnError) {
  for (const std::uint32_t status : {401u, 503u}) {
    asio::io_context io;
    ClientStream<DummyStream> client(
        DummyStream(io.get_executor(), Frame(Says("no", status))));
    absl::Status hello;
    client.Hello([&](absl::Status result) { hello = result; });
    io.run();
    EXPECT_FALSE(hello.ok());
    EXPECT_THAT(std::string(hello.message()), HasSubstr("no"));
  }
}

TEST(ClientStream, WorksWithFutures) {
  asio::io_context io;
  ClientStream<DummyStream> client(
      DummyStream(io.get_executor(), Frame(Says("fine"))));
  auto answer = client.Execute(MakeHget("t", "k"), asio::use_future);
  io.run();
  EXPECT_EQ(answer.get()->message(), "fine");
}

// Execute is cancelled after each number of steps; the next Execute must get
// its own answer, never the one of the call that was cancelled.
TEST(ClientStream, CancelledAtAnyStepTheNextCallGetsItsOwnAnswer) {
  int cancelled = 0;
  bool finished_before_cancel = false;
  for (int steps = 0; !finished_before_cancel; ++steps) {
    ASSERT_LT(steps, 10000);
    asio::io_context io;
    auto [end, peer] = MakeMemoryPipe(io.get_executor(), {.capacity = 5});
    ClientStream<MemoryPipe> client(std::move(end));
    // The peer answers each request by its key.
    FramedStream<MemoryPipe, CommandRequest, CommandResponse> server(
        std::move(peer));
    std::function<void()> serve = [&] {
      server.Next([&](error_code error, CommandRequest request) {
        if (error) return;
        server.Send(Says(request.hget().key()), [&](error_code sent) {
          if (!sent) serve();
        });
      });
    };
    serve();
    asio::cancellation_signal cancel;
    std::optional<Answer> first;
    client.Execute(
        MakeHget("t", "first"),
        asio::bind_cancellation_slot(
            cancel.slot(), [&](Answer answer) { first = std::move(answer); }));
    for (int i = 0; i < steps && !first.has_value(); ++i) io.poll_one();
    finished_before_cancel = first.has_value();
    cancel.emit(asio::cancellation_type::total);
    while (!first.has_value() && io.poll_one() > 0) {
    }
    ASSERT_TRUE(first.has_value()) << "hangs, cancelled after " << steps;
    if (!first->ok()) {
      EXPECT_EQ(first->status().code(), absl::StatusCode::kCancelled)
          << first->status();
      ++cancelled;
    }
    std::optional<Answer> second;
    client.Execute(MakeHget("t", "second"),
                   [&](Answer answer) { second = std::move(answer); });
    while (!second.has_value() && io.poll_one() > 0) {
    }
    ASSERT_TRUE(second.has_value()) << "hangs after " << steps;
    ASSERT_TRUE(second->ok()) << second->status();
    ASSERT_EQ((*second)->message(), "second") << "cancelled after " << steps;
    bool closed = false;
    client.Close([&](absl::Status) { closed = true; });
    while (!closed && io.poll_one() > 0) {
    }
    io.poll();
  }
  EXPECT_GT(cancelled, 10);
}

// Calls that are cancelled leave requests behind that fill the write buffer,
// and answers that nobody takes: the next call writes the ones and takes the
// others.
TEST(ClientStream, CancelledCallsThatFillTheBufferDoNotBlockTheNext) {
  asio::io_context io;
  auto [end, peer] = MakeMemoryPipe(io.get_executor(), {.capacity = 50});
  ClientStreamOptions options;
  options.write_high_mark_bytes = 3000;
  options.write_low_mark_bytes = 100;
  ClientStream<MemoryPipe> client(std::move(end), options);
  FramedStream<MemoryPipe, CommandRequest, CommandResponse> server(
      std::move(peer));
  std::function<void()> serve = [&] {
    server.Next([&](error_code error, CommandRequest request) {
      if (error) return;
      server.Send(Says(request.hget().key()), [&](error_code sent) {
        if (!sent) serve();
      });
    });
  };
  serve();
  for (int i = 0; i < 4; ++i) {
    asio::cancellation_signal cancel;
    bool done = false;
    client.Execute(MakeHget("t", std::string(2000, 'x')),
                   asio::bind_cancellation_slot(cancel.slot(),
                                                [&](Answer) { done = true; }));
    for (int step = 0; step < 20 && !done; ++step) io.poll_one();
    cancel.emit(asio::cancellation_type::terminal);
    while (!done && io.poll_one() > 0) {
    }
    ASSERT_TRUE(done);
  }
  std::optional<Answer> last;
  client.Execute(MakeHget("t", "last"),
                 [&](Answer answer) { last = std::move(answer); });
  while (!last.has_value() && io.poll_one() > 0) {
  }
  ASSERT_TRUE(last.has_value()) << "hangs";
  ASSERT_TRUE(last->ok()) << last->status();
  EXPECT_EQ((*last)->message(), "last");
  client.Close([](absl::Status) {});
  io.poll();
}

// A peer whose answer, or end, comes before it has read the request, of which
// it reads no more than fits.
class PeerThatReadsNoMore {
 public:
  PeerThatReadsNoMore() {
    auto [end, peer] = MakeMemoryPipe(io_.get_executor(), {.capacity = 100});
    ClientStreamOptions options;
    options.write_high_mark_bytes = 500;
    options.write_low_mark_bytes = 50;
    client_.emplace(std::move(end), options);
    peer_.emplace(std::move(peer));
  }
  ~PeerThatReadsNoMore() {
    client_.reset();
    io_.restart();
    io_.run();  // what was being written
  }

  std::optional<Answer> Execute() {
    std::optional<Answer> result;
    client_->Execute(MakeHget("t", std::string(1000, 'k')),
                     [&](Answer answer) { result = std::move(answer); });
    io_.restart();
    io_.poll();
    if (!result.has_value()) {  // or it would outlive `result`
      client_.reset();
      io_.restart();
      io_.run();
      ADD_FAILURE() << "hangs";
    }
    return result;
  }

  asio::io_context io_;
  std::optional<ClientStream<MemoryPipe>> client_;
  std::optional<MemoryPipe> peer_;
};

TEST(ClientStream, AnswerBeforeTheRequestWasReadEndsExecute) {
  PeerThatReadsNoMore peer;
  const std::string refusal = Frame(Says("too large", 413));
  asio::async_write(*peer.peer_, asio::buffer(refusal),
                    [](error_code, std::size_t) {});
  const std::optional<Answer> answer = peer.Execute();
  ASSERT_TRUE(answer.has_value() && answer->ok());
  EXPECT_EQ((*answer)->status(), 413u);
  EXPECT_GT(peer.client_->framed().unwritten_bytes(), 0u)
      << "what was not read stays";

  // Then the peer ends sending: the next call learns it, with a full buffer.
  peer.peer_->close();
  peer.peer_.reset();
  const std::optional<Answer> next = peer.Execute();
  ASSERT_TRUE(next.has_value());
  EXPECT_TRUE(absl::IsUnavailable(next->status())) << next->status();
}

TEST(ClientStream, EndBeforeTheRequestWasReadEndsExecute) {
  PeerThatReadsNoMore peer;
  error_code ignored;
  peer.peer_->shutdown(asio::socket_base::shutdown_send, ignored);
  for (int call = 0; call < 2; ++call) {  // the second finds a full buffer
    const std::optional<Answer> answer = peer.Execute();
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(absl::IsUnavailable(answer->status())) << answer->status();
  }
}

// After Hello, against preset answers with these ids (and statuses).
struct Numbered {
  std::uint64_t id;
  std::uint32_t status = 200;
};
std::vector<Answer> AnswersAfterHello(const std::vector<Numbered>& preset,
                                      std::string* written) {
  CommandResponse reply;
  reply.set_status(200);
  reply.mutable_hello()->set_protocol_version(1);
  std::string input = Frame(reply);
  for (const Numbered& numbered : preset) {
    CommandResponse answer = Says("fine", numbered.status);
    answer.set_request_id(numbered.id);
    input += Frame(answer);
  }
  asio::io_context io;
  ClientStream<DummyStream> client(DummyStream(io.get_executor(), input));
  client.Hello([](absl::Status status) { EXPECT_TRUE(status.ok()); });
  io.run();
  const std::size_t before = client.framed().next_layer().written().size();
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < preset.size(); ++i) {
    CommandRequest request = MakeHget("t", "k");
    request.set_request_id(77);
    client.Execute(request, [&](Answer answer) { answers.push_back(answer); });
    io.restart();
    io.run();
  }
  *written = client.framed().next_layer().written().substr(before);
  return answers;
}

TEST(ClientStream, RequestsAreNumberedAfterHello) {
  std::string written;
  const auto answers = AnswersAfterHello({{2}, {3}}, &written);
  std::string expected;
  for (const std::uint64_t id : {2, 3}) {
    CommandRequest request = MakeHget("t", "k");
    request.set_request_id(id);
    expected += Frame(request);
  }
  EXPECT_EQ(written, expected);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_TRUE(answers[0].ok()) << answers[0].status();
  EXPECT_TRUE(answers[1].ok()) << answers[1].status();
}

TEST(ClientStream, AnswerToAnotherRequestIsDataLossForGood) {
  std::string written;
  const auto answers = AnswersAfterHello({{2}, {2}, {4}}, &written);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_TRUE(answers[0].ok()) << answers[0].status();
  const absl::Status mismatch =
      absl::DataLossError("answer to request 2 where 3 was expected");
  EXPECT_EQ(answers[1].status(), mismatch);
  EXPECT_EQ(answers[2].status(), mismatch);
}

// The server cannot know the number of what it could not read.
TEST(ClientStream, AnswerWithoutANumberIsARefusalOrDataLoss) {
  std::string written;
  const auto refused = AnswersAfterHello({{0, 413}}, &written);
  ASSERT_TRUE(refused[0].ok()) << refused[0].status();
  EXPECT_EQ(refused[0]->status(), 413u);
  const auto lost = AnswersAfterHello({{0, 200}}, &written);
  EXPECT_EQ(lost[0].status().code(), absl::StatusCode::kDataLoss);
}

TEST(ClientStream, WithoutHelloTheCallersRequestIsSentAsItIs) {
  CommandRequest request = MakeHget("t", "k");
  request.set_request_id(77);
  asio::io_context io;
  ClientStream<DummyStream> client(
      DummyStream(io.get_executor(), Frame(Says("fine"))));
  client.Execute(request, [](Answer answer) { EXPECT_TRUE(answer.ok()); });
  io.run();
  EXPECT_EQ(client.framed().next_layer().written(), Frame(request));
}

}  // namespace
}  // namespace coffer
