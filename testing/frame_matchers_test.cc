#include "coffer/testing/frame_matchers.h"

#include <string>

#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using coffer::v1::CommandResponse;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::Not;
using ::testing::SizeIs;

CommandResponse Response(int status, std::string message = "") {
  CommandResponse response;
  response.set_status(status);
  response.set_message(std::move(message));
  return response;
}

std::string Encode(const CommandResponse& message, bool lz4 = false) {
  coffer::FrameEncoderOptions options;
  options.lz4 = lz4;
  coffer::FrameEncoder encoder(options);
  std::string bytes;
  EXPECT_THAT(encoder.Encode(message, &bytes), IsOk());
  return bytes;
}

template <class M>
std::string Explain(const std::string& bytes, const M& matcher) {
  ::testing::StringMatchResultListener listener;
  EXPECT_FALSE(::testing::ExplainMatchResult(matcher, bytes, &listener));
  return listener.str();
}

TEST(FrameMatchers, NoBytesAreNoFrames) {
  EXPECT_THAT(std::string(), Frames(IsEmpty()));
  EXPECT_THAT(std::string(), Frames<CommandResponse>(IsEmpty()));
  EXPECT_THAT(std::string(), Not(HasFrame<CommandResponse>(_)));
}

TEST(FrameMatchers, MessagesOfSeveralFrames) {
  const std::string bytes = Encode(Response(200)) + Encode(CommandResponse()) +
                            Encode(Response(404, "no"));
  EXPECT_THAT(bytes, Frames<CommandResponse>(ElementsAre(
                         EqualsProto("status: 200"), EqualsProto(""),
                         EqualsProto("status: 404 message: 'no'"))));
  EXPECT_THAT(bytes, Not(Frames<CommandResponse>(SizeIs(2))));
  EXPECT_THAT(bytes,
              HasFrame<CommandResponse>(Partially(EqualsProto("status: 404"))));
  EXPECT_THAT(bytes, Not(HasFrame<CommandResponse>(EqualsProto("status: 5"))));
}

TEST(FrameMatchers, FrameIsLooksAtHeaderAndMessage) {
  const std::string bytes = Encode(Response(7));  // field, value
  EXPECT_THAT(bytes,
              FrameIs<CommandResponse>(false, 2, EqualsProto("status: 7")));
  EXPECT_THAT(bytes, Not(FrameIs<CommandResponse>(true, 2, _)));
  EXPECT_THAT(bytes, Not(FrameIs<CommandResponse>(false, 3, _)));
  EXPECT_THAT(
      bytes, Not(FrameIs<CommandResponse>(false, 2, EqualsProto("status: 8"))));
  EXPECT_THAT(bytes + bytes, Not(FrameIs<CommandResponse>(_, _, _)));
  EXPECT_THAT(bytes + bytes,
              Frames(ElementsAre(FrameIs<CommandResponse>(false, 2, _),
                                 FrameIs<CommandResponse>(_, Lt(3u), _))));
}

TEST(FrameMatchers, CompressedFrameIsUncompressedForTheBody) {
  const CommandResponse large = Response(200, std::string(5000, 'x'));
  EXPECT_THAT(Encode(large, /*lz4=*/true),
              FrameIs<CommandResponse>(true, Lt(5000u), EqualsProto(large)));
  EXPECT_THAT(Encode(large),
              FrameIs<CommandResponse>(false, large.ByteSizeLong(),
                                       EqualsProto(large)));
}

constexpr char kUndecodable[] = "bytes that are no such frames";

TEST(FrameMatchers, EveryTruncationFailsTheTestAndSaysWhere) {
  const std::string first = Encode(Response(200));
  const std::string bytes = first + Encode(Response(404, "no"));
  for (size_t cut = first.size() + 1; cut < bytes.size(); ++cut) {
    const std::string where = absl::StrCat("frame 1, at byte ", first.size());
    std::string explained;
    EXPECT_NONFATAL_FAILURE(
        explained = Explain(bytes.substr(0, cut), Frames<CommandResponse>(_)),
        where);
    EXPECT_THAT(explained, HasSubstr(where)) << cut;
  }
}

TEST(FrameMatchers, CorruptBlockFailsTheTest) {
  std::string bytes = Encode(Response(200, std::string(5000, 'x')), true);
  bytes.resize(bytes.size() - 1);
  bytes[3] = static_cast<char>(bytes[3] - 1);
  std::string explained;
  EXPECT_NONFATAL_FAILURE(explained = Explain(bytes, Frames(_)), kUndecodable);
  EXPECT_THAT(explained, HasSubstr("not a sequence of frames"));
}

TEST(FrameMatchers, PayloadThatIsNoSuchMessageFailsTheTest) {
  const std::string bytes("\0\0\0\2\xff\xff", 6);
  EXPECT_THAT(bytes, Frames(SizeIs(1)));
  std::string explained;
  EXPECT_NONFATAL_FAILURE(
      explained = Explain(bytes, Frames<CommandResponse>(_)), kUndecodable);
  EXPECT_THAT(explained, HasSubstr("frame 0"));
  const auto any = FrameIs<CommandResponse>(_, _, _);
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(bytes, Not(any)), kUndecodable);
  EXPECT_THAT(bytes, Frames(ElementsAre(Not(any)))) << "one of many kinds";
}

TEST(FrameMatchers, AbsenceFromBytesThatDoNotDecodeIsNotShown) {
  const std::string bytes = Encode(Response(200)) + "rest";
  const auto has = HasFrame<CommandResponse>(EqualsProto("status: 404"));
  const auto any = FrameIs<CommandResponse>(_, _, _);
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(bytes, Not(has)), kUndecodable);
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(bytes, Not(any)), kUndecodable);
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(bytes, Not(Frames(IsEmpty()))),
                          kUndecodable);
}

TEST(FrameMatchers, MismatchShowsTheMessages) {
  EXPECT_THAT(
      Explain(Encode(Response(404, "no")),
              Frames<CommandResponse>(ElementsAre(EqualsProto("status: 200")))),
      HasSubstr("modified: status: 200 -> 404"));
}

}  // namespace
}  // namespace coffer_testing
