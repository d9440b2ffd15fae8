#include "coffer/server/flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<KvsOptions> Parse(std::vector<std::string> flags) {
  // absl's flags keep their values from one parse to the next.
  std::vector<std::string> arguments = {"kvs",
                                        "--listen=127.0.0.1:9527",
                                        "--storage=memory",
                                        "--data_dir=",
                                        "--sync=always",
                                        "--threads=1",
                                        "--tls_cert=",
                                        "--tls_key=",
                                        "--tls_client_ca=",
                                        "--frame_bytes_max=16777216",
                                        "--connections_max=10000",
                                        "--idle_timeout=10m",
                                        "--stall_timeout=30s",
                                        "--handshake_timeout=10s",
                                        "--topic_ring_events_max=1024",
                                        "--topic_ring_bytes_max=1048576",
                                        "--topics_bytes_max=67108864",
                                        "--log_level=info"};
  // The default listener is given up if the test names its own.
  for (const std::string& flag : flags) {
    if (flag.rfind("--listen", 0) == 0) arguments.erase(arguments.begin() + 1);
    if (flag.rfind("--listen", 0) == 0) break;
  }
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(&argument[0]);
  return ParseKvsFlags(static_cast<int>(argv.size()), argv.data());
}

TEST(KvsFlags, Defaults) {
  auto options = Parse({});
  ASSERT_TRUE(options.ok()) << options.status();
  ASSERT_EQ(options->server.listen.size(), 1u);
  EXPECT_EQ(ToString(options->server.listen[0]), "127.0.0.1:9527");
  EXPECT_EQ(options->storage, "memory");
  EXPECT_EQ(options->server.tls, nullptr);
  EXPECT_EQ(options->server.limits.frame.frame_bytes_max, 16u << 20);
}

TEST(KvsFlags, DurableStorage) {
  auto options = Parse({"--storage=rocksdb", "--data_dir=/data"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->storage, "rocksdb");
  EXPECT_EQ(options->durable.data_dir, "/data");
  EXPECT_EQ(options->durable.sync, SyncMode::kAlways);
  for (const SyncMode mode :
       {SyncMode::kAlways, SyncMode::kInterval, SyncMode::kNever}) {
    options = Parse({"--storage=rocksdb", "--data_dir=/data",
                     "--sync=" + std::string(ToString(mode))});
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->durable.sync, mode);
  }
}

TEST(KvsFlags, SeveralListenersByCommaOrByRepeating) {
  auto options = Parse({"--listen=127.0.0.1:1,[::1]:2", "--listen=h:3"});
  ASSERT_TRUE(options.ok()) << options.status();
  std::vector<std::string> listen;
  for (const Endpoint& e : options->server.listen) {
    listen.push_back(ToString(e));
  }
  EXPECT_THAT(listen, ElementsAre("127.0.0.1:1", "[::1]:2", "h:3"));
}

TEST(KvsFlags, SeveralListenersInTwoWordsEach) {
  auto options = Parse({"--listen", "a:1", "--listen=b:2", "-listen", "c:3"});
  ASSERT_TRUE(options.ok()) << options.status();
  std::vector<std::string> listen;
  for (const Endpoint& e : options->server.listen) {
    listen.push_back(ToString(e));
  }
  EXPECT_THAT(listen, ElementsAre("a:1", "b:2", "c:3"));
}

TEST(KvsFlags, JoinRepeatedTakesBothForms) {
  EXPECT_THAT(JoinRepeated({"kvs", "--listen", "a", "--listen", "b"}, "listen"),
              ElementsAre("kvs", "--listen=a,b"));
  EXPECT_THAT(
      JoinRepeated({"kvs", "-listen=a", "--x", "--listen", "b"}, "listen"),
      ElementsAre("kvs", "--listen=a,b", "--x"));
  // Without a value it is left for absl to complain about.
  EXPECT_THAT(JoinRepeated({"kvs", "--listen=a", "--listen"}, "listen"),
              ElementsAre("kvs", "--listen=a", "--listen"));
  EXPECT_THAT(
      JoinRepeated({"kvs", "--listener", "a", "listen", "---listen"}, "listen"),
      ElementsAre("kvs", "--listener", "a", "listen", "---listen"));
}

TEST(KvsFlags, JoinRepeatedLeavesTheRestAlone) {
  EXPECT_THAT(JoinRepeated({"kvs", "--listen=a", "--x=1", "-listen=b", "--",
                            "--listen=c"},
                           "listen"),
              ElementsAre("kvs", "--listen=a,b", "--x=1", "--", "--listen=c"));
}

TEST(KvsFlags, LimitsReachTheServer) {
  auto options =
      Parse({"--threads=3", "--frame_bytes_max=65536", "--connections_max=5",
             "--idle_timeout=0", "--stall_timeout=1ns",
             "--handshake_timeout=1500ms", "--log_level=debug"});
  ASSERT_TRUE(options.ok()) << options.status();
  const ServerLimits& limits = options->server.limits;
  EXPECT_EQ(options->server.threads, 3);
  EXPECT_EQ(limits.frame.frame_bytes_max, 65536u);
  EXPECT_EQ(limits.frame.uncompressed_bytes_max, 65536u);
  EXPECT_EQ(limits.connections_max, 5u);
  EXPECT_EQ(limits.idle_timeout.count(), 0);
  EXPECT_EQ(limits.stall_timeout.count(), 1) << "not zero, which is none";
  EXPECT_EQ(limits.handshake_timeout.count(), 1500);
  EXPECT_EQ(options->log_level, LogLevel::kDebug);
}

TEST(KvsFlags, LimitsOfTopics) {
  auto options = Parse({});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->topics.ring_events_max, 1024u);
  EXPECT_EQ(options->topics.ring_bytes_max, 1u << 20);
  EXPECT_EQ(options->topics.total_bytes_max, 64u << 20);
  options = Parse({"--topic_ring_events_max=5", "--topic_ring_bytes_max=6000",
                   "--topics_bytes_max=70000"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->topics.ring_events_max, 5u);
  EXPECT_EQ(options->topics.ring_bytes_max, 6000u);
  EXPECT_EQ(options->topics.total_bytes_max, 70000u);
}

TEST(KvsFlags, WhatMakesNoSenseIsRefusedByName) {
  const struct {
    std::vector<std::string> flags;
    const char* why;
  } cases[] = {
      {{"--listen=host:99999"}, "--listen: \"host:99999\" is not HOST:PORT"},
      {{"--storage=tape"}, "--storage: no engine \"tape\""},
      {{"--storage=rocksdb"}, "--storage: rocksdb needs --data_dir"},
      {{"--data_dir=x"}, "--data_dir: needs --storage=rocksdb"},
      {{"--sync=never"}, "--sync: needs --storage=rocksdb"},
      {{"--sync=often"}, "--sync: \"often\" is none of always"},
      {{"--threads=-1"}, "--threads: -1"},
      {{"--frame_bytes_max=1000"}, "--frame_bytes_max: 1000"},
      {{"--frame_bytes_max=536870913"}, "--frame_bytes_max: 536870913"},
      {{"--connections_max=0"}, "--connections_max"},
      {{"--topic_ring_events_max=0"}, "--topic_ring_events_max: is 0"},
      {{"--idle_timeout=-1s"}, "--idle_timeout: -1s"},
      {{"--idle_timeout=inf"}, "--idle_timeout: inf"},
      {{"--handshake_timeout=0"}, "--handshake_timeout"},
      {{"--log_level=loud"}, "--log_level: \"loud\""},
      {{"--tls_cert=x"}, "--tls_key: certificate and key go together"},
      {{"--tls_key=x"}, "--tls_cert: certificate and key go together"},
      {{"--tls_client_ca=x"}, "--tls_client_ca: needs"},
      {{"--tls_cert=/no/such", "--tls_key=/no/such"}, "/no/such"},
      {{"stray"}, "unexpected argument \"stray\""}};
  for (const auto& c : cases) {
    auto options = Parse(c.flags);
    ASSERT_FALSE(options.ok()) << c.why;
    EXPECT_THAT(std::string(options.status().message()), HasSubstr(c.why));
  }
}

}  // namespace
}  // namespace coffer::server
