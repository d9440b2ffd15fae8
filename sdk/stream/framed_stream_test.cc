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

template <class Pair>
class FramedStreamTest : public ::testing::Test {
 protected:
  using Client =
      FramedStream<typename Pair::Stream, CommandResponse, CommandRequest>;
  using Server =
      FramedStream<typename Pair::Stream, CommandRequest, CommandResponse>;

  void Connect(FramedStreamOptions options = {}) {
    auto [client, server] = Pair::Make(io_);
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

  // Starts an operation on `stream`, runs it to its end.
  template <class Stream>
  error_code Flush(Stream& stream) {
    return Wait([&](auto token) { stream.Flush(std::move(token)); });
  }
  template <class Stream>
  error_code Close(Stream& stream) {
    return Wait([&](auto token) { stream.Close(std::move(token)); });
  }
  template <class Initiate>
  error_code Wait(Initiate initiate) {
    error_code result;
    bool done = false;
    initiate([&](error_code error) {
      result = error;
      done = true;
    });
    EXPECT_TRUE(RunUntil(done)) << "stands still";
    return result;
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

using Pairs = ::testing::Types<TcpPair, UnixPair, PipePair<65536>, PipePair<1>,
                               TlsPair<TcpPair>, TlsPair<PipePair<65536>>,
                               TlsPair<PipePair<7>>>;
TYPED_TEST_SUITE(FramedStreamTest, Pairs);

TYPED_TEST(FramedStreamTest, WhatIsSentIsNext) {
  this->Connect();
  error_code sent;
  this->client_->Send(Get("k"), [&](error_code error) { sent = error; });
  EXPECT_EQ(this->NextKey(*this->server_), "k");
  EXPECT_FALSE(sent);

  CommandResponse answer;
  answer.set_status(200);
  this->server_->Send(answer, [&](error_code error) { sent = error; });
  bool done = false;
  this->client_->Next([&](error_code error, CommandResponse response) {
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(response.status(), 200u);
    done = true;
  });
  EXPECT_TRUE(this->RunUntil(done));
}

TYPED_TEST(FramedStreamTest, EmptyMessageIsDeliveredAtOnce) {
  this->Connect();
  this->client_->Send(CommandRequest(), [](error_code) {});
  EXPECT_EQ(this->NextKey(*this->server_), "");
}

TYPED_TEST(FramedStreamTest, ManyMessagesKeepTheirOrder) {
  this->Connect();
  constexpr int kMessages = 300;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(this->client_->Feed(Get(std::to_string(i))).ok());
  }
  this->client_->Flush([](error_code error) { EXPECT_FALSE(error); });
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(this->NextKey(*this->server_), std::to_string(i));
  }
  EXPECT_EQ(this->client_->unwritten_bytes(), 0u);
}

TYPED_TEST(FramedStreamTest, SmallBigSmallPlainAndCompressed) {
  for (const bool lz4 : {false, true}) {
    FramedStreamOptions options;
    options.encoder.lz4 = lz4;
    this->Connect(options);
    const std::string big = std::string(20000, 'x') + Noise(3000);
    for (const std::string& key : {std::string("a"), big, std::string("b")}) {
      ASSERT_TRUE(this->client_->Feed(Get(key)).ok());
    }
    EXPECT_EQ(this->client_->unwritten_bytes() < 10000u, lz4);
    this->client_->Flush([](error_code error) { EXPECT_FALSE(error); });
    EXPECT_EQ(this->NextKey(*this->server_), "a");
    EXPECT_EQ(this->NextKey(*this->server_), big);
    EXPECT_EQ(this->NextKey(*this->server_), "b");
  }
}

TYPED_TEST(FramedStreamTest, CleanEndIsEofAndTheOtherWayStaysOpen) {
  this->Connect();
  ASSERT_TRUE(this->client_->Feed(Get("last")).ok());
  this->client_->Close([](error_code error) { EXPECT_FALSE(error); });
  EXPECT_EQ(this->NextKey(*this->server_), "last");
  const std::string eof = error_code(asio::error::eof).message();
  EXPECT_EQ(this->NextKey(*this->server_), eof);
  EXPECT_EQ(this->server_->read_error(), asio::error::eof);
  EXPECT_EQ(this->NextKey(*this->server_), eof) << "and stays so";
  EXPECT_EQ(this->client_->Feed(Get("late")).code(),
            absl::StatusCode::kFailedPrecondition);

  CommandResponse answer;
  answer.set_status(200);
  this->server_->Send(answer, [](error_code error) { EXPECT_FALSE(error); });
  bool done = false;
  this->client_->Next([&](error_code error, CommandResponse response) {
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(response.status(), 200u);
    done = true;
  });
  EXPECT_TRUE(this->RunUntil(done));
}

TYPED_TEST(FramedStreamTest, CancelledNextLosesNothing) {
  this->Connect();
  asio::cancellation_signal cancel;
  bool done = false;
  error_code result;
  this->server_->Next(asio::bind_cancellation_slot(
      cancel.slot(), [&](error_code error, CommandRequest) {
        result = error;
        done = true;
      }));
  this->io_.poll();
  cancel.emit(asio::cancellation_type::total);
  ASSERT_TRUE(this->RunUntil(done));
  EXPECT_EQ(result, asio::error::operation_aborted);

  this->client_->Send(Get("after"), [](error_code) {});
  EXPECT_EQ(this->NextKey(*this->server_), "after");
}

TYPED_TEST(FramedStreamTest, CancelledFlushIsTakenUpAgain) {
  this->Connect();
  const std::string big = Noise(TypeParam::kManyBytes);
  ASSERT_TRUE(this->client_->Feed(Get(big)).ok());
  asio::cancellation_signal cancel;
  bool done = false;
  error_code result;
  this->client_->Flush(
      asio::bind_cancellation_slot(cancel.slot(), [&](error_code error) {
        result = error;
        done = true;
      }));
  this->io_.poll();
  cancel.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(this->RunUntil(done));
  ASSERT_EQ(result, asio::error::operation_aborted);
  ASSERT_GT(this->client_->unwritten_bytes(), 0u) << "was not interrupted";
  ASSERT_TRUE(this->client_->Feed(Get("next")).ok());
  this->client_->Flush([](error_code error) { EXPECT_FALSE(error); });
  EXPECT_EQ(this->NextKey(*this->server_), big);
  EXPECT_EQ(this->NextKey(*this->server_), "next");
}

TYPED_TEST(FramedStreamTest, FullBufferPushesBackUntilThePeerReads) {
  FramedStreamOptions options;
  options.write_high_mark_bytes = 8 * TypeParam::kManyBytes;
  options.write_low_mark_bytes = TypeParam::kManyBytes;
  this->Connect(options);
  const std::string chunk = Noise(TypeParam::kManyBytes);
  int fed = 0;
  while (this->client_->is_ready()) {
    ASSERT_TRUE(this->client_->Feed(Get(chunk)).ok());
    ++fed;
  }
  const absl::Status refused = this->client_->Feed(Get("x"));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  const std::string limit =
      absl::StrCat("high mark of ", options.write_high_mark_bytes);
  EXPECT_NE(refused.message().find(limit), std::string::npos) << refused;

  bool ready = false;
  this->client_->Ready([&](error_code error) {
    EXPECT_FALSE(error);
    ready = true;
    EXPECT_LE(this->client_->unwritten_bytes(), options.write_low_mark_bytes);
    this->client_->Flush([](error_code) {});
  });
  this->io_.poll();
  EXPECT_FALSE(ready) << "nobody has read";
  int received = 0;
  while (!ready) {
    ASSERT_EQ(this->NextKey(*this->server_), chunk);
    ++received;
  }
  for (; received < fed; ++received) {
    ASSERT_EQ(this->NextKey(*this->server_), chunk);
  }
}

TYPED_TEST(FramedStreamTest, MovedWhileIdle) {
  this->Connect();
  typename TestFixture::Client client(std::move(*this->client_));
  typename TestFixture::Server server(std::move(*this->server_));
  client.Send(Get("moved"), [](error_code error) { EXPECT_FALSE(error); });
  EXPECT_EQ(this->NextKey(server), "moved");
  *this->client_ = std::move(client);
  this->client_->Send(Get("back"), [](error_code) {});
  EXPECT_EQ(this->NextKey(server), "back");
}

TYPED_TEST(FramedStreamTest, DestroyedWithOperationsPendingAbortsThem) {
  this->Connect();
  int aborted = 0;
  this->server_->Next([&](error_code error, CommandRequest) {
    aborted += error == asio::error::operation_aborted;
  });
  ASSERT_TRUE(this->server_->Feed(CommandResponse()).ok());
  this->io_.poll();
  this->server_.reset();
  this->client_.reset();
  this->io_.restart();
  this->io_.run();
  EXPECT_EQ(aborted, 1);
}

TYPED_TEST(FramedStreamTest, SecondNextIsAProgrammingError) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  this->Connect();
  this->server_->Next([](error_code, CommandRequest) {});
  EXPECT_DEATH(this->server_->Next([](error_code, CommandRequest) {}),
               "one operation at a time");
  this->client_.reset();
  this->server_.reset();
  this->io_.restart();
  this->io_.run();
}

TYPED_TEST(FramedStreamTest, SecondOperationOfTheSinkIsAProgrammingError) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  this->Connect();
  // Both halves at once are fine.
  this->server_->Next([](error_code, CommandRequest) {});
  ASSERT_TRUE(this->server_->Feed(CommandResponse()).ok());
  this->server_->Flush([](error_code) {});
  EXPECT_DEATH(this->server_->Flush([](error_code) {}),
               "one operation at a time");
  EXPECT_DEATH(this->server_->Send(CommandResponse(), [](error_code) {}),
               "one operation at a time");
  EXPECT_DEATH(this->server_->Close([](error_code) {}),
               "one operation at a time");
  this->client_.reset();
  this->server_.reset();
  this->io_.restart();
  this->io_.run();
}

}  // namespace
}  // namespace coffer
