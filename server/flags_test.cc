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
                                        "--backup_dir=",
                                        "--restore=",
                                        "--restore_id=0",
                                        "--block_cache_bytes=134217728",
                                        "--write_buffer_bytes=67108864",
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
                                        "--watch_ring_events_max=1024",
                                        "--watch_ring_bytes_max=1048576",
                                        "--watch_bytes_max=67108864",
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
  EXPECT_EQ(options->storage.engine, "memory");
  EXPECT_EQ(options->server.tls, nullptr);
  EXPECT_EQ(options->server.limits.frame.frame_bytes_max, 16u << 20);
}

TEST(KvsFlags, DurableStorage) {
  auto options = Parse({"--storage=rocksdb", "--data_dir=/data"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->storage.engine, "rocksdb");
  EXPECT_EQ(options->storage.durable.data_dir, "/data");
  EXPECT_EQ(options->storage.durable.sync, SyncMode::kAlways);
  for (const SyncMode mode :
       {SyncMode::kAlways, SyncMode::kInterval, SyncMode::kNever}) {
    options = Parse({"--storage=rocksdb", "--data_dir=/data",
                     "--sync=" + std::string(ToString(mode))});
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->storage.durable.sync, mode);
  }
}

TEST(KvsFlags, MemoryOfDurableStorage) {
  auto options = Parse({"--storage=rocksdb", "--data_dir=/data"});
  ASSERT_TRUE(options.ok()) << options.status();
  const DurableOptions none;
  EXPECT_EQ(options->storage.durable.block_cache_bytes, none.block_cache_bytes);
  EXPECT_EQ(options->storage.durable.write_buffer_bytes,
            none.write_buffer_bytes);
  options = Parse({"--storage=rocksdb", "--data_dir=/data",
                   "--block_cache_bytes=1099511627776",
                   "--write_buffer_bytes=1048576"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->storage.durable.block_cache_bytes, uint64_t{1} << 40);
  EXPECT_EQ(options->storage.durable.write_buffer_bytes, 1u << 20);
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

void ExpectLimits(const TopicLimits& limits, size_t events, size_t bytes,
                  size_t total) {
  EXPECT_EQ(limits.ring_events_max, events);
  EXPECT_EQ(limits.ring_bytes_max, bytes);
  EXPECT_EQ(limits.total_bytes_max, total);
}

TEST(KvsFlags, LimitsOfTopicsAndWatches) {
  auto options = Parse({});
  ASSERT_TRUE(options.ok()) << options.status();
  ExpectLimits(options->topics, 1024, 1 << 20, 64 << 20);
  ExpectLimits(options->watches, 1024, 1 << 20, 64 << 20);
  options = Parse({"--topic_ring_events_max=5", "--topic_ring_bytes_max=6000",
                   "--topics_bytes_max=70000", "--watch_ring_events_max=8",
                   "--watch_ring_bytes_max=9000", "--watch_bytes_max=10000"});
  ASSERT_TRUE(options.ok()) << options.status();
  ExpectLimits(options->topics, 5, 6000, 70000);
  ExpectLimits(options->watches, 8, 9000, 10000);
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
      {{"--backup_dir=x"}, "--backup_dir: needs --storage=rocksdb"},
      {{"--restore=x"}, "--restore: needs --storage=rocksdb"},
      {{"--restore_id=1"}, "--restore_id: needs --restore"},
      {{"--sync=often"}, "--sync: \"often\" is none of always"},
      {{"--block_cache_bytes=1048577"},
       "--block_cache_bytes: needs --storage=rocksdb"},
      {{"--write_buffer_bytes=1048577"},
       "--write_buffer_bytes: needs --storage=rocksdb"},
      {{"--storage=rocksdb", "--data_dir=x", "--block_cache_bytes=1048575"},
       "--block_cache_bytes: 1048575 is not from 1048576 to 1099511627776"},
      {{"--storage=rocksdb", "--data_dir=x",
        "--block_cache_bytes=1099511627777"},
       "--block_cache_bytes: 1099511627777 is not from"},
      {{"--storage=rocksdb", "--data_dir=x", "--write_buffer_bytes=1048575"},
       "--write_buffer_bytes: 1048575 is not from 1048576 to 17179869184"},
      {{"--storage=rocksdb", "--data_dir=x",
        "--write_buffer_bytes=17179869185"},
       "--write_buffer_bytes: 17179869185 is not from"},
      {{"--threads=-1"}, "--threads: -1"},
      {{"--frame_bytes_max=1000"}, "--frame_bytes_max: 1000"},
      {{"--frame_bytes_max=536870913"}, "--frame_bytes_max: 536870913"},
      {{"--connections_max=0"}, "--connections_max"},
      {{"--topic_ring_events_max=0"}, "--topic_ring_events_max: is 0"},
      {{"--watch_ring_events_max=0"}, "--watch_ring_events_max: is 0"},
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
