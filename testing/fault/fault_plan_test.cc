#include "coffer/testing/fault/fault_plan.h"

#include <boost/asio/error.hpp>
#include <chrono>

#include "coffer/testing/fault/error_names.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace error = boost::asio::error;
using std::chrono::microseconds;
using std::chrono::nanoseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(FaultPlanTest, PrintsItself) {
  EXPECT_EQ(FaultPlan().ToString(), "");
  EXPECT_EQ(FaultPlan()
                .SplitReads(SplitPolicy::OneByte())
                .SplitWrites(SplitPolicy::Sizes({1, 3}))
                .FailAt(FaultOp::kWrite, 17, error::connection_reset,
                        FaultMode::kSticky)
                .FailAt(FaultOp::kAny, 2, {})
                .EofAfterBytes(100)
                .ResetAfterBytes(FaultOp::kAny, 7)
                .ToString(),
            "read:split=1;write:split=sizes(1,3);"
            "write:fail=17:connection_reset:sticky;any:fail=2:ok:one_shot;"
            "read:eof=100;any:reset=7");
  EXPECT_EQ(FaultPlan()
                .StallAt(FaultOp::kRead, 3)
                .StallReads()
                .StallWrites()
                .Delay(microseconds(1500), std::chrono::seconds(5), 42)
                .Bandwidth(1000)
                .CorruptByte(FaultOp::kRead, 12, 0x40)
                .ErrorWithData()
                .ToString(),
            "read:stall=3;read:stall=all;write:stall=all;"
            "any:delay=1.5ms:5s:42;any:bandwidth=1000;read:corrupt=12:0x40;"
            "error_with_data");
}

TEST(FaultPlanTest, IsReadBack) {
  const FaultPlan plans[] = {
      FaultPlan(),
      FaultPlan().SplitReads(SplitPolicy::AtOffsets({4, 40})),
      FaultPlan().SplitWrites(SplitPolicy::Seeded(9)),
      FaultPlan().FailAt(FaultOp::kRead, 0, error::eof),
      FaultPlan().FailAt(FaultOp::kAny, UINT64_MAX, error::would_block,
                         FaultMode::kSticky),
      FaultPlan().EofAfterBytes(0).ErrorWithData(),
      FaultPlan().ResetAfterBytes(FaultOp::kWrite, 5),
      FaultPlan().StallAt(FaultOp::kAny, 1).StallWrites().StallReads(),
      FaultPlan().Delay(nanoseconds(1), nanoseconds(1)).Bandwidth(1),
      FaultPlan().CorruptByte(FaultOp::kAny, 3, 1),
  };
  for (const FaultPlan& plan : plans) {
    EXPECT_THAT(FaultPlan::Parse(plan.ToString()), IsOkAndHolds(plan))
        << plan.ToString();
  }
}

TEST(FaultPlanTest, SaysWhatIsWrong) {
  const auto refuses = [](absl::string_view text, absl::string_view clause,
                          absl::string_view why) {
    EXPECT_THAT(FaultPlan::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("\"" + std::string(clause) +
                                         "\" is no clause of a fault plan"),
                               HasSubstr(std::string(why)))));
  };
  refuses("write:fail=1:eof:sticky;", "", "begins with none of");
  refuses("fail=1", "fail=1", "begins with none of");
  refuses("read:stall=1;write:fail=x:eof:sticky", "write:fail=x:eof:sticky",
          "KIND:fail=N");
  refuses("read:fail=1:eof", "read:fail=1:eof", "KIND:fail=N");
  refuses("read:fail=1:eof:twice", "read:fail=1:eof:twice", "sticky");
  refuses("read:fail=1:bad:sticky", "read:fail=1:bad:sticky",
          "no error is \"bad\"");
  refuses("any:split=1", "any:split=1", "read or write:split");
  refuses("read:split=0", "read:split=0", "no split is \"0\"");
  refuses("write:eof=3", "write:eof=3", "read:eof=BYTES");
  refuses("any:delay=2s:1s:0", "any:delay=2s:1s:0", "any:delay=MIN:MAX:SEED");
  refuses("any:delay=-1s:1s:0", "any:delay=-1s:1s:0", "MIN:MAX");
  refuses("any:bandwidth=0", "any:bandwidth=0", "BYTES_A_SECOND");
  refuses("read:corrupt=1:0x100", "read:corrupt=1:0x100", "BITS");
  refuses("read:corrupt=1:0", "read:corrupt=1:0", "BITS");
  refuses("read:flood=1", "read:flood=1", "one of split, fail");
  refuses("read", "read", "one of split, fail");
}

TEST(FaultPlanTest, ErrorsHaveNames) {
  for (const boost::system::error_code& code :
       {boost::system::error_code(),
        boost::system::error_code(error::connection_reset),
        boost::system::error_code(error::eof),
        boost::system::error_code(error::not_found),
        boost::system::error_code(error::host_not_found),
        boost::system::error_code(error::service_not_found),
        boost::system::error_code(ENOSPC, boost::system::system_category()),
        boost::system::error_code(ENOSPC, boost::system::generic_category())}) {
    EXPECT_THAT(internal::ErrorNamed(internal::ErrorName(code)),
                IsOkAndHolds(code))
        << internal::ErrorName(code);
  }
  EXPECT_EQ(internal::ErrorName(error::connection_reset), "connection_reset");
  EXPECT_EQ(internal::ErrorName({ENOSPC, boost::system::system_category()}),
            "system/28");
  for (const char* name : {"", "nothing", "system/", "system/x", "none/1"}) {
    EXPECT_THAT(internal::ErrorNamed(name),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace coffer_testing
