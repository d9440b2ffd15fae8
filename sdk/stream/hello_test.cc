#include "coffer/sdk/stream/hello.h"

#include <set>

#include "gtest/gtest.h"

namespace coffer {
namespace {

TEST(Hello, EachEndLearnsWhatTheOtherReads) {
  HelloOptions client;
  client.limits.frame_bytes_max = 5000;
  client.limits.uncompressed_bytes_max = 9000;
  const auto request = MakeHello(client, MakeClientId(), "me");
  HelloOptions server;
  auto to_client = AcceptHello(request.hello(), server);
  ASSERT_TRUE(to_client.ok()) << to_client.status();
  EXPECT_TRUE(to_client->lz4);
  EXPECT_EQ(to_client->limits.frame_bytes_max, 5000u);
  EXPECT_EQ(to_client->limits.uncompressed_bytes_max, 9000u);

  v1::HelloReply reply;
  FillHelloReply(server, {}, &reply);
  auto to_server = AcceptHelloReply(reply, client);
  ASSERT_TRUE(to_server.ok()) << to_server.status();
  EXPECT_EQ(to_server->limits.frame_bytes_max, kFrameBytesMaxDefault);
}

TEST(Hello, RequestSaysWhichIdsAreNew) {
  EXPECT_EQ(MakeHello({}, MakeClientId(), "me").hello().next_request_id(), 1u);
  const auto later = MakeHello({}, MakeClientId(), "me", 77);
  EXPECT_EQ(later.hello().next_request_id(), 77u);
}

TEST(Hello, ReplySaysWhatTheServerIs) {
  HelloOptions own;
  own.lz4 = false;
  own.limits.frame_bytes_max = 5000;
  ServerInfo info;
  info.version = "1.2.3";
  info.epoch = 9;
  info.features.retries = true;
  info.request_keys_max = 10;
  info.subscriptions_max = 11;
  v1::HelloReply reply;
  FillHelloReply(own, info, &reply);
  const ServerInfo read = ServerInfoFromReply(reply);
  EXPECT_EQ(read.protocol_version, kProtocolVersion);
  EXPECT_EQ(read.version, "1.2.3");
  EXPECT_EQ(read.epoch, 9u);
  EXPECT_TRUE(read.features.retries);
  EXPECT_FALSE(read.features.deadlines);
  EXPECT_FALSE(read.lz4);
  EXPECT_EQ(read.limits.frame_bytes_max, 5000u);
  EXPECT_EQ(read.request_keys_max, 10u);
  EXPECT_EQ(read.subscriptions_max, 11u);
}

TEST(Hello, Lz4NeedsBothEnds) {
  for (const bool one : {false, true}) {
    for (const bool other : {false, true}) {
      const auto request = MakeHello({one, {}}, MakeClientId(), "me");
      EXPECT_EQ(AcceptHello(request.hello(), {other, {}})->lz4, one && other);
    }
  }
}

TEST(Hello, LimitsAreDefaultedAndClamped) {
  auto request = MakeHello({}, MakeClientId(), "me");
  request.mutable_hello()->set_frame_bytes_max(0);
  request.mutable_hello()->set_uncompressed_bytes_max(0xffffffff);
  HelloOptions own;
  own.limits.frame_bytes_max = kFrameBytesMaxCeiling;
  own.limits.uncompressed_bytes_max = kFrameBytesMaxCeiling;
  auto encoder = AcceptHello(request.hello(), own);
  ASSERT_TRUE(encoder.ok());
  EXPECT_EQ(encoder->limits.frame_bytes_max, kFrameBytesMaxDefault);
  EXPECT_EQ(encoder->limits.uncompressed_bytes_max, kFrameBytesMaxCeiling);
}

TEST(Hello, ClientCannotLiftTheServersOwnLimits) {
  HelloOptions own;
  own.limits.frame_bytes_max = 5000;
  own.limits.uncompressed_bytes_max = 6000;
  for (const std::uint32_t claimed : {0u, 7000u, 0xffffffffu}) {
    auto request = MakeHello({}, MakeClientId(), "me");
    request.mutable_hello()->set_frame_bytes_max(claimed);
    request.mutable_hello()->set_uncompressed_bytes_max(claimed);
    auto encoder = AcceptHello(request.hello(), own);
    ASSERT_TRUE(encoder.ok()) << claimed;
    EXPECT_EQ(encoder->limits.frame_bytes_max, 5000u) << claimed;
    EXPECT_EQ(encoder->limits.uncompressed_bytes_max, 6000u) << claimed;
  }
}

TEST(Hello, ReplyThatMakesNoSenseIsRefused) {
  v1::HelloReply reply;
  EXPECT_FALSE(AcceptHelloReply(reply, {}).ok()) << "no version";
  FillHelloReply({}, {}, &reply);
  reply.set_frame_bytes_max(10);
  EXPECT_FALSE(AcceptHelloReply(reply, {}).ok());
}

TEST(Hello, ClientIdsAre128BitsAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.insert(MakeClientId());
    EXPECT_EQ(ids.begin()->size(), 16u);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

}  // namespace
}  // namespace coffer
