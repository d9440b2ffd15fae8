#include "coffer/tools/cli/answer_check.h"

#include <initializer_list>
#include <string>

#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;

v1::CommandResponse Values(std::initializer_list<v1::Value> values) {
  v1::CommandResponse response;
  response.set_status(200);
  for (const v1::Value& value : values) *response.add_values() = value;
  return response;
}

TEST(CheckAnswer, AValueForEachKeyIsRight) {
  const v1::Value x = ToValue("x");
  const v1::Value yes = ToValue(true);
  EXPECT_TRUE(CheckAnswer(MakeHget("t", "k"), Values({x})).ok());
  EXPECT_TRUE(CheckAnswer(MakeHdel("t", "k"), Values({{}})).ok());
  EXPECT_TRUE(CheckAnswer(MakeHexist("t", "k"), Values({yes})).ok());
  EXPECT_TRUE(CheckAnswer(MakeHmget("t", {"a", "b"}), Values({x, {}})).ok());
  EXPECT_TRUE(CheckAnswer(MakeHmdel("t", {"a", "b"}), Values({x, x})).ok());
  EXPECT_TRUE(CheckAnswer(MakeHmexist("t", {"a"}), Values({yes})).ok());
}

TEST(CheckAnswer, StatesAndTablesOfDataCommands) {
  v1::CommandResponse one;
  one.add_states();
  one.add_tables();
  v1::CommandResponse two = one;
  two.add_states();
  two.add_tables();
  v1::CommandRequest transaction =
      MakeTransaction({}, {MakeRead("t", {"a", "b"})}, {MakePut("t", "k", 1)});
  for (const v1::CommandRequest& request :
       {MakeRead("t", {"a"}), MakePut("t", "k", 1), MakeRemove("t", "k"),
        MakeIncrement("t", "k", 1), MakeAppend("t", "k", "x"),
        MakeExpire("t", "k", v1::Expiry()), MakeCountKeys("t"),
        MakeDropTable("t"), MakeRenameTable("t", "u"), transaction}) {
    EXPECT_TRUE(CheckAnswer(request, one).ok()) << request.ShortDebugString();
    EXPECT_TRUE(absl::IsDataLoss(CheckAnswer(request, two)));
    EXPECT_TRUE(absl::IsDataLoss(CheckAnswer(request, v1::CommandResponse())));
  }
  two.set_held(true);
  EXPECT_TRUE(CheckAnswer(transaction, two).ok());
}

TEST(CheckAnswer, WrongNumberOfValuesIsDataLoss) {
  const v1::Value yes = ToValue(true);
  const v1::CommandRequest requests[] = {
      MakeHget("t", "k"),    MakeHdel("t", "k"),    MakeHexist("t", "k"),
      MakeHmget("t", {"a"}), MakeHmdel("t", {"a"}), MakeHmexist("t", {"a"}),
  };
  for (const v1::CommandRequest& request : requests) {
    for (const auto& answer : {Values({}), Values({yes, yes})}) {
      const absl::Status status = CheckAnswer(request, answer);
      EXPECT_TRUE(absl::IsDataLoss(status)) << request.ShortDebugString();
      EXPECT_THAT(std::string(status.message()), HasSubstr("expected 1"));
    }
  }
}

TEST(CheckAnswer, ExistenceThatIsNoBoolIsDataLoss) {
  const auto answer = Values({ToValue(1)});
  EXPECT_TRUE(absl::IsDataLoss(CheckAnswer(MakeHexist("t", "k"), answer)));
  EXPECT_TRUE(absl::IsDataLoss(CheckAnswer(MakeHmexist("t", {"a"}), answer)));
}

// Servers may leave out the previous values.
TEST(CheckAnswer, WritesAndGetallMayAnswerAnything) {
  for (const auto& answer : {Values({}), Values({ToValue(1)})}) {
    EXPECT_TRUE(CheckAnswer(MakeHset("t", "k", 1), answer).ok());
    EXPECT_TRUE(CheckAnswer(MakeHmset("t", {{"a", 1}}), answer).ok());
    EXPECT_TRUE(CheckAnswer(MakeHgetall("t"), answer).ok());
  }
}

}  // namespace
}  // namespace coffer::cli
