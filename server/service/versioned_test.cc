// Read, Put, Remove, Expire, Increment, Append: every answer as the peer sees
// it. Each conversation has a store of its own, and is held with each engine
// three times: one run a request, all in one run, and with what finishes later.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "coffer/testing/storage/model_storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::DeferredStorage;
using ::coffer_testing::ManualClock;
using ::coffer_testing::ModelStorage;

using MakeEngine = std::unique_ptr<Storage> (*)(const Clock* clock);

std::unique_ptr<Storage> MakeMemory(const Clock* clock) {
  return std::make_unique<MemoryStorage>(clock);
}

std::unique_ptr<Storage> MakeModel(const Clock* clock) {
  return std::make_unique<ModelStorage>(std::make_shared<ModelStorage::Data>(),
                                        clock);
}

struct Turn {
  std::string request;
  std::string answer;
};

constexpr int64_t kNowMs = 1000000;

void ConverseOver(MakeEngine make, const std::vector<Turn>& turns) {
  ManualClock clock;
  clock.SetWall(absl::FromUnixMillis(kNowMs));
  ServiceOptions options;
  options.clock = &clock;
  const auto one_by_one_storage = make(&clock);
  ServiceTester one_by_one(one_by_one_storage.get(), options);
  const auto at_once_storage = make(&clock);
  ServiceTester at_once(at_once_storage.get(), options);
  DeferredStorage later_storage(make(&clock));
  ServiceTester later(&later_storage, options);
  std::vector<v1::CommandRequest> requests;
  for (const Turn& turn : turns) requests.push_back(Request(turn.request));
  const auto in_one_run = at_once.AskAll(requests);
  const auto finished_later = later.AskAll(requests);
  for (size_t i = 0; i < turns.size(); ++i) {
    EXPECT_EQ(one_by_one.Ask(requests[i]).ShortDebugString(), turns[i].answer)
        << turns[i].request;
    EXPECT_EQ(in_one_run[i].ShortDebugString(), turns[i].answer)
        << "in one run: " << turns[i].request;
    EXPECT_EQ(finished_later[i].ShortDebugString(), turns[i].answer)
        << "finished later: " << turns[i].request;
  }
}

void Converse(const std::vector<Turn>& turns) {
  for (const MakeEngine make : {MakeMemory, MakeModel}) {
    ConverseOver(make, turns);
  }
}

// 400, with words.
std::string Invalid(const std::string& what) {
  return absl::StrCat("status: 400 message: \"Command is invalid: `", what,
                      "`\" outcome: NOT_EXECUTED");
}
std::string Refused(int status, const std::string& message) {
  return absl::StrCat("status: ", status, " message: \"", message,
                      "\" outcome: NOT_EXECUTED");
}

std::string Put(const std::string& fields) {
  return absl::StrCat("put { table: 't' key: 'k' ", fields, " }");
}

// Some value.
std::string PutOne(const std::string& fields) {
  return Put(absl::StrCat("value { integer: 1 } ", fields));
}

constexpr char kReadBack[] = "read { table: 't' keys: 'k' }";

TEST(Put, GivesTheVersionAndPreviousIfItIsWanted) {
  Converse({
      {Put("value { integer: 1 }"), "status: 200 states { version: 1 }"},
      {Put("value { string: 'x' } want_previous: true"),
       "status: 200 states { version: 2 previous { version: 1 value { "
       "integer: 1 } } }"},
      {"put { table: 't' key: 'new' value { } want_previous: true }",
       "status: 200 states { version: 3 previous { } }"},
      {"put { table: 't' key: 'new' value { bool: true } want_previous: true }",
       "status: 200 states { version: 4 previous { version: 3 value { } } }"},
      {"hget { table: 't' key: 'k' }", "status: 200 values { string: \"x\" }"},
  });
}

TEST(Put, ConditionsHoldOrTellHowTheKeyIs) {
  const std::string present =
      " states { version: 1 value { integer: 1 } } outcome: NOT_EXECUTED";
  Converse({
      {PutOne("condition { present: true }"),
       "status: 409 message: \"the key is absent, not present\" states { } "
       "outcome: NOT_EXECUTED"},
      {PutOne("condition { version: 7 }"),
       "status: 409 message: \"the key is absent, not at version 7\" states { "
       "} outcome: NOT_EXECUTED"},
      {PutOne("condition { absent: true }"),
       "status: 200 states { version: 1 }"},
      {PutOne("condition { absent: true }"),
       "status: 409 message: \"the key is at version 1, not absent\"" +
           present},
      {PutOne("condition { version: 0 }"),
       "status: 409 message: \"the key is at version 1, not absent\"" +
           present},
      {PutOne("condition { version: 2 }"),
       "status: 409 message: \"the key is at version 1, not at version 2\"" +
           present},
      {"read { table: 't' keys: 'k' without_values: true }",
       "status: 200 states { version: 1 }"},
      {Put("value { integer: 2 } condition { version: 1 }"),
       "status: 200 states { version: 2 }"},
      {Put("value { integer: 3 } condition { present: true }"),
       "status: 200 states { version: 3 }"},
      {"put { table: 't' key: 'z' value { } condition { version: 0 } }",
       "status: 200 states { version: 4 }"},
  });
}

TEST(Put, ExpiryIsSetKeptAndCleared) {
  const std::string in_5000 = "expires_at_ms: 1005000 expires_in_ms: 5000 ";
  Converse({
      {PutOne("expiry { after_ms: 5000 }"),
       "status: 200 states { version: 1 " + in_5000 + "}"},
      {PutOne("expiry { keep: true } want_previous: true"),
       "status: 200 states { version: 2 " + in_5000 +
           "previous { version: 1 value { integer: 1 } } }"},
      {kReadBack,
       "status: 200 states { version: 2 value { integer: 1 } " + in_5000 + "}"},
      {PutOne("expiry { at_ms: 1000001 }"),
       "status: 200 states { version: 3 expires_at_ms: 1000001 "
       "expires_in_ms: 1 }"},
      {PutOne(""), "status: 200 states { version: 4 }"},
      {PutOne("expiry { keep: true }"), "status: 200 states { version: 5 }"},
      {PutOne("expiry { after_ms: 1 }"),
       "status: 200 states { version: 6 expires_at_ms: 1000001 "
       "expires_in_ms: 1 }"},
      {PutOne("expiry { never: true }"), "status: 200 states { version: 7 }"},
      {kReadBack, "status: 200 states { version: 7 value { integer: 1 } }"},
      {"hset { table: 't' pair { key: 'e' value { integer: 1 } } }",
       "status: 200 values { }"},
  });
}

TEST(Put, ExpiryInThePastRemovesTheKeyAtOnce) {
  Converse({
      {PutOne("expiry { at_ms: 999999 }"),
       "status: 200 states { version: 1 expires_at_ms: 999999 "
       "expires_in_ms: 1 }"},
      {kReadBack, "status: 200 states { }"},
      {PutOne("expiry { after_ms: 0 }"),
       "status: 200 states { version: 2 expires_at_ms: 1000000 "
       "expires_in_ms: 1 }"},
      {kReadBack, "status: 200 states { }"},
      {PutOne("condition { absent: true }"),
       "status: 200 states { version: 3 }"},
  });
}

TEST(Put, MalformedIsRefusedWithWords) {
  Converse({
      {Put(""), Invalid("value is not set")},
      {PutOne("condition { }"), Invalid("condition has nothing set")},
      {PutOne("condition { absent: false }"),
       Invalid("condition.absent is false")},
      {PutOne("condition { present: false }"),
       Invalid("condition.present is false")},
      {PutOne("expiry { }"), Invalid("expiry has nothing set")},
      {PutOne("expiry { keep: false }"), Invalid("expiry.keep is false")},
      {PutOne("expiry { never: false }"), Invalid("expiry.never is false")},
      {kReadBack, "status: 200 states { }"},
  });
}

TEST(Read, GivesAStateForEachKeyInOrder) {
  Converse({
      {"read { table: 't' keys: ['a', 'b'] }",
       "status: 200 states { } states { }"},
      {"hmset { table: 't' pairs { key: 'a' value { integer: 1 } } "
       "pairs { key: 'b' } }",
       "status: 200 values { } values { }"},
      {"read { table: 't' keys: ['b', 'none', 'a', 'a'] }",
       "status: 200 states { version: 2 value { } } states { } "
       "states { version: 1 value { integer: 1 } } "
       "states { version: 1 value { integer: 1 } }"},
      {"read { table: 't' keys: ['b', 'none', 'a'] without_values: true }",
       "status: 200 states { version: 2 } states { } states { version: 1 }"},
      {"read { table: 't' }", "status: 200"},
  });
}

TEST(Remove, GivesItsVersionAndPreviousIfItIsWanted) {
  const std::string remove = "remove { table: 't' key: 'k' ";
  Converse({
      {remove + "}", "status: 200 states { }"},
      {remove + "want_previous: true }", "status: 200 states { previous { } }"},
      {PutOne(""), "status: 200 states { version: 1 }"},
      {remove + "}", "status: 200 states { version: 2 }"},
      {PutOne(""), "status: 200 states { version: 3 }"},
      {remove + "want_previous: true }",
       "status: 200 states { version: 4 previous { version: 3 value { "
       "integer: 1 } } }"},
      {kReadBack, "status: 200 states { }"},
  });
}

TEST(Remove, ConditionsHoldOrTellHowTheKeyIs) {
  const std::string remove = "remove { table: 't' key: 'k' condition { ";
  Converse({
      {remove + "present: true } }",
       "status: 409 message: \"the key is absent, not present\" states { } "
       "outcome: NOT_EXECUTED"},
      {remove + "absent: true } }", "status: 200 states { }"},
      {PutOne(""), "status: 200 states { version: 1 }"},
      {remove + "version: 9 } }",
       "status: 409 message: \"the key is at version 1, not at version 9\" "
       "states { version: 1 value { integer: 1 } } outcome: NOT_EXECUTED"},
      {remove + "} }", Invalid("condition has nothing set")},
      {remove + "version: 1 } }", "status: 200 states { version: 2 }"},
  });
}

TEST(Expire, ChangesTheExpiryAndNotTheValue) {
  const std::string expire = "expire { table: 't' key: 'k' ";
  Converse({
      {expire + "expiry { after_ms: 1 } }",
       Refused(404, "Not found: table t, key k")},
      {PutOne(""), "status: 200 states { version: 1 }"},
      {expire + "expiry { after_ms: 250 } }",
       "status: 200 states { version: 2 expires_at_ms: 1000250 "
       "expires_in_ms: 250 }"},
      {kReadBack,
       "status: 200 states { version: 2 value { integer: 1 } "
       "expires_at_ms: 1000250 expires_in_ms: 250 }"},
      {expire + "expiry { never: true } condition { version: 2 } }",
       "status: 200 states { version: 3 }"},
      {expire + "expiry { never: true } condition { version: 2 } }",
       "status: 409 message: \"the key is at version 3, not at version 2\" "
       "states { version: 3 value { integer: 1 } } outcome: NOT_EXECUTED"},
      {expire + "expiry { at_ms: 1 } condition { present: true } }",
       "status: 200 states { version: 4 expires_at_ms: 1 expires_in_ms: 1 }"},
      {expire + "expiry { never: true } condition { present: true } }",
       "status: 409 message: \"the key is absent, not present\" states { } "
       "outcome: NOT_EXECUTED"},
      {expire + "expiry { never: true } }",
       Refused(404, "Not found: table t, key k")},
  });
}

TEST(Expire, MalformedIsRefusedWithWords) {
  const std::string expire = "expire { table: 't' key: 'k' ";
  Converse({
      {expire + "}", Invalid("no expiry")},
      {expire + "expiry { } }", Invalid("expiry has nothing set")},
      {expire + "expiry { keep: true } }",
       Invalid("expiry.keep changes nothing")},
      {expire + "expiry { never: true } condition { } }",
       Invalid("condition has nothing set")},
      {expire + "expiry { never: true } condition { absent: true } }",
       Invalid("a key that is absent does not expire")},
      {expire + "expiry { never: true } condition { version: 0 } }",
       Invalid("a key that is absent does not expire")},
  });
}

std::string Increment(const std::string& amount) {
  return absl::StrCat("increment { table: 't' key: 'k' ", amount, " }");
}

TEST(Increment, AddsIntegersExactly) {
  Converse({
      {Increment("integer: 5"),
       "status: 200 states { version: 1 value { integer: 5 } }"},
      {Increment("integer: -7"),
       "status: 200 states { version: 2 value { integer: -2 } }"},
      {Increment("integer: 0"),
       "status: 200 states { version: 3 value { integer: -2 } }"},
      {Increment("integer: 9223372036854775807"),
       "status: 200 states { version: 4 value { integer: 9223372036854775805 "
       "} }"},
      {Increment("integer: 2"),
       "status: 200 states { version: 5 value { integer: 9223372036854775807 "
       "} }"},
      {Increment("integer: 1"),
       Refused(400, "9223372036854775807 + 1 is out of range")},
      {"hget { table: 't' key: 'k' }",
       "status: 200 values { integer: 9223372036854775807 }"},
      {Put("value { integer: -9223372036854775808 }"),
       "status: 200 states { version: 6 }"},
      {Increment("integer: -1"),
       Refused(400, "-9223372036854775808 + -1 is out of range")},
  });
}

TEST(Increment, AddsFloatsToEitherAndGivesAFloat) {
  Converse({
      {Increment("float: 1.5"),
       "status: 200 states { version: 1 value { float: 1.5 } }"},
      {Increment("float: -0.25"),
       "status: 200 states { version: 2 value { float: 1.25 } }"},
      {Increment("integer: 1"),
       Refused(400, "value of t/k is a float, not an integer")},
      {Put("value { integer: 3 }"), "status: 200 states { version: 3 }"},
      {Increment("float: 0.5"),
       "status: 200 states { version: 4 value { float: 3.5 } }"},
      {Put("value { float: 1.5e308 }"), "status: 200 states { version: 5 }"},
      {Increment("float: 1e308"),
       Refused(400, "1.5e+308 + 1e+308 is not finite")},
      {Increment("float: inf"), Invalid("the amount is not finite")},
      {Increment("float: nan"), Invalid("the amount is not finite")},
      {Increment(""), Invalid("no amount is set")},
      {"hget { table: 't' key: 'k' }",
       "status: 200 values { float: 1.5e+308 }"},
  });
}

TEST(Increment, OfAnotherTypeSaysWhatIsStored) {
  const struct {
    const char* value;
    const char* type;
  } kCases[] = {
      {"string: 'x'", "a string"},
      {"binary: 'x'", "binary"},
      {"bool: true", "a bool"},
      {"", "empty"},
  };
  for (const auto& test : kCases) {
    Converse({
        {Put(absl::StrCat("value { ", test.value, " }")),
         "status: 200 states { version: 1 }"},
        {Increment("integer: 1"),
         Refused(400, absl::StrCat("value of t/k is ", test.type,
                                   ", not an integer"))},
        {Increment("float: 1"),
         Refused(400, absl::StrCat("value of t/k is ", test.type,
                                   ", not a number"))},
    });
  }
}

TEST(Increment, KeepsTheExpiry) {
  Converse({
      {PutOne("expiry { at_ms: 1000500 }"),
       "status: 200 states { version: 1 expires_at_ms: 1000500 "
       "expires_in_ms: 500 }"},
      {Increment("integer: 1"),
       "status: 200 states { version: 2 value { integer: 2 } "
       "expires_at_ms: 1000500 expires_in_ms: 500 }"},
      {"append { table: 't' key: 'a' value { string: 'x' } }",
       "status: 200 states { version: 3 value_bytes: 1 }"},
      {"expire { table: 't' key: 'a' expiry { at_ms: 1000700 } }",
       "status: 200 states { version: 4 expires_at_ms: 1000700 "
       "expires_in_ms: 700 }"},
      {"append { table: 't' key: 'a' value { string: 'y' } }",
       "status: 200 states { version: 5 expires_at_ms: 1000700 "
       "expires_in_ms: 700 value_bytes: 2 }"},
  });
}

std::string Append(const std::string& value) {
  return absl::StrCat("append { table: 't' key: 'k' value { ", value, " } }");
}

TEST(Append, AddsToTextAndToBinaryData) {
  const std::string hundred(100, 'x');
  Converse({
      {Append("string: 'ab'"),
       "status: 200 states { version: 1 value_bytes: 2 }"},
      {Append("string: 'é'"),
       "status: 200 states { version: 2 value_bytes: 4 }"},
      {Append("string: ''"),
       "status: 200 states { version: 3 value_bytes: 4 }"},
      {"hget { table: 't' key: 'k' }",
       "status: 200 values { string: \"ab\\303\\251\" }"},
      {Append("binary: 'z'"),
       Refused(400, "value of t/k is a string, not binary")},
      // Over 127 bytes the length before the text is longer.
      {Append("string: '" + hundred + "'"),
       "status: 200 states { version: 4 value_bytes: 104 }"},
      {Append("string: '" + hundred + "'"),
       "status: 200 states { version: 5 value_bytes: 204 }"},
      {Append("string: '.'"),
       "status: 200 states { version: 6 value_bytes: 205 }"},
      {"hget { table: 't' key: 'k' }",
       "status: 200 values { string: \"ab\\303\\251" + hundred + hundred +
           ".\" }"},
      {Put("value { binary: '\\377' }"), "status: 200 states { version: 7 }"},
      {Append("binary: '\\000'"),
       "status: 200 states { version: 8 value_bytes: 2 }"},
      {"hget { table: 't' key: 'k' }",
       "status: 200 values { binary: \"\\377\\000\" }"},
      {Append("string: 'x'"),
       Refused(400, "value of t/k is binary, not a string")},
  });
}

TEST(Append, OfAnotherTypeIsRefused) {
  const std::string invalid =
      Invalid("what to append is neither string nor binary");
  Converse({
      {Append("integer: 1"), invalid},
      {Append(""), invalid},
      {"append { table: 't' key: 'k' }", invalid},
      {PutOne(""), "status: 200 states { version: 1 }"},
      {Append("string: 'x'"),
       Refused(400, "value of t/k is an integer, not a string")},
      {Put("value { }"), "status: 200 states { version: 2 }"},
      {Append("binary: 'x'"),
       Refused(400, "value of t/k is empty, not binary")},
  });
}

TEST(Append, MakesNoValueOverTheLimit) {
  MemoryStorage storage;
  ServiceOptions options;
  options.value_bytes_max = 100;
  ServiceTester tester(&storage, options);
  // With tag and length: at the limit, and a byte over it.
  EXPECT_EQ(tester.Ask(Append("string: '" + std::string(98, 'x') + "'"))
                .ShortDebugString(),
            "status: 200 states { version: 1 value_bytes: 98 }");
  EXPECT_EQ(tester.Ask(Append("string: 'x'")).ShortDebugString(),
            Refused(413, "value of 101 bytes exceeds the limit of 100"));
  EXPECT_EQ(tester.Ask(Append("string: ''")).status(), 200u);
}

TEST(NoPrevious, WritesAnswerWithoutValues) {
  Converse({
      {"hset { table: 't' pair { key: 'a' value { integer: 1 } } }",
       "status: 200 values { }"},
      {"hset { table: 't' pair { key: 'a' value { integer: 2 } } "
       "no_previous: true }",
       "status: 200"},
      {"hmset { table: 't' pairs { key: 'a' value { integer: 3 } } "
       "pairs { key: 'b' } no_previous: true }",
       "status: 200"},
      {"hget { table: 't' key: 'a' }", "status: 200 values { integer: 3 }"},
      {"hdel { table: 't' key: 'a' no_previous: true }", "status: 200"},
      {"hmdel { table: 't' keys: ['a', 'b'] no_previous: true }",
       "status: 200"},
      {"hgetall { table: 't' }", "status: 200"},
  });
}

}  // namespace
}  // namespace coffer::server
