// Every command's answers as the older protocol has them, byte for byte: in
// hex, as observed on the original. Each conversation has a store of its own,
// and its requests are asked twice over: one run each, and all in one run.

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

struct Turn {
  v1::CommandRequest request;
  std::string answer_hex;
};

Turn T(const std::string& text, const std::string& answer_hex) {
  return {Request(text), answer_hex};
}

// A request in hex: what cannot be written as text.
Turn Raw(const std::string& request_hex, const std::string& answer_hex) {
  Turn turn{{}, answer_hex};
  EXPECT_TRUE(
      turn.request.ParseFromString(absl::HexStringToBytes(request_hex)));
  return turn;
}

// An answer with an error, in hex.
std::string Error(uint32_t status, const std::string& message) {
  v1::CommandResponse response;
  response.set_status(status);
  response.set_message(message);
  return WireHex(response);
}

constexpr char kOk[] = "08c801";
constexpr char kOkEmptyValue[] = "08c8011a00";
constexpr char kOkTrue[] = "08c8011a022801";
constexpr char kOkFalse[] = "08c8011a022800";

void Converse(const std::vector<Turn>& turns) {
  MemoryStorage one_by_one_storage;
  ServiceTester one_by_one(&one_by_one_storage);
  std::vector<v1::CommandRequest> requests;
  for (const Turn& turn : turns) {
    EXPECT_EQ(WireHex(one_by_one.Ask(turn.request)), turn.answer_hex)
        << turn.request.ShortDebugString();
    requests.push_back(turn.request);
  }
  MemoryStorage at_once_storage;
  ServiceTester at_once(&at_once_storage);
  const std::vector<v1::CommandResponse> responses = at_once.AskAll(requests);
  for (size_t i = 0; i < turns.size(); ++i) {
    EXPECT_EQ(WireHex(responses[i]), turns[i].answer_hex)
        << "in one run: " << turns[i].request.ShortDebugString();
  }
}

TEST(GoldenAnswers, Hget) {
  Converse({
      T("hget { table: 't1' key: 'k1' }",
        "089403121b4e6f7420666f756e643a207461626c652074312c206b6579206b31"),
      T("hset { table: 't1' pair { key: 'other' value { integer: 1 } } }",
        kOkEmptyValue),
      T("hget { table: 't1' key: 'k1' }",
        Error(404, "Not found: table t1, key k1")),
      T("hset { table: 't1' pair { key: 'k1' value { string: 'world' } } }",
        kOkEmptyValue),
      T("hget { table: 't1' key: 'k1' }", "08c8011a070a05776f726c64"),
  });
}

TEST(GoldenAnswers, ValuesOfEveryType) {
  Converse({
      T("hmset { table: 't' pairs { key: 's' value { string: '' } } "
        "pairs { key: 'b' value { binary: '\\000\\377' } } "
        "pairs { key: 'i' value { integer: 0 } } "
        "pairs { key: 'n' value { integer: -1 } } "
        "pairs { key: 'f' value { float: 10.1 } } "
        "pairs { key: 'o' value { bool: false } } "
        "pairs { key: 'e' value { } } pairs { key: 'x' } }",
        "08c801"
        "1a00"
        "1a00"
        "1a00"
        "1a00"
        "1a00"
        "1a00"
        "1a00"
        "1a00"),
      T("hget { table: 't' key: 's' }", "08c8011a020a00"),
      T("hget { table: 't' key: 'b' }", "08c8011a04120200ff"),
      T("hget { table: 't' key: 'i' }", "08c8011a021800"),
      T("hget { table: 't' key: 'n' }", "08c8011a0b18ffffffffffffffffff01"),
      T("hget { table: 't' key: 'f' }", "08c8011a09213333333333332440"),
      T("hget { table: 't' key: 'o' }", kOkFalse),
      T("hget { table: 't' key: 'e' }", kOkEmptyValue),
      T("hget { table: 't' key: 'x' }", kOkEmptyValue),
      T("hexist { table: 't' key: 'x' }", kOkTrue),
  });
}

TEST(GoldenAnswers, HgetallOfNoTableIsNothing) {
  Converse({T("hgetall { table: 'score' }", kOk)});
}

TEST(GoldenAnswers, HgetallGivesPairs) {
  Converse({
      T("hset { table: 't' pair { key: 'k' value { integer: 8 } } }",
        kOkEmptyValue),
      T("hgetall { table: 't' }", "08c80122070a016b12021808"),
      T("hset { table: 'empty' pair { } }", kOkEmptyValue),
      T("hgetall { table: 'empty' }", "08c80122021200"),
      T("hdel { table: 't' key: 'k' }", "08c8011a021808"),
      T("hgetall { table: 't' }", kOk),
  });
}

TEST(GoldenAnswers, HmgetKeepsOrderAndShowsHoles) {
  Converse({
      T("hmset { table: 't' pairs { key: 'a' value { string: 'Tyr' } } "
        "pairs { key: 'b' value { string: 'Rosie' } } }",
        "08c8011a001a00"),
      T("hmget { table: 't' keys: ['a', 'none', 'b'] }",
        "08c8011a050a035479721a001a070a05526f736965"),
      T("hmget { table: 't' keys: ['b', 'b'] }",
        "08c8011a070a05526f7369651a070a05526f736965"),
      T("hmget { table: 't' }", kOk),
      T("hmget { table: 'none' keys: ['a', 'b'] }", "08c8011a001a00"),
  });
}

TEST(GoldenAnswers, HsetGivesThePreviousValue) {
  Converse({
      T("hset { table: 'table1' pair { key: 'hello' "
        "value { string: 'world' } } }",
        kOkEmptyValue),
      T("hset { table: 'table1' pair { key: 'hello' value { integer: 1 } } }",
        "08c8011a070a05776f726c64"),
      T("hset { table: 'table1' pair { key: 'hello' } }", "08c8011a021801"),
      T("hset { table: 'table1' pair { key: 'hello' value { bool: true } } }",
        kOkEmptyValue),
      T("hset { table: 'table1' pair { key: 'hello' } }", kOkTrue),
  });
}

TEST(GoldenAnswers, HsetWithoutPairIsInvalid) {
  Converse({
      T("hset { table: 't1' }",
        Error(400, "Command is invalid: `Hset { table: \"t1\", pair: None }`")),
      T("hgetall { table: 't1' }", kOk),
  });
}

TEST(GoldenAnswers, HmsetGivesThePreviousValues) {
  Converse({
      T("hmset { table: 't' }", kOk),
      T("hmset { table: 't' pairs { key: 'a' value { integer: 1 } } "
        "pairs { key: 'b' value { integer: 2 } } }",
        "08c8011a001a00"),
      T("hmset { table: 't' pairs { key: 'b' value { integer: 3 } } "
        "pairs { key: 'c' value { integer: 4 } } "
        "pairs { key: 'a' } }",
        "08c801"
        "1a021802"
        "1a00"
        "1a021801"),
      T("hmget { table: 't' keys: ['a', 'b', 'c'] }",
        "08c801"
        "1a00"
        "1a021803"
        "1a021804"),
  });
}

TEST(GoldenAnswers, HmsetWithAKeyTwiceGivesItsEarlierValue) {
  Converse({
      T("hmset { table: 't' pairs { key: 'a' value { integer: 1 } } "
        "pairs { key: 'a' value { integer: 2 } } "
        "pairs { key: 'a' value { integer: 3 } } }",
        "08c801"
        "1a00"
        "1a021801"
        "1a021802"),
      T("hget { table: 't' key: 'a' }", "08c8011a021803"),
  });
}

TEST(GoldenAnswers, HdelGivesTheRemovedValueAndKnowsNo404) {
  Converse({
      T("hdel { table: 't' key: 'k' }", kOkEmptyValue),
      T("hset { table: 't' pair { key: 'k' value { integer: 8 } } }",
        kOkEmptyValue),
      T("hdel { table: 't' key: 'k' }", "08c8011a021808"),
      T("hdel { table: 't' key: 'k' }", kOkEmptyValue),
      T("hget { table: 't' key: 'k' }",
        Error(404, "Not found: table t, key k")),
  });
}

TEST(GoldenAnswers, HmdelGivesTheRemovedValuesInOrder) {
  Converse({
      T("hmset { table: 't' pairs { key: 'a' value { integer: 1 } } "
        "pairs { key: 'b' value { integer: 2 } } }",
        "08c8011a001a00"),
      T("hmdel { table: 't' keys: ['b', 'none', 'a', 'a'] }",
        "08c801"
        "1a021802"
        "1a00"
        "1a021801"
        "1a00"),
      T("hmdel { table: 't' }", kOk),
      T("hgetall { table: 't' }", kOk),
  });
}

TEST(GoldenAnswers, HexistAndHmexist) {
  Converse({
      T("hexist { table: 't' key: 'u1' }", kOkFalse),
      T("hset { table: 't' pair { key: 'u1' } }", kOkEmptyValue),
      T("hexist { table: 't' key: 'u1' }", kOkTrue),
      T("hexist { table: 'T' key: 'u1' }", kOkFalse),
      T("hmexist { table: 't' keys: ['u1', 'u3'] }",
        "08c801"
        "1a022801"
        "1a022800"),
      T("hmexist { table: 't' }", kOk),
  });
}

TEST(GoldenAnswers, RequestWithNothingInItIsInvalid) {
  const std::string no_data =
      "0890031229436f6d6d616e6420697320696e76616c69643a2060526571756573742068"
      "6173206e6f206461746160";
  Converse({
      T("", no_data),
      T("request_id: 7 deadline_ms: 5", no_data),
      // A command of another time (number 99) reads as nothing.
      Raw("9a0600", no_data),
      T("hello { protocol_version: 1 }", no_data),
  });
}

// What a subscriber gets: //server/session:older_topics_test.
TEST(GoldenAnswers, PublishAndUnsubscribe) {
  Converse({
      T("publish { topic: 'lobby' data { integer: 1 } }", kOk),
      T("publish { topic: 'lobby' }", kOk),
      T("publish { }", kOk),
      T("unsubscribe { topic: 'lobby' id: 9527 }",
        Error(404, "Not found: subscription 9527")),
      T("subscribe { topic: 'lobby' }",
        Error(400, "Command is invalid: `subscriptions need a connection`")),
  });
}

TEST(GoldenAnswers, OfTwoMembersTheLastWins) {
  Converse({
      // hset { table: "t" pair { key: "k" value { integer: 1 } } }, then
      // hexist { table: "t" key: "k" } in the same message.
      Raw("220c0a017412070a016b12021801"
          "42060a017412016b",
          kOkFalse),
      Raw("42060a017412016b"
          "220c0a017412070a016b12021801",
          kOkEmptyValue),
      T("hget { table: 't' key: 'k' }", "08c8011a021801"),
  });
}

TEST(GoldenAnswers, UnknownFieldsOfAStoredValueAreDropped) {
  Converse({
      // value { integer: 1, and field 9 = 7 }
      Raw("220e0a017412090a016b120418014807", kOkEmptyValue),
      T("hget { table: 't' key: 'k' }", "08c8011a021801"),
      // The same in an HMSET.
      Raw("2a0e0a017412090a016b120418024807", "08c8011a021801"),
      T("hgetall { table: 't' }", "08c80122070a016b12021802"),
      // Unknown fields of the request itself are skipped.
      Raw("0a080a0174"
          "12016b"
          "4807",
          "08c8011a021802"),
  });
}

TEST(GoldenAnswers, NamesAreAnyText) {
  const char* const kNames[] = {"", ":", "a:b", "\\000", "a\\000b", "表", " "};
  std::vector<Turn> turns;
  int value = 0;
  for (const char* table : kNames) {
    for (const char* key : kNames) {
      turns.push_back(
          T(absl::StrCat("hset { table: '", table, "' pair { key: '", key,
                         "' value { integer: ", value++ % 128, " } } }"),
            kOkEmptyValue));
    }
  }
  value = 0;
  for (const char* table : kNames) {
    for (const char* key : kNames) {
      turns.push_back(
          T(absl::StrCat("hget { table: '", table, "' key: '", key, "' }"),
            absl::StrCat("08c8011a0218",
                         absl::Hex(value++ % 128, absl::kZeroPad2))));
    }
  }
  turns.push_back(
      T("hget { table: '键' key: 'a\\000' }",
        Error(404, std::string("Not found: table 键, key a\0", 28))));
  Converse(turns);
}

}  // namespace
}  // namespace coffer::server
