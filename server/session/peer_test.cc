#include "coffer/server/session/peer.h"

#include "coffer/server/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::testing::HasSubstr;
using v1::CommandResponse;

FrameLimits Own() { return {}; }

v1::Hello GoodHello() { return MakeHello({}, MakeClientId(), "test").hello(); }

TEST(Peer, OlderPeerNeverSeesAFieldOfOurs) {
  Peer peer(Own());
  CommandResponse response;
  response.set_status(404);
  response.set_outcome(v1::NOT_EXECUTED);
  response.set_request_id(9);
  peer.FinishAnswer(9, &response);
  EXPECT_EQ(response.SerializeAsString(), std::string("\x08\x94\x03", 3));
}

TEST(Peer, PeerOfOursGetsItsRequestIdAndTheOutcome) {
  Peer peer(Own());
  CommandResponse hello;
  ASSERT_TRUE(peer.Hello(GoodHello(), &hello).has_value());
  EXPECT_EQ(hello.status(), 200u);
  EXPECT_EQ(hello.hello().protocol_version(), kProtocolVersion);
  EXPECT_TRUE(hello.hello().lz4());
  CommandResponse response;
  response.set_outcome(v1::NOT_EXECUTED);
  peer.FinishAnswer(9, &response);
  EXPECT_EQ(response.request_id(), 9u);
  EXPECT_EQ(response.outcome(), v1::NOT_EXECUTED);
}

TEST(Peer, HelloIsAnsweredWithWhatTheServerIs) {
  ServerLimits limits;
  limits.frame.frame_bytes_max = 5000;
  Peer peer(limits.frame, MakeServerInfo(limits, 77));
  CommandResponse response;
  ASSERT_TRUE(peer.Hello(GoodHello(), &response).has_value());
  const ServerInfo info = ServerInfoFromReply(response.hello());
  EXPECT_EQ(info.protocol_version, kProtocolVersion);
  EXPECT_EQ(info.version, kVersion);
  EXPECT_EQ(info.epoch, 77u);
  EXPECT_TRUE(info.features.retries);
  EXPECT_TRUE(info.features.deadlines);
  EXPECT_TRUE(info.lz4);
  EXPECT_EQ(info.limits.frame_bytes_max, 5000u);
  EXPECT_EQ(info.request_keys_max, 1u << 17);
}

TEST(Peer, HelloSaysHowToEncodeForIt) {
  Peer peer(Own());
  v1::Hello hello = GoodHello();
  hello.set_frame_bytes_max(5000);
  hello.set_uncompressed_bytes_max(6000);
  CommandResponse response;
  auto encoder = peer.Hello(hello, &response);
  ASSERT_TRUE(encoder.has_value());
  EXPECT_TRUE(encoder->lz4);
  EXPECT_EQ(encoder->limits.frame_bytes_max, 5000u);
  EXPECT_EQ(encoder->limits.uncompressed_bytes_max, 6000u);
  EXPECT_EQ(peer.answer_bytes_max(), 5000u);
}

TEST(Peer, HelloWithoutLz4GetsPlainFrames) {
  Peer peer(Own());
  v1::Hello hello = GoodHello();
  hello.set_lz4(false);
  CommandResponse response;
  EXPECT_FALSE(peer.Hello(hello, &response)->lz4);
}

TEST(Peer, RefusedHellosSayWhy) {
  const struct {
    void (*spoil)(Peer&, v1::Hello&);
    const char* why;
  } cases[] = {
      {[](Peer& peer, v1::Hello& hello) {
         CommandResponse ignored;
         peer.Hello(hello, &ignored);
       },
       "said twice"},
      {[](Peer& peer, v1::Hello&) { peer.Received({}); },
       "not the first message"},
      {[](Peer&, v1::Hello& hello) { hello.set_client_id("short"); },
       "client id of 5 bytes instead of 16"},
      {[](Peer&, v1::Hello& hello) {
         hello.set_client_name(std::string(257, 'n'));
       },
       "client name of 257 bytes exceeds the limit of 256"},
      {[](Peer&, v1::Hello& hello) { hello.set_protocol_version(0); },
       "no protocol version"},
      {[](Peer&, v1::Hello& hello) { hello.set_frame_bytes_max(1023); },
       "frame_bytes_max of 1023 is below the least of 1024"},
      {[](Peer&, v1::Hello& hello) { hello.set_uncompressed_bytes_max(1); },
       "uncompressed_bytes_max of 1 is below"}};
  for (const auto& c : cases) {
    Peer peer(Own());
    v1::Hello hello = GoodHello();
    c.spoil(peer, hello);
    CommandResponse response;
    EXPECT_FALSE(peer.Hello(hello, &response).has_value()) << c.why;
    EXPECT_EQ(response.status(), 400u);
    EXPECT_THAT(response.message(), HasSubstr(c.why));
  }
}

TEST(Peer, OutcomeOfAnAnswerThatIsReplaced) {
  v1::CommandRequest read;
  read.mutable_hget();
  v1::CommandRequest write;
  write.mutable_hmdel();
  CommandResponse done;
  done.set_status(200);
  EXPECT_EQ(OutcomeIfReplaced(read, done), v1::NOT_EXECUTED);
  EXPECT_EQ(OutcomeIfReplaced(write, done), v1::UNKNOWN);
  CommandResponse failed;
  failed.set_status(500);
  for (const auto outcome : {v1::UNKNOWN, v1::NOT_EXECUTED}) {
    failed.set_outcome(outcome);
    EXPECT_EQ(OutcomeIfReplaced(read, failed), outcome);
    EXPECT_EQ(OutcomeIfReplaced(write, failed), outcome);
  }
}

TEST(Peer, OversizeIs413AndOtherFaultsAre400) {
  Peer peer(Own());
  CommandResponse response;
  peer.MakeError(absl::ResourceExhaustedError("too big"), v1::NOT_EXECUTED, 1,
                 &response);
  EXPECT_EQ(response.status(), 413u);
  EXPECT_EQ(response.message(), "too big");
  peer.MakeError(absl::DataLossError("cut"), v1::NOT_EXECUTED, 1, &response);
  EXPECT_EQ(response.status(), 400u);
}

}  // namespace
}  // namespace coffer::server
