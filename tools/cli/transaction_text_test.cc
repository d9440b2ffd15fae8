#include "coffer/tools/cli/transaction_text.h"

#include <string>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;

// Up to the end, or to `commit`.
absl::StatusOr<v1::CommandRequest> Read(absl::string_view text) {
  TransactionReader reader;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::StatusOr<bool> last = reader.Read(line);
    if (!last.ok()) return last.status();
    if (*last) break;
  }
  return reader.Finish();
}

std::string Shown(absl::string_view text) {
  const auto request = Read(text);
  return request.ok() ? request->ShortDebugString()
                      : std::string(request.status().message());
}

std::string Request(const std::string& text) {
  v1::CommandRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request.ShortDebugString();
}

TEST(TransactionReader, ReadsComparisonsAndOperations) {
  EXPECT_EQ(Shown(R"(
if    # all of these
  version accounts ada = 7
  version accounts ada != 6
  version accounts ada < 9
  version accounts ada > 5
  value flags on = bool:true
  value flags "on call" != int:5
  absent locks door
  present users ada
then
  incr accounts ada -5
  put locks door ada --expire_after=10s --if_absent
  remove t k
  append t k x
  persist t k
else
  read accounts ada bob
  ttl accounts ada
commit
this is not read
)"),
            Request(R"(transaction {
  compares { table: "accounts" key: "ada" version: 7 }
  compares { table: "accounts" key: "ada" relation: NOT_EQUAL version: 6 }
  compares { table: "accounts" key: "ada" relation: LESS version: 9 }
  compares { table: "accounts" key: "ada" relation: GREATER version: 5 }
  compares { table: "flags" key: "on" value { bool: true } }
  compares { table: "flags" key: "on call" relation: NOT_EQUAL
             value { integer: 5 } }
  compares { table: "locks" key: "door" version: 0 }
  compares { table: "users" key: "ada" relation: NOT_EQUAL version: 0 }
  then { increment { table: "accounts" key: "ada" integer: -5 } }
  then { put { table: "locks" key: "door" value { string: "ada" }
               condition { absent: true } expiry { after_ms: 10000 } } }
  then { remove { table: "t" key: "k" } }
  then { append { table: "t" key: "k" value { string: "x" } } }
  then { expire { table: "t" key: "k" expiry { never: true } } }
  otherwise { read { table: "accounts" keys: "ada" keys: "bob" } }
  otherwise { read { table: "accounts" keys: "ada" without_values: true } }
})"));
}

TEST(TransactionReader, ThenNeedNotBeSaid) {
  EXPECT_EQ(Shown("put t a 1\nput t b 2"), Shown("then\nput t a 1\nput t b 2"));
}

TEST(TransactionReader, WrongLinesSayWhatIsWrong) {
  EXPECT_THAT(Shown("if\nversion t k 7"), HasSubstr("a comparison is"));
  EXPECT_THAT(Shown("if\nversion t k ~ 7"), HasSubstr("a comparison is"));
  EXPECT_THAT(Shown("if\nvalue t k < 7"), HasSubstr("a comparison is"));
  EXPECT_THAT(Shown("if\nput t k 7"), HasSubstr("a comparison is"));
  EXPECT_THAT(Shown("if\nversion t k = x"), HasSubstr("\"x\" is no version"));
  EXPECT_THAT(Shown("if\nvalue t k = int:x"), HasSubstr("not a whole number"));
  EXPECT_THAT(Shown("get t k"), HasSubstr("\"get\" is no operation"));
  EXPECT_THAT(Shown("txn"), HasSubstr("\"txn\" is no operation"));
  EXPECT_THAT(Shown("got t k"), HasSubstr("no command \"got\""));
  EXPECT_THAT(Shown("put t k"), HasSubstr("it takes TABLE KEY VALUE"));
  EXPECT_THAT(Shown("put t 'k"), HasSubstr("quote"));
  EXPECT_THAT(Shown("if\nabsent t \xff"), HasSubstr("is not UTF-8"));
  EXPECT_THAT(Shown("# nothing\n"), HasSubstr("nothing in the transaction"));
}

TEST(TransactionReader, OperationsAreRequestsAgain) {
  const auto request = Read(
      "read t k\nput t k 1\nremove t k\nincr t k\nappend t k x\npersist t k");
  ASSERT_TRUE(request.ok()) << request.status();
  std::string names;
  for (const v1::Operation& operation : request->transaction().then()) {
    names += ToRequest(operation).ShortDebugString().substr(0, 3) + " ";
  }
  EXPECT_EQ(names, "rea put rem inc app exp ");
}

}  // namespace
}  // namespace coffer::cli
