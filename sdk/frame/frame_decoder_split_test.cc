// However the bytes arrive, the frames are the same. The original rebuilt its
// reading state whenever a read was not ready: a frame in two sends was never
// answered, and of a hundred pipelined ones fifteen were lost.

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/frame/decode_in_pieces.h"
#include "coffer/sdk/frame/frame_decoder.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/frame/golden_frames.h"
#include "coffer/sdk/frame/malformed_frames.h"
#include "coffer/sdk/frame/message_parser.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using ::testing::SizeIs;

struct CommandCase {
  std::string name;
  std::string textproto;
};

// Every member of request_data; a test below sees to that.
const CommandCase kCommands[] = {
    {"Hget", "hget { table: 't' key: 'k' }"},
    {"Hgetall", "hgetall { table: 't' }"},
    {"Hmget", "hmget { table: 't' keys: 'a' keys: 'b' }"},
    {"Hset", "hset { table: 't' pair { key: 'k' value { string: 'v' } } }"},
    {"Hmset",
     "hmset { table: 't' pairs { key: 'a' value { float: 1.5 } } pairs { key: "
     "'b' value { integer: -1 } } }"},
    {"Hdel", "hdel { table: 't' key: 'k' }"},
    {"Hmdel", "hmdel { table: 't' keys: 'a' keys: 'b' }"},
    {"Hexist", "hexist { table: 't' key: 'k' }"},
    {"Hmexist", "hmexist { table: 't' keys: 'a' keys: 'b' }"},
    {"Subscribe", "subscribe { topic: 'lobby' }"},
    {"Unsubscribe", "unsubscribe { topic: 'lobby' id: 9527 }"},
    {"Publish",
     "publish { topic: 'lobby' data { binary: '\\000\\377' } data { } }"},
    {"Hello",
     "hello { protocol_version: 1 client_id: '0123456789abcdef' client_name: "
     "'test' lz4: true }"},
    {"Ping", "ping { }"},
    {"Cancel", "cancel { request_id: 9527 }"},
    {"ListTables", "list_tables { prefix: 'u' cursor: '\\000x' limit: 9 }"},
    {"CountKeys", "count_keys { table: 't' }"},
    {"DropTable", "drop_table { table: 't' }"},
    {"RenameTable", "rename_table { table: 't' new_name: 'u' }"},
    {"Scan",
     "scan { table: 't' prefix: 'k' begin: 'k1' end: 'k9' cursor: 'c' limit: 5 "
     "keys_only: true }"},
    {"Read", "read { table: 't' keys: 'a' keys: 'b' without_values: true }"},
    {"Put",
     "put { table: 't' key: 'k' value { integer: 1 } condition { version: 7 } "
     "expiry { after_ms: 9 } want_previous: true }"},
    {"Remove", "remove { table: 't' key: 'k' condition { present: true } }"},
    {"Increment", "increment { table: 't' key: 'k' float: -0.5 }"},
    {"Append", "append { table: 't' key: 'k' value { string: 'v' } }"},
    {"Expire", "expire { table: 't' key: 'k' expiry { at_ms: 9527 } }"},
    {"Transaction",
     "transaction { compares { table: 't' key: 'k' version: 7 } then { remove "
     "{ table: 't' key: 'k' } } otherwise { read { table: 't' } } }"},
    {"OpenSubscription",
     "open_subscription { topic: 'lobby' credit: 64 slow_policy: DISCONNECT "
     "epoch: 7 after_sequence: 9 }"},
    {"GrantCredit", "grant_credit { subscription_id: 3 credit: 32 }"},
    {"CloseSubscription", "close_subscription { subscription_id: 3 }"},
    {"OpenWatch", "open_watch { table: 't' prefix: 'k' credit: 64 epoch: 7 }"},
    {"StartBackup", "start_backup { dir: 'nightly' keep: 7 }"},
    {"GetBackup", "get_backup { }"},
};

v1::CommandRequest Request(const std::string& textproto) {
  v1::CommandRequest request;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(textproto, &request));
  return request;
}

std::string Encoded(const v1::CommandRequest& request, bool lz4) {
  FrameEncoder encoder({.limits = {}, .lz4 = lz4, .compress_above_bytes = 0});
  std::string frame;
  EXPECT_EQ(encoder.Encode(request, &frame), absl::OkStatus());
  return frame;
}

// `bytes` in every two and every three pieces, and one by one.
void ExpectEverySplitGives(const DecodeOutcome& expected,
                           absl::string_view bytes) {
  ASSERT_EQ(DecodeInPieces(bytes, {}), expected);
  EXPECT_EQ(DecodeByteByByte(bytes), expected);
  for (size_t first = 1; first < bytes.size(); ++first) {
    ASSERT_EQ(DecodeInPieces(bytes, {first}), expected) << "cut at " << first;
    for (size_t second = first + 1; second < bytes.size(); ++second) {
      ASSERT_EQ(DecodeInPieces(bytes, {first, second}), expected)
          << "cut at " << first << " and " << second;
    }
  }
}

class CommandSplitTest : public testing::TestWithParam<CommandCase> {};

TEST_P(CommandSplitTest, PlainFrameCutAtEveryPairOfBytesDecodesTheSame) {
  const v1::CommandRequest request = Request(GetParam().textproto);
  const std::string frame = Encoded(request, /*lz4=*/false);
  const DecodeOutcome expected = {.payloads = {request.SerializeAsString()},
                                  .status = absl::OkStatus(),
                                  .error = {}};
  ExpectEverySplitGives(expected, frame);
}

TEST_P(CommandSplitTest, Lz4FrameCutAtEveryPairOfBytesDecodesTheSame) {
  v1::CommandRequest request = Request(GetParam().textproto);
  // Something to compress.
  request.set_trace_context(std::string(200, 'a'));
  const std::string frame = Encoded(request, /*lz4=*/true);
  ASSERT_TRUE(DecodeFrameHeader(frame.data()).compressed);
  const DecodeOutcome expected = {.payloads = {request.SerializeAsString()},
                                  .status = absl::OkStatus(),
                                  .error = {}};
  ExpectEverySplitGives(expected, frame);
}

TEST_P(CommandSplitTest, ThreeFramesCutAtEveryPairOfBytesDecodeTheSame) {
  const v1::CommandRequest request = Request(GetParam().textproto);
  const std::string payload = request.SerializeAsString();
  const DecodeOutcome expected = {.payloads = {payload, "", payload},
                                  .status = absl::OkStatus(),
                                  .error = {}};
  ExpectEverySplitGives(expected,
                        absl::StrCat(PlainFrame(payload), PlainFrame(""),
                                     CompressedFrame(GzipStored(payload))));
}

INSTANTIATE_TEST_SUITE_P(FrameDecoder, CommandSplitTest,
                         testing::ValuesIn(kCommands),
                         [](const testing::TestParamInfo<CommandCase>& i) {
                           return i.param.name;
                         });

TEST(FrameDecoderSplit, EveryCommandHasACase) {
  const auto* const commands =
      v1::CommandRequest::descriptor()->FindOneofByName("request_data");
  ASSERT_EQ(static_cast<size_t>(commands->field_count()), std::size(kCommands));
  for (int i = 0; i < commands->field_count(); ++i) {
    EXPECT_EQ(Request(kCommands[i].textproto).request_data_case(),
              commands->field(i)->number());
  }
}

TEST(FrameDecoderSplit, GoldenFramesOneByteAtATimeDecodeTheSame) {
  std::string stream;
  size_t frames = 0;
  for (const auto& golden : {GoldenFrames(), GoldenGzipFrames()}) {
    for (const GoldenFrame& frame : golden) {
      stream += frame.frame;
      ++frames;
    }
  }
  const DecodeOutcome whole = DecodeInPieces(stream, {});
  EXPECT_EQ(whole.status, absl::OkStatus());
  EXPECT_THAT(whole.payloads, SizeIs(frames));
  EXPECT_EQ(DecodeByteByByte(stream), whole);
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    ASSERT_EQ(DecodeInPieces(stream, {cut}), whole) << cut;
  }
}

TEST(FrameDecoderSplit, TenThousandPipelinedFramesInOneBuffer) {
  constexpr int kFrames = 10000;
  FrameEncoder encoder;
  std::string stream;
  v1::CommandRequest request;
  for (int i = 0; i < kFrames; ++i) {
    request.mutable_hget()->set_table("t");
    request.mutable_hget()->set_key(absl::StrCat("key", i));
    ASSERT_EQ(encoder.Encode(request, &stream), absl::OkStatus());
  }
  FrameDecoder decoder;
  Feed(stream, &decoder);
  absl::string_view payload;
  for (int i = 0; i < kFrames; ++i) {
    ASSERT_EQ(decoder.Next(&payload), FrameDecoder::Step::kFrame) << i;
    ASSERT_EQ(ParseMessage(payload, &request), absl::OkStatus());
    ASSERT_EQ(request.hget().key(), absl::StrCat("key", i));
  }
  EXPECT_EQ(decoder.Next(&payload), FrameDecoder::Step::kNeedMore);
  EXPECT_TRUE(decoder.at_boundary());

  const DecodeOutcome whole = DecodeInPieces(stream, {});
  EXPECT_THAT(whole.payloads, SizeIs(kFrames));
  EXPECT_TRUE(DecodeByteByByte(stream) == whole);
}

// `frames` times a message of `bytes`, in pieces of each of some sizes.
void ExpectLargeFramesSurvive(size_t bytes, bool lz4) {
  v1::CommandRequest request = Request(kCommands[3].textproto);
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = "coffer"[(i / 100 + i) % 6];
  request.mutable_hset()->mutable_pair()->mutable_value()->set_binary(text);
  const std::string frame = Encoded(request, lz4);
  ASSERT_EQ(DecodeFrameHeader(frame.data()).compressed, lz4);
  const std::string stream = frame + PlainFrame("between") + frame;
  const std::string payload = request.SerializeAsString();
  for (size_t piece : {size_t{1460}, size_t{65536}, stream.size()}) {
    std::vector<size_t> cuts;
    for (size_t at = piece; at < stream.size(); at += piece) cuts.push_back(at);
    const DecodeOutcome outcome = DecodeInPieces(stream, cuts);
    EXPECT_EQ(outcome.status, absl::OkStatus());
    ASSERT_THAT(outcome.payloads, SizeIs(3));
    EXPECT_TRUE(outcome.payloads[0] == payload);
    EXPECT_EQ(outcome.payloads[1], "between");
    EXPECT_TRUE(outcome.payloads[2] == payload);
  }
}

TEST(FrameDecoderSplit, MessageOf8MBPlain) {
  ExpectLargeFramesSurvive(8'000'000, /*lz4=*/false);
}

TEST(FrameDecoderSplit, MessageOf8MBCompressed) {
  ExpectLargeFramesSurvive(8'000'000, /*lz4=*/true);
}

TEST(FrameDecoderSplit, MessageOf200kBOneByteAtATime) {
  const std::string stream =
      PlainFrame(std::string(200'000, 'x')) + PlainFrame("after");
  const DecodeOutcome outcome = DecodeByteByByte(stream);
  EXPECT_EQ(outcome.status, absl::OkStatus());
  ASSERT_THAT(outcome.payloads, SizeIs(2));
  EXPECT_EQ(outcome.payloads[0].size(), 200'000u);
  EXPECT_EQ(outcome.payloads[1], "after");
}

}  // namespace
}  // namespace coffer
