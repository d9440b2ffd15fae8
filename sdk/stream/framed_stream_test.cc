// One suite for FramedStream over every transport: TCP, Unix sockets, memory
// pipes (wide, and one byte wide), TLS over them. What depends on single steps
// of the transport is in framed_stream_steps_test.cc.

#include "coffer/sdk/stream/framed_stream.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/stream_pairs.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using v1::CommandRequest;
using v1::CommandResponse;

CommandRequest Get(const std::string& key) {
  CommandRequest request;
  request.mutable_hget()->set_table("t");
  request.mutable_hget()->set_key(key);
  return request;
}

// Bytes that LZ4 cannot shrink.
std::string Noise(std::size_t bytes) {
  std::string noise(bytes, '\0');
  std::uint64_t state = 88172645463325252ull;
  for (char& c : noise) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>('a' + state % 26);
  }
  return noise;
}

class FramedStreamTest : public ::testing::TestWithParam<StreamPairKind> {
 protected:
  using Client = FramedStream<AnyStream, CommandResponse, CommandRequest>;
  using Server = FramedStream<AnyStream, CommandRequest, CommandResponse>;

  void Connect(FramedStreamOptions options = {}) {
    auto [client, server] = GetParam().make(io_);
    client_.emplace(std::move(client), options);
    server_.emplace(std::move(server), options);
  }

  // Runs until `done`; false if everything came to a standstill before.
  bool RunUntil(const bool& done) {
    io_.restart();
    while (!done) {
      if (io_.run_one() == 0) return false;
    }
    return true;
  }

  // `message`'s key, or the error's text.
  std::string NextKey(Server& server) {
    std::string key;
    bool done = false;
    server.Next([&](error_code error, CommandRequest request) {
      key = error ? error.message() : request.hget().key();
      done = true;
    });
    EXPECT_TRUE(RunUntil(done)) << "stands still";
    return key;
  }

  asio::io_context io_;
  std::optional<Client> client_;
  std::optional<Server> server_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, FramedStreamTest,
                         ::testing::ValuesIn(StreamPairKinds()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(FramedStreamTest, WhatIsSentIsNext) {
  Connect();
  error_code sent;
  client_->Send(Get("k"), [&](error_code error) { sent = error; });
  EXPECT_EQ(NextKey(*server_), "k");
  EXPECT_FALSE(sent);

  CommandResponse answer;
  answer.set_status(200);
  server_->Send(answer, [&](error_code error) { sent = error; });
  bool done = false;
  client_->Next([&](error_code error, CommandResponse response) {
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(response.status(), 200u);
    done = true;
  });
  EXPECT_TRUE(RunUntil(done));
}

TEST_P(FramedStreamTest, EmptyMessageIsDeliveredAtOnce) {
  Connect();
  client_->Send(CommandRequest(), [](error_code) {});
  EXPECT_EQ(NextKey(*server_), "");
}

TEST_P(FramedStreamTest, ManyMessagesKeepTheirOrder) {
  Connect();
  constexpr int kMessages = 300;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(client_->Feed(Get(std::to_string(i))).ok());
  }
  client_->Flush([](error_code error) { EXPECT_FALSE(error); });
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(NextKey(*server_), std::to_string(i));
  }
  EXPECT_EQ(client_->unwritten_bytes(), 0u);
}

TEST_P(FramedStreamTest, SmallBigSmallPlainAndCompressed) {
  for (const bool lz4 : {false, true}) {
    FramedStreamOptions options;
    options.encoder.lz4 = lz4;
    Connect(options);
    const std::string big = std::string(20000, 'x') + Noise(3000);
    for (const std::string& key : {std::string("a"), big, std::string("b")}) {
      ASSERT_TRUE(client_->Feed(Get(key)).ok());
    }
    EXPECT_EQ(client_->unwritten_bytes() < 10000u, lz4);
    client_->Flush([](error_code error) { EXPECT_FALSE(error); });
    EXPECT_EQ(NextKey(*server_), "a");
    EXPECT_EQ(NextKey(*server_), big);
    EXPECT_EQ(NextKey(*server_), "b");
  }
}

TEST_P(FramedStreamTest, CleanEndIsEofAndTheOtherWayStaysOpen) {
  Connect();
  ASSERT_TRUE(client_->Feed(Get("last")).ok());
  client_->Close([](error_code error) { EXPECT_FALSE(error); });
  EXPECT_EQ(NextKey(*server_), "last");
  const std::string eof = error_code(asio::error::eof).message();
  EXPECT_EQ(NextKey(*server_), eof);
  EXPECT_EQ(server_->read_error(), asio::error::eof);
  EXPECT_EQ(NextKey(*server_), eof) << "and stays so";
  EXPECT_EQ(client_->Feed(Get("late")).code(),
            absl::StatusCode::kFailedPrecondition);

  CommandResponse answer;
  answer.set_status(200);
  server_->Send(answer, [](error_code error) { EXPECT_FALSE(error); });
  bool done = false;
  client_->Next([&](error_code error, CommandResponse response) {
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(response.status(), 200u);
    done = true;
  });
  EXPECT_TRUE(RunUntil(done));
}

TEST_P(FramedStreamTest, CancelledNextLosesNothing) {
  Connect();
  asio::cancellation_signal cancel;
  bool done = false;
  error_code result;
  server_->Next(asio::bind_cancellation_slot(
      cancel.slot(), [&](error_code error, CommandRequest) {
        result = error;
        done = true;
      }));
  io_.poll();
  cancel.emit(asio::cancellation_type::total);
  ASSERT_TRUE(RunUntil(done));
  EXPECT_EQ(result, asio::error::operation_aborted);

  client_->Send(Get("after"), [](error_code) {});
  EXPECT_EQ(NextKey(*server_), "after");
}

TEST_P(FramedStreamTest, CancelledFlushIsTakenUpAgain) {
  Connect();
  const std::string big = Noise(GetParam().many_bytes);
  ASSERT_TRUE(client_->Feed(Get(big)).ok());
  asio::cancellation_signal cancel;
  bool done = false;
  error_code result;
  client_->Flush(
      asio::bind_cancellation_slot(cancel.slot(), [&](error_code error) {
        result = error;
        done = true;
      }));
  io_.poll();
  cancel.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(RunUntil(done));
  ASSERT_EQ(result, asio::error::operation_aborted);
  ASSERT_GT(client_->unwritten_bytes(), 0u) << "was not interrupted";
  ASSERT_TRUE(client_->Feed(Get("next")).ok());
  client_->Flush([](error_code error) { EXPECT_FALSE(error); });
  EXPECT_EQ(NextKey(*server_), big);
  EXPECT_EQ(NextKey(*server_), "next");
}

TEST_P(FramedStreamTest, FullBufferPushesBackUntilThePeerReads) {
  FramedStreamOptions options;
  options.write_high_mark_bytes = 8 * GetParam().many_bytes;
  options.write_low_mark_bytes = GetParam().many_bytes;
  Connect(options);
  const std::string chunk = Noise(GetParam().many_bytes);
  int fed = 0;
  while (client_->is_ready()) {
    ASSERT_TRUE(client_->Feed(Get(chunk)).ok());
    ++fed;
  }
  const absl::Status refused = client_->Feed(Get("x"));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  const std::string limit =
      absl::StrCat("high mark of ", options.write_high_mark_bytes);
  EXPECT_NE(refused.message().find(limit), std::string::npos) << refused;

  bool ready = false;
  client_->Ready([&](error_code error) {
    EXPECT_FALSE(error);
    ready = true;
    EXPECT_LE(client_->unwritten_bytes(), options.write_low_mark_bytes);
    client_->Flush([](error_code) {});
  });
  io_.poll();
  EXPECT_FALSE(ready) << "nobody has read";
  int received = 0;
  while (!ready) {
    ASSERT_EQ(NextKey(*server_), chunk);
    ++received;
  }
  for (; received < fed; ++received) {
    ASSERT_EQ(NextKey(*server_), chunk);
  }
}

TEST_P(FramedStreamTest, MovedWhileIdle) {
  Connect();
  Client client(std::move(*client_));
  Server server(std::move(*server_));
  client.Send(Get("moved"), [](error_code error) { EXPECT_FALSE(error); });
  EXPECT_EQ(NextKey(server), "moved");
  *client_ = std::move(client);
  client_->Send(Get("back"), [](error_code) {});
  EXPECT_EQ(NextKey(server), "back");
}

TEST_P(FramedStreamTest, DestroyedWithOperationsPendingAbortsThem) {
  Connect();
  int aborted = 0;
  server_->Next([&](error_code error, CommandRequest) {
    aborted += error == asio::error::operation_aborted;
  });
  ASSERT_TRUE(server_->Feed(CommandResponse()).ok());
  io_.poll();
  server_.reset();
  client_.reset();
  io_.restart();
  io_.run();
  EXPECT_EQ(aborted, 1);
}

TEST_P(FramedStreamTest, SecondNextIsAProgrammingError) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  Connect();
  server_->Next([](error_code, CommandRequest) {});
  EXPECT_DEATH(server_->Next([](error_code, CommandRequest) {}),
               "one operation at a time");
  client_.reset();
  server_.reset();
  io_.restart();
  io_.run();
}

TEST_P(FramedStreamTest, SecondOperationOfTheSinkIsAProgrammingError) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  Connect();
  // Both halves at once are fine.
  server_->Next([](error_code, CommandRequest) {});
  ASSERT_TRUE(server_->Feed(CommandResponse()).ok());
  server_->Flush([](error_code) {});
  EXPECT_DEATH(server_->Flush([](error_code) {}), "one operation at a time");
  EXPECT_DEATH(server_->Send(CommandResponse(), [](error_code) {}),
               "one operation at a time");
  EXPECT_DEATH(server_->Close([](error_code) {}), "one operation at a time");
  client_.reset();
  server_.reset();
  io_.restart();
  io_.run();
}

}  // namespace
}  // namespace coffer
