#include "coffer/server/session/server_stream.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/testing/dummy_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using v1::CommandRequest;
using v1::CommandResponse;

std::vector<std::string> Texts(const std::vector<CommandResponse>& answers) {
  std::vector<std::string> texts;
  for (const auto& answer : answers) texts.push_back(answer.ShortDebugString());
  return texts;
}

// One request of each command, and what is not one.
std::string EachCommand() {
  std::string bytes;
  for (const CommandRequest& request :
       {MakeHset("t", "a", 1), MakeHget("t", "a"), MakeHget("t", "b"),
        MakeHmset("t", {{"b", "two"}, {"c", 3.5}}), MakeHgetall("none"),
        MakeHmget("t", {"a", "x", "c"}), MakeHexist("t", "b"),
        MakeHmexist("t", {"b", "x"}), MakeHdel("t", "b"),
        MakeHmdel("t", {"a", "b"}), CommandRequest()}) {
    bytes += Frame(request);
  }
  return bytes;
}

TEST(ServerStream, AnswersEachCommandInOrder) {
  SessionHarness harness;
  harness.Start();
  harness.Send(EachCommand());
  EXPECT_THAT(
      Texts(harness.answers()),
      ElementsAre("status: 200 values { }", "status: 200 values { integer: 1 }",
                  "status: 404 message: \"Not found: table t, key b\"",
                  "status: 200 values { } values { }", "status: 200",
                  "status: 200 values { integer: 1 } values { } values { "
                  "float: 3.5 }",
                  "status: 200 values { bool: true }",
                  "status: 200 values { bool: true } values { bool: false }",
                  "status: 200 values { string: \"two\" }",
                  "status: 200 values { integer: 1 } values { }",
                  "status: 400 message: \"Command is invalid: `Request has no "
                  "data`\""));
  harness.EndSending();
  EXPECT_TRUE(harness.ended());
  EXPECT_EQ(harness.status(), absl::OkStatus());
}

TEST(ServerStream, AnyCutGivesTheSameAnswers) {
  const std::string bytes = EachCommand();
  std::string whole;
  {
    SessionHarness harness;
    harness.Start();
    harness.Send(bytes);
    whole = harness.received();
  }
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    SessionHarness harness;
    harness.Start();
    harness.Send(bytes.substr(0, cut));
    harness.Send(bytes.substr(cut));
    ASSERT_EQ(harness.received(), whole) << "cut at " << cut;
  }
  SessionHarness harness({}, {.capacity = 1});
  harness.Start();
  harness.Send(bytes);
  EXPECT_EQ(harness.received(), whole) << "one byte at a time, both ways";
}

// Counts the writes of a DummyStream.
class CountingStream : public coffer_testing::DummyStream {
 public:
  CountingStream(boost::asio::any_io_executor executor, std::string input,
                 int* writes)
      : DummyStream(executor, std::move(input)), writes_(writes) {}

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    ++*writes_;
    return DummyStream::async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  int* writes_;
};

TEST(ServerStream, AllThatArrivedIsAnsweredWithOneWrite) {
  boost::asio::io_context io;
  MemoryStorage storage;
  Service service(&storage);
  std::string input;
  for (int i = 0; i < 100; ++i) input += Frame(MakeHset("t", "k", i));
  int writes = 0;
  ServerStream<CountingStream> session(
      CountingStream(io.get_executor(), input, &writes), &service, {});
  session.Process([](absl::Status status) { EXPECT_TRUE(status.ok()); });
  io.run();
  EXPECT_EQ(Answers(session.next_layer().written()).size(), 100u);
  EXPECT_EQ(writes, 1);
}

TEST(ServerStream, RequestsBeforeABadFrameAreAnsweredNoneAfterIt) {
  SessionHarness harness;
  harness.Start();
  harness.Send(Frame(MakeHset("t", "before", 1)) +
               std::string("\0\0\0\1\xff", 5) +
               Frame(MakeHset("t", "after", 1)));
  EXPECT_TRUE(harness.ended()) << "sending is shut down";
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].status(), 200u);
  EXPECT_EQ(answers[1].status(), 400u);
  EXPECT_FALSE(harness.status().has_value()) << "input is being discarded";
  // What the peer still sends is thrown away.
  harness.Send(Frame(MakeHset("t", "later", 1)));
  harness.EndSending();
  EXPECT_EQ(harness.status()->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(harness.answers().size(), 2u);
}

TEST(ServerStream, OversizeFrameIs413AndSaysHowMuch) {
  ServerLimits limits;
  limits.frame.frame_bytes_max = 8388608;
  SessionHarness harness(limits);
  harness.Start();
  harness.Send(std::string("\x00\x89\x54\x40", 4));  // 9000000
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status(), 413u);
  EXPECT_EQ(answers[0].message(),
            "frame of 9000000 bytes exceeds the limit of 8388608");
}

TEST(ServerStream, WhatIsDiscardedAfterABadFrameIsBounded) {
  ServerLimits limits;
  limits.linger_bytes_max = 100000;
  SessionHarness harness(limits, {.capacity = 4096});
  harness.Start();
  harness.Send(std::string("\0\0\0\1\xff", 5) + std::string(1000000, 'x'));
  ASSERT_TRUE(harness.status().has_value());
  EXPECT_EQ(harness.status()->code(), absl::StatusCode::kInvalidArgument);
}

TEST(ServerStream, EndInsideAFrameIsToldAndIsDataLoss) {
  SessionHarness harness;
  harness.Start();
  harness.Send(Frame(MakeHget("t", "k")).substr(0, 7));
  harness.EndSending();
  EXPECT_EQ(harness.status()->code(), absl::StatusCode::kDataLoss);
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status(), 400u);
}

TEST(ServerStream, AfterHelloAnswersCarryIdOutcomeAndCompression) {
  SessionHarness harness;
  harness.Start();
  CommandRequest hello = MakeHello({}, MakeClientId(), "test");
  hello.set_request_id(1);
  harness.Send(Frame(hello));
  CommandRequest missing = MakeHget("t", "none");
  missing.set_request_id(2);
  CommandRequest set = MakeHset("t", "k", std::string(100000, 'x'));
  CommandRequest get = MakeHget("t", "k");
  get.set_request_id(4);
  harness.Send(Frame(missing) + Frame(set) + Frame(get));
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_TRUE(answers[0].has_hello());
  EXPECT_EQ(answers[0].request_id(), 1u);
  EXPECT_EQ(answers[1].request_id(), 2u);
  EXPECT_EQ(answers[1].outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(answers[3].request_id(), 4u);
  EXPECT_EQ(answers[3].values(0).string().size(), 100000u);
  EXPECT_LT(harness.received().size(), 2000u) << "compressed";
}

TEST(ServerStream, SecondHelloAndLateHelloAre400AndChangeNothing) {
  SessionHarness harness;
  harness.Start();
  v1::CommandRequest plain = MakeHello({}, MakeClientId(), "plain");
  plain.mutable_hello()->set_lz4(false);
  const v1::CommandRequest again = MakeHello({}, MakeClientId(), "again");
  harness.Send(Frame(plain) + Frame(again) + Frame(MakeHget("t", "k")));
  EXPECT_EQ(harness.answers()[1].status(), 400u);
  EXPECT_EQ(harness.answers()[2].status(), 404u);

  SessionHarness older;
  older.Start();
  older.Send(Frame(MakeHget("t", "k")) + Frame(again) +
             Frame(MakeHget("t", "k")));
  const auto answers = older.answers();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[1].status(), 400u);
  EXPECT_EQ(answers[2].outcome(), v1::OUTCOME_UNSPECIFIED);
}

TEST(ServerStream, HooksRunInOrderForEachRequest) {
  SessionHarness harness;
  std::vector<std::string> calls;
  harness.service().OnReceived([&](const CommandRequest& request) {
    calls.push_back(absl::StrCat("received ", request.hget().key()));
  });
  harness.service().OnExecuted([&](const CommandResponse& response) {
    calls.push_back(absl::StrCat("executed ", response.status()));
  });
  harness.service().OnBeforeSend([&](CommandResponse& response) {
    calls.push_back("before");
    response.set_message("changed");
  });
  harness.service().OnAfterSend([&](const absl::Status& status) {
    calls.push_back(absl::StrCat("after ", status.ok()));
  });
  harness.Start();
  harness.Send(Frame(MakeHget("t", "a")));
  harness.Send(Frame(MakeHget("t", "b")));
  EXPECT_THAT(calls,
              ElementsAre("received a", "executed 404", "before", "after 1",
                          "received b", "executed 404", "before", "after 1"));
  EXPECT_EQ(harness.answers()[0].message(), "changed");
}

// Every request that was executed is told of, though the peer has gone and only
// the first answers could be tried.
TEST(ServerStream, HooksAreCalledForEachAnswerThatCouldNotBeSent) {
  ServerLimits limits;
  limits.write_high_mark_bytes = 200;
  limits.write_low_mark_bytes = 100;
  // Room for the requests, not for their answers.
  SessionHarness harness(limits, {.capacity = 6000});
  int received = 0;
  int executed = 0;
  int sent = 0;
  int failed = 0;
  harness.service().OnReceived([&](const CommandRequest&) { ++received; });
  harness.service().OnExecuted([&](const CommandResponse&) { ++executed; });
  harness.service().OnAfterSend(
      [&](const absl::Status& status) { ++(status.ok() ? sent : failed); });
  harness.Start(/*reading=*/false);
  std::string bytes;
  for (int i = 0; i < 50; ++i) {
    bytes += Frame(MakeHget("t", std::string(100, 'k')));
  }
  harness.Send(bytes);
  ASSERT_EQ(received, 50);
  EXPECT_LT(executed, 50);
  harness.client().reset();
  harness.Run();
  ASSERT_TRUE(harness.status().has_value());
  EXPECT_EQ(executed, 50);
  EXPECT_EQ(sent + failed, 50);
  EXPECT_GT(failed, 0);
}

TEST(ServerStream, SessionsOwnAnswersCallNoHook) {
  SessionHarness harness;
  int calls = 0;
  harness.service().OnBeforeSend([&](CommandResponse&) { ++calls; });
  harness.service().OnAfterSend([&](const absl::Status&) { ++calls; });
  harness.Start();
  harness.Send(Frame(MakeHello({}, MakeClientId(), "test")));
  harness.Send(std::string("\0\0\0\1\xff", 5));
  EXPECT_EQ(harness.answers().size(), 2u);
  EXPECT_EQ(calls, 0);
}

TEST(ServerStream, RequestThatUnfoldsTooFarIs413BeforeItIsParsed) {
  ServerLimits limits;
  limits.message_fields_max = 1000;
  SessionHarness harness(limits);
  harness.Start();
  CommandRequest request;
  for (int i = 0; i < 2000; ++i) request.mutable_hmset()->add_pairs();
  harness.Send(Frame(request));
  ASSERT_EQ(harness.answers().size(), 1u);
  EXPECT_EQ(harness.answers()[0].status(), 413u);
  EXPECT_THAT(harness.answers()[0].message(), HasSubstr("1000 fields"));
}

TEST(ServerStream, LargeAnswerIsNotKeptWithTheConnection) {
  SessionHarness harness;
  harness.Start();
  CommandRequest set;
  for (int i = 0; i < 20000; ++i) {
    set.mutable_hmset()->add_pairs()->set_key(absl::StrCat("key", i));
  }
  set.mutable_hmset()->set_table("t");
  const std::string bytes = Frame(set) + Frame(MakeHgetall("t"));
  harness.Send(Frame(MakeHget("t", "k")));
  harness.Send(bytes);
  harness.Send(Frame(MakeHget("t", "k")));
  EXPECT_LT(harness.memory_bytes(), 64u << 10);
}

TEST(ServerStream, AnswerOverTheClientsLimitIs413) {
  SessionHarness harness;
  harness.Start();
  HelloOptions small;
  small.limits.frame_bytes_max = 2000;
  small.lz4 = false;
  harness.Send(Frame(MakeHello(small, MakeClientId(), "small")));
  harness.Send(Frame(MakeHset("t", "k", std::string(5000, 'x'))) +
               Frame(MakeHget("t", "k")));
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[2].status(), 413u);
  EXPECT_THAT(answers[2].message(), HasSubstr("limit of 2000"));
}

TEST(ServerStream, ClientThatTakesMoreDoesNotLiftTheServersLimit) {
  ServerLimits limits;
  limits.frame.frame_bytes_max = 2000;
  limits.frame.uncompressed_bytes_max = 2000;
  SessionHarness harness(limits);
  harness.Start();
  HelloOptions large;
  large.limits.frame_bytes_max = 1 << 29;
  large.limits.uncompressed_bytes_max = 1 << 29;
  harness.Send(Frame(MakeHello(large, MakeClientId(), "large")));
  for (int i = 0; i < 3; ++i) {
    harness.Send(
        Frame(MakeHset("t", std::to_string(i), std::string(900, 'x'))));
  }
  harness.Send(Frame(MakeHmget("t", {"0", "1", "2"})));
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[4].status(), 413u);
  EXPECT_THAT(answers[4].message(), HasSubstr("limit of 2000"));
}

TEST(ServerStream, AnswerThatAHookMadeTooLargeIs413Too) {
  SessionHarness harness;
  harness.service().OnBeforeSend([](CommandResponse& response) {
    if (!response.has_hello()) response.set_message(std::string(5000, 'x'));
  });
  harness.Start();
  HelloOptions small;
  small.limits.frame_bytes_max = 2000;
  small.lz4 = false;
  harness.Send(Frame(MakeHello(small, MakeClientId(), "small")));
  harness.Send(Frame(MakeHget("t", "k")) + Frame(MakeHset("t", "k", 1)));
  EXPECT_EQ(harness.answers()[1].status(), 413u);
  EXPECT_EQ(harness.answers()[1].outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(harness.answers()[2].status(), 413u);
  EXPECT_EQ(harness.answers()[2].outcome(), v1::UNKNOWN) << "it is stored";
}

// The peer asks for far more than it takes: the session stops executing and
// reading, and holds no more than its marks.
TEST(ServerStream, PeerThatDoesNotReadIsNotReadEither) {
  ServerLimits limits;
  limits.write_high_mark_bytes = 100000;
  limits.write_low_mark_bytes = 50000;
  SessionHarness harness(limits, {.capacity = 1024});
  int executed = 0;
  harness.service().OnExecuted([&](const CommandResponse&) { ++executed; });
  harness.Start(/*reading=*/false);
  std::string bytes = Frame(MakeHset("t", "k", std::string(50000, 'x')));
  for (int i = 0; i < 1000; ++i) bytes += Frame(MakeHget("t", "k"));
  harness.Send(bytes);
  EXPECT_LT(executed, 10);
  harness.Read();
  harness.Run();
  EXPECT_EQ(executed, 1001);
  EXPECT_EQ(harness.answers().size(), 1001u);
}

TEST(ServerStream, ClientThatLeavesAtAnyPointEndsOnlyItsSession) {
  const std::string bytes = EachCommand();
  for (const bool reset : {false, true}) {
    for (std::size_t sent = 0; sent <= bytes.size(); sent += 17) {
      for (int steps = 0; steps < 40; steps += 4) {
        SessionHarness harness({}, {.capacity = 16});
        harness.Start(/*reading=*/false);
        auto part = bytes.substr(0, sent);
        boost::asio::async_write(harness.client(), boost::asio::buffer(part),
                                 [](boost::system::error_code, std::size_t) {});
        for (int i = 0; i < steps; ++i) harness.io().poll_one();
        reset ? harness.client().reset() : harness.client().close();
        harness.Run();
        ASSERT_TRUE(harness.status().has_value())
            << "hangs: " << sent << " bytes, " << steps << " steps";
      }
    }
  }
}

TEST(ServerStream, DrainEndsAnIdleSession) {
  SessionHarness harness;
  harness.Start();
  harness.Run();
  harness.Drain();
  harness.Run();
  EXPECT_EQ(harness.status(), absl::OkStatus());
  EXPECT_TRUE(harness.ended());
}

// What had arrived is answered, though the session was told to stop in the
// midst of it, at each step of its work.
TEST(ServerStream, DrainAnswersAllThatHadArrived) {
  ServerLimits limits;
  limits.requests_per_run_max = 3;
  for (int steps = 0; steps < 60; ++steps) {
    SessionHarness harness(limits, {.capacity = 100000});
    std::string bytes;
    for (int i = 0; i < 10; ++i) bytes += Frame(MakeHset("t", "k", i));
    boost::asio::async_write(harness.client(), boost::asio::buffer(bytes),
                             [](boost::system::error_code, std::size_t) {});
    harness.Run();
    harness.Start();
    for (int i = 0; i < steps; ++i) harness.io().poll_one();
    harness.Drain();
    harness.Run();
    ASSERT_EQ(harness.answers().size(), 10u) << steps;
    EXPECT_TRUE(harness.ended());
    harness.EndSending();
    EXPECT_EQ(harness.status(), absl::OkStatus());
  }
}

TEST(ServerStream, CancelledProcessEndsAnIdleSession) {
  boost::asio::io_context io;
  MemoryStorage storage;
  Service service(&storage);
  auto [client, server] = coffer_testing::MakeMemoryPipe(io.get_executor());
  ServerStream<coffer_testing::MemoryPipe> session(std::move(server), &service,
                                                   {});
  boost::asio::cancellation_signal cancel;
  std::optional<absl::Status> ended;
  session.Process(boost::asio::bind_cancellation_slot(
      cancel.slot(), [&](absl::Status status) { ended = status; }));
  io.poll();
  EXPECT_FALSE(ended.has_value());
  cancel.emit(boost::asio::cancellation_type::total);
  io.poll();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code(), absl::StatusCode::kCancelled);
  client.close();
  io.restart();
  io.poll();
}

// A storage whose every batch finishes on another thread.
class LaterStorage : public Storage {
 public:
  ~LaterStorage() override { Join(); }
  bool Submit(Batch& batch, Done done) override {
    Join();
    thread_ = std::thread([this, &batch, done = std::move(done)]() mutable {
      EXPECT_TRUE(memory_.Submit(batch, [] {}));
      std::move(done)();
    });
    return false;
  }
  Capabilities capabilities() const override { return memory_.capabilities(); }
  StorageCounts counts() const override { return memory_.counts(); }
  absl::string_view name() const override { return "later"; }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  MemoryStorage memory_;
  std::thread thread_;
};

TEST(ServerStream, StorageThatFinishesLaterGivesTheSameAnswers) {
  std::string whole;
  {
    SessionHarness harness;
    harness.Start();
    harness.Send(EachCommand());
    whole = harness.received();
  }
  LaterStorage storage;
  SessionHarness harness({}, {}, &storage);
  harness.Start();
  harness.Send(EachCommand());
  // One run after the other; far fewer than a hundred.
  for (int i = 0; i < 100 && harness.received().size() < whole.size(); ++i) {
    storage.Join();
    harness.Run();
  }
  EXPECT_EQ(harness.received(), whole);
}

TEST(ServerStream, ClientStreamTalksToIt) {
  boost::asio::io_context io;
  MemoryStorage storage;
  Service service(&storage);
  auto [client_end, server_end] =
      coffer_testing::MakeMemoryPipe(io.get_executor());
  ServerStream<coffer_testing::MemoryPipe> session(std::move(server_end),
                                                   &service, {});
  ClientStream<coffer_testing::MemoryPipe> client(std::move(client_end));
  bool ended = false;
  session.Process([&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    ended = true;
  });
  auto talk = [&]() -> boost::asio::awaitable<void> {
    EXPECT_EQ(co_await client.Hello(), absl::OkStatus());
    EXPECT_TRUE(client.peer_said_hello());
    auto set = co_await client.Execute(MakeHset("t", "k", "v"));
    EXPECT_EQ(set->status(), 200u);
    auto get = co_await client.Execute(MakeHget("t", "k"));
    EXPECT_EQ(get->values(0).string(), "v");
    EXPECT_EQ(co_await client.Close(), absl::OkStatus());
    auto late = co_await client.Execute(MakeHget("t", "k"));
    EXPECT_FALSE(late.ok());
  };
  bool talked = false;
  boost::asio::co_spawn(io, talk(), [&](std::exception_ptr thrown) {
    EXPECT_FALSE(thrown);
    talked = true;
  });
  io.run();
  EXPECT_TRUE(talked);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace coffer::server
