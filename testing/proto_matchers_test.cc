#include "coffer/testing/proto_matchers.h"

#include <string>
#include <vector>

#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using coffer::v1::Value;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ProtoMatchersTest : public ::testing::Test {
 protected:
  ProtoMatchersTest() {
    response_.set_status(200);
    response_.set_request_id(7);
    response_.add_values()->set_integer(3);
    response_.add_values()->set_float_(0.5);
  }

  std::string Explain(const ProtoMatcher& matcher) {
    ::testing::StringMatchResultListener listener;
    EXPECT_FALSE(::testing::ExplainMatchResult(matcher, response_, &listener));
    return listener.str();
  }

  CommandResponse response_;
};

constexpr char kText[] =
    "status: 200 request_id: 7 values { integer: 3 } values { float: 0.5 }";

TEST_F(ProtoMatchersTest, EqualMessageAndTextMatch) {
  EXPECT_THAT(response_, EqualsProto(kText));
  EXPECT_THAT(response_, EqualsProto(CommandResponse(response_)));
  EXPECT_THAT(CommandResponse(), EqualsProto(""));
}

TEST_F(ProtoMatchersTest, EveryDifferenceCounts) {
  EXPECT_THAT(response_, Not(EqualsProto("status: 200")));
  EXPECT_THAT(CommandResponse(), Not(EqualsProto(kText)));
  CommandResponse other = response_;
  other.mutable_values(1)->set_float_(0.5000001);
  EXPECT_THAT(other, Not(EqualsProto(response_)));
}

TEST_F(ProtoMatchersTest, MismatchNamesTheFieldsThatDiffer) {
  CommandResponse expected = response_;
  expected.mutable_values(0)->set_integer(4);
  expected.clear_request_id();
  EXPECT_THAT(
      Explain(EqualsProto(expected)),
      AllOf(HasSubstr("modified: values[0].integer: 4 -> 3"),
            HasSubstr("added: request_id: 7"), Not(HasSubstr("status"))));
}

TEST_F(ProtoMatchersTest, AnotherTypeIsAMismatchThatSaysSo) {
  EXPECT_THAT(Explain(EqualsProto(Value())),
              HasSubstr("which is a coffer.v1.CommandResponse, not a "
                        "coffer.v1.Value"));
}

TEST_F(ProtoMatchersTest, BadTextFailsTheTest) {
  constexpr char kSaid[] = "the expected text is not a coffer.v1.Command";
  EXPECT_NONFATAL_FAILURE(
      EXPECT_THAT(Explain(EqualsProto("no_such_field: 1")), HasSubstr(kSaid)),
      kSaid);
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(response_, Not(EqualsProto("status:"))),
                          kSaid);
}

TEST_F(ProtoMatchersTest, PartiallyComparesWhatIsExpected) {
  EXPECT_THAT(response_, Partially(EqualsProto("status: 200")));
  EXPECT_THAT(response_, Not(Partially(EqualsProto("status: 404"))));
  EXPECT_THAT(response_, Not(Partially(EqualsProto("message: 'x'"))));
}

TEST_F(ProtoMatchersTest, IgnoredFieldsDoNotCount) {
  CommandResponse expected = response_;
  expected.set_request_id(8);
  EXPECT_THAT(response_, IgnoringFields({"request_id"}, EqualsProto(expected)));
  expected.mutable_values(0)->set_integer(4);
  EXPECT_THAT(response_,
              Not(IgnoringFields({"request_id"}, EqualsProto(expected))));
  EXPECT_THAT(response_,
              IgnoringFields({"request_id", "coffer.v1.Value.integer"},
                             EqualsProto(expected)));
}

TEST_F(ProtoMatchersTest, UnknownFieldToIgnoreFailsTheTest) {
  constexpr char kSaid[] = "there is no field requestid to ignore";
  const ProtoMatcher matcher =
      IgnoringFields({"requestid"}, EqualsProto("status: 1"));
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(Explain(matcher), HasSubstr(kSaid)),
                          kSaid);
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(response_, Not(matcher)), kSaid);
}

TEST_F(ProtoMatchersTest, ApproximatelyForgivesFloatsOnly) {
  CommandResponse expected = response_;
  expected.mutable_values(1)->set_float_(0.52);
  EXPECT_THAT(response_, Approximately(EqualsProto(expected), 0.1));
  EXPECT_THAT(response_, Not(Approximately(EqualsProto(expected), 0.001)));
  EXPECT_THAT(response_, Not(Approximately(EqualsProto(expected))));
  expected.mutable_values(0)->set_integer(4);
  EXPECT_THAT(response_, Not(Approximately(EqualsProto(expected), 10)));
}

TEST_F(ProtoMatchersTest, ModifiersNest) {
  EXPECT_THAT(
      response_,
      Approximately(Partially(IgnoringFields(
                        {"status"}, EqualsProto("status: 1 request_id: 7"))),
                    0.1));
}

TEST_F(ProtoMatchersTest, MatchesInsideContainers) {
  const std::vector<CommandResponse> responses = {response_, {}};
  EXPECT_THAT(responses, ElementsAre(EqualsProto(kText), EqualsProto("")));
}

TEST_F(ProtoMatchersTest, DescriptionsShowWhatIsExpected) {
  const ::testing::Matcher<const CommandResponse&> matcher =
      Partially(IgnoringFields({"status"}, EqualsProto("request_id: 7")));
  EXPECT_EQ(::testing::DescribeMatcher<const CommandResponse&>(matcher),
            "equals { request_id: 7 } in the fields set there ignoring status");
}

}  // namespace
}  // namespace coffer_testing
