#include "coffer/tools/cli/command.h"

#include <string>
#include <vector>

#include "coffer/proto/requests.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;

using Words = std::vector<std::string>;

v1::CommandRequest Request(const std::string& text) {
  v1::CommandRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

TEST(ParseCommand, EachCommandMakesItsRequest) {
  const struct {
    Words words;
    v1::CommandRequest request;
  } cases[] = {
      {{"get", "t", "k"}, MakeHget("t", "k")},
      {{"get", "", ""}, MakeHget("", "")},
      {{"set", "t", "k", "int:5"}, MakeHset("t", "k", 5)},
      {{"set", "t", "k", "a b"}, MakeHset("t", "k", "a b")},
      {{"set", "t", "int:5", "x"}, MakeHset("t", "int:5", "x")},
      {{"set", "t", "k", "none:"}, MakeHset("t", "k", v1::Value())},
      {{"del", "t", "k"}, MakeHdel("t", "k")},
      {{"exists", "t", "k"}, MakeHexist("t", "k")},
      {{"mget", "t", "a"}, MakeHmget("t", {"a"})},
      {{"mget", "t", "a", "b", "a"}, MakeHmget("t", {"a", "b", "a"})},
      {{"mset", "t", "a", "bool:true", "b", "x"},
       MakeHmset("t", {{"a", true}, {"b", "x"}})},
      {{"mdel", "t", "a", "b"}, MakeHmdel("t", {"a", "b"})},
      {{"mexists", "t", "a", "b"}, MakeHmexist("t", {"a", "b"})},
      {{"getall", "t"}, MakeHgetall("t")},
      {{"pub", "t", "int:5", "x"},
       Request("publish { topic: 't' data { integer: 5 } "
               "data { string: 'x' } }")},
      {{"sub", "t"}, Request("open_subscription { topic: 't' }")},
      {{"ping"}, Request("ping {}")},
  };
  for (const auto& c : cases) {
    const auto request = ParseCommand(c.words);
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->SerializeAsString(), c.request.SerializeAsString())
        << request->ShortDebugString();
  }
}

TEST(ParseCommand, WrongUseSaysWhatIsWrong) {
  const struct {
    Words words;
    const char* why;
  } cases[] = {
      {{"got", "t"}, "no command \"got\"; kvc help lists them"},
      {{"GET", "t", "k"}, "no command \"GET\""},
      {{""}, "no command \"\""},
      {{"\x1b"}, "no command \"\\x1b\""},
      {{"get"}, "get: it takes TABLE KEY; 0 arguments were given"},
      {{"get", "t"}, "get: it takes TABLE KEY; 1 argument was given"},
      {{"get", "t", "k", "x"}, "3 arguments were given"},
      {{"set", "t", "k"}, "set: it takes TABLE KEY VALUE; 2 arguments"},
      {{"set", "t", "k", "a", "b"}, "set: it takes TABLE KEY VALUE; 4"},
      {{"set", "t", "k", "int:x"}, "set: int: \"x\" is not a whole number"},
      {{"mget", "t"}, "mget: it takes TABLE KEY...; 1 argument"},
      {{"mset", "t", "a"}, "mset: it takes TABLE KEY VALUE [KEY VALUE]...; 2"},
      {{"mset", "t", "a", "1", "b"}, "the last key, \"b\", has no value"},
      {{"mset", "t", "a", "1", "b", "bin:x"}, "mset: bin: \"x\""},
      {{"mdel", "t"}, "mdel: it takes"},
      {{"mexists", "t"}, "mexists: it takes"},
      {{"getall"}, "getall: it takes TABLE; 0 arguments"},
      {{"getall", "t", "k"}, "getall: it takes TABLE; 2 arguments"},
      {{"pub", "t"}, "pub: it takes TOPIC VALUE...; 1 argument"},
      {{"pub", "t", "int:x"}, "pub: int: \"x\" is not a whole number"},
      {{"sub"}, "sub: it takes TOPIC; 0 arguments"},
      {{"sub", "t", "u"}, "sub: it takes TOPIC; 2 arguments"},
      {{"ping", "t"}, "ping: it takes no arguments; 1 argument was given"},
      {{"get", "\xff", "k"}, "get: \"\\xff\" is not UTF-8"},
      {{"mget", "t", "a", "\xff"}, "mget: \"\\xff\" is not UTF-8"},
      {{"set", "t", "k", "\xff"}, "values of bytes are given as bin:HEX"},
  };
  for (const auto& c : cases) {
    const auto request = ParseCommand(c.words);
    ASSERT_FALSE(request.ok()) << c.why;
    EXPECT_TRUE(absl::IsInvalidArgument(request.status()));
    EXPECT_THAT(std::string(request.status().message()), HasSubstr(c.why));
  }
}

TEST(CommandsHelp, NamesEachCommandThatParses) {
  const std::string help = CommandsHelp();
  for (const char* line :
       {"get TABLE KEY ", "set TABLE KEY VALUE ", "del TABLE KEY ",
        "exists TABLE KEY ", "mget TABLE KEY... ",
        "mset TABLE KEY VALUE [KEY VALUE]... ", "mdel TABLE KEY... ",
        "mexists TABLE KEY... ", "getall TABLE ", "sub TOPIC ",
        "pub TOPIC VALUE... ", "ping  "}) {
    EXPECT_THAT(help, HasSubstr(std::string("  ") + line));
  }
}

}  // namespace
}  // namespace coffer::cli
