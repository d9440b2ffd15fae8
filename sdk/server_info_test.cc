#include "coffer/sdk/server_info.h"

#include "gtest/gtest.h"

namespace coffer {
namespace {

ServerInfo Full() {
  ServerInfo info;
  info.protocol_version = 1;
  info.version = "1.2.3";
  info.epoch = 0xfedcba9876543210;
  info.retries_epoch = 77;
  info.features = {.subscriptions = true, .deadlines = true};
  info.lz4 = true;
  info.limits.frame_bytes_max = 5000;
  info.limits.uncompressed_bytes_max = 6000;
  info.request_keys_max = 7;
  info.subscriptions_max = 8;
  return info;
}

TEST(ServerInfo, WhatIsWrittenIsRead) {
  v1::HelloReply reply;
  reply.add_features(v1::ANY_ORDER);  // is replaced
  WriteServerInfo(Full(), &reply);
  const ServerInfo info = ServerInfoFromReply(reply);
  EXPECT_EQ(info.protocol_version, 1u);
  EXPECT_EQ(info.version, "1.2.3");
  EXPECT_EQ(info.epoch, 0xfedcba9876543210u);
  EXPECT_EQ(info.retries_epoch, 77u);
  EXPECT_EQ(info.features, Full().features);
  EXPECT_TRUE(info.lz4);
  EXPECT_EQ(info.limits.frame_bytes_max, 5000u);
  EXPECT_EQ(info.limits.uncompressed_bytes_max, 6000u);
  EXPECT_EQ(info.request_keys_max, 7u);
  EXPECT_EQ(info.subscriptions_max, 8u);
}

TEST(ServerInfo, EachFeatureIsItsOwn) {
  const ServerFeatures each[] = {{.subscriptions = true}, {.retries = true},
                                 {.deadlines = true},     {.any_order = true},
                                 {.data_commands = true}, {.watch = true}};
  for (const ServerFeatures& features : each) {
    ServerInfo info;
    info.features = features;
    v1::HelloReply reply;
    WriteServerInfo(info, &reply);
    EXPECT_EQ(reply.features_size(), 1);
    EXPECT_EQ(ServerInfoFromReply(reply).features, features);
  }
}

// As the server before this one answered.
TEST(ServerInfo, WhatAnOlderServerLeavesOutHasItsDefault) {
  v1::HelloReply reply;
  reply.set_protocol_version(1);
  reply.set_lz4(true);
  const ServerInfo info = ServerInfoFromReply(reply);
  EXPECT_EQ(info.version, "");
  EXPECT_EQ(info.epoch, 0u);
  EXPECT_EQ(info.features, ServerFeatures());
  EXPECT_EQ(info.limits.frame_bytes_max, kFrameBytesMaxDefault);
  EXPECT_EQ(info.limits.uncompressed_bytes_max, kFrameBytesMaxDefault);
  EXPECT_EQ(info.request_keys_max, kRequestKeysMaxDefault);
  EXPECT_EQ(info.subscriptions_max, 0u);
}

TEST(ServerInfo, ServerWithOneEpochHasItForRetriesToo) {
  v1::HelloReply reply;
  reply.set_epoch(5);
  EXPECT_EQ(ServerInfoFromReply(reply).retries_epoch, 5u);
  reply.set_retries_epoch(6);
  EXPECT_EQ(ServerInfoFromReply(reply).epoch, 5u);
  EXPECT_EQ(ServerInfoFromReply(reply).retries_epoch, 6u);
}

TEST(ServerInfo, WhatANewerServerAddsIsLeftOut) {
  v1::HelloReply reply;
  reply.add_features(static_cast<v1::Feature>(1000));
  reply.add_features(v1::FEATURE_UNSPECIFIED);
  reply.add_features(v1::RETRIES);
  reply.add_features(v1::RETRIES);
  reply.set_frame_bytes_max(0xffffffff);
  const ServerInfo info = ServerInfoFromReply(reply);
  EXPECT_EQ(info.features, ServerFeatures{.retries = true});
  EXPECT_EQ(info.limits.frame_bytes_max, kFrameBytesMaxCeiling);
}

}  // namespace
}  // namespace coffer
