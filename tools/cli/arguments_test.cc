#include "coffer/tools/cli/arguments.h"

#include <string>
#include <vector>

#include "coffer/tools/cli/escapes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using List = std::vector<std::string>;

const CommandFlag* FindTestFlag(absl::string_view command,
                                absl::string_view flag) {
  static constexpr CommandFlag kFlags[] = {{"prefix", "PREFIX", ""},
                                           {"dry", "", ""}};
  return command == "scan" ? FindFlag(kFlags, flag) : nullptr;
}

absl::StatusOr<Arguments> Parse(const List& list) {
  return ParseArguments(list, FindTestFlag);
}

TEST(ParseArguments, NothingGivenIsTheDefaults) {
  const auto arguments = Parse(List{});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->server, "127.0.0.1:9527");
  EXPECT_EQ(arguments->timeout, std::chrono::seconds(10));
  EXPECT_FALSE(arguments->tls);
  EXPECT_FALSE(arguments->json);
  EXPECT_FALSE(arguments->help);
  EXPECT_THAT(arguments->words, IsEmpty());
}

TEST(ParseArguments, EachFlagIsTaken) {
  const auto arguments =
      Parse(List{"--server=h:1", "--tls", "--ca=a.pem", "--cert=c.pem",
                 "--key=k.pem", "--name=n", "--timeout=1.5s",
                 "--answer_max=2000", "--json", "get", "t", "k"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->server, "h:1");
  EXPECT_TRUE(arguments->tls);
  EXPECT_EQ(arguments->ca, "a.pem");
  EXPECT_EQ(arguments->cert, "c.pem");
  EXPECT_EQ(arguments->key, "k.pem");
  EXPECT_EQ(arguments->name, "n");
  EXPECT_EQ(arguments->timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(arguments->answer_bytes_max, 2000u);
  EXPECT_TRUE(arguments->json);
  EXPECT_THAT(arguments->words, ElementsAre("get", "t", "k"));
}

TEST(ParseArguments, FlagsMayBeWrittenInSeveralWays) {
  for (const List& list :
       {List{"--server", "h:1", "--json", "x"},
        List{"-server=h:1", "-json", "x"},
        List{"x", "--json=true", "--server=h:1"},
        List{"--server=g:2", "--json=false", "x", "--json", "--server=h:1"}}) {
    const auto arguments = Parse(list);
    ASSERT_TRUE(arguments.ok()) << arguments.status();
    EXPECT_EQ(arguments->server, "h:1");
    EXPECT_TRUE(arguments->json);
    EXPECT_THAT(arguments->words, ElementsAre("x"));
  }
}

TEST(ParseArguments, WordsThatLookLikeFlagsComeAfterTwoDashes) {
  const auto arguments =
      Parse(List{"--json", "get", "--", "-t", "--json", "--", "-"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->words, ElementsAre("get", "-t", "--json", "--", "-"));
}

TEST(ParseArguments, FlagsOfTheCommandAreWords) {
  for (const List& list :
       {List{"scan", "t", "--prefix=a", "--json", "--dry"},
        List{"scan", "-json", "t", "-prefix=a", "-dry"},
        List{"--json", "scan", "t", "--prefix", "a", "--dry"}}) {
    const auto arguments = Parse(list);
    ASSERT_TRUE(arguments.ok()) << arguments.status();
    EXPECT_TRUE(arguments->json);
    EXPECT_THAT(arguments->words,
                ElementsAre("scan", "t", "--prefix=a", "--dry"));
    EXPECT_EQ(arguments->plain_from, kNoPlainWords);
  }
  const auto value = Parse(List{"scan", "--prefix", "--json", "t"});
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_THAT(value->words, ElementsAre("scan", "--prefix=--json", "t"));
  const auto missing = Parse(List{"scan", "t", "--prefix"});
  ASSERT_TRUE(missing.ok()) << missing.status();
  EXPECT_THAT(missing->words, ElementsAre("scan", "t", "--prefix"));
}

TEST(ParseArguments, WhatComesAfterTwoDashesIsMarked) {
  const auto arguments = Parse(List{"scan", "--dry", "--", "--prefix=a"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->words, ElementsAre("scan", "--dry", "--prefix=a"));
  EXPECT_EQ(arguments->plain_from, 2u);
}

TEST(ParseArguments, NegativeNumbersAreWords) {
  const auto arguments = Parse(List{"incr", "t", "k", "-5", "-.5"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->words, ElementsAre("incr", "t", "k", "-5", "-.5"));
}

TEST(ParseArguments, WordsWithDashesInsideNeedNothing) {
  const auto arguments = Parse(List{"set", "t-1", "-", "int:-5", ""});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->words, ElementsAre("set", "t-1", "-", "int:-5", ""));
}

TEST(ParseArguments, HelpIsGivenWhateverElseIsWrong) {
  const auto arguments = Parse(List{"--help", "--server="});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_TRUE(arguments->help);
}

TEST(ParseArguments, WrongUseSaysWhatIsWrong) {
  const struct {
    List list;
    const char* why;
  } cases[] = {
      {{"--sever=h:1", "x"}, "unknown flag \"--sever=h:1\""},
      {{"get", "t", "-k"}, "unknown flag \"-k\"; words that begin with -"},
      {{"--prefix=x", "scan", "t"}, "unknown flag \"--prefix=x\""},
      {{"get", "t", "--prefix=x"}, "unknown flag \"--prefix=x\""},
      {{"--answer_max=x"}, "--answer_max: \"x\" is not from 1024 to"},
      {{"--answer_max=1000"}, "--answer_max: \"1000\" is not from 1024 to"},
      {{"---json"}, "unknown flag \"---json\""},
      {{"--\x1b"}, "unknown flag \"--\\x1b\""},
      {{"--=x"}, "unknown flag \"--=x\""},
      {{"get", "--server"}, "--server needs a value: --server=HOST:PORT"},
      {{"--json=yes"}, "--json takes true or false, not \"yes\""},
      {{"--server=h:x"}, "--server: \"h:x\" is not HOST:PORT"},
      {{"--server="}, "--server: \"\" is not HOST:PORT: no host"},
      {{"--timeout=10"}, "--timeout: \"10\" is not a time such as 10s"},
      {{"--timeout=0s"}, "--timeout: 0 is not from 1ms to 24h"},
      {{"--timeout=-1s"}, "--timeout: -1s is not from"},
      {{"--timeout=inf"}, "--timeout: inf is not from"},
      {{"--ca=x"}, "--ca needs --tls"},
      {{"--cert=x", "--key=y"}, "--cert needs --tls"},
      {{"--name=x", "--tls=false"}, "--name needs --tls"},
      {{"--tls", "--cert=x"}, "go together; --key is missing"},
      {{"--tls", "--key=x"}, "go together; --cert is missing"},
  };
  for (const auto& c : cases) {
    const auto arguments = Parse(c.list);
    ASSERT_FALSE(arguments.ok()) << c.why;
    EXPECT_TRUE(absl::IsInvalidArgument(arguments.status()));
    EXPECT_THAT(std::string(arguments.status().message()), HasSubstr(c.why));
    EXPECT_FALSE(HasUnprintable(arguments.status().message()));
  }
}

TEST(FlagsHelp, NamesEachFlag) {
  for (const char* flag :
       {"--server=HOST:PORT ", "--tls ", "--ca=FILE ", "--cert=FILE ",
        "--key=FILE ", "--name=NAME ", "--timeout=TIME ", "--answer_max=BYTES ",
        "--json ", "--help "}) {
    EXPECT_THAT("\n" + FlagsHelp(), HasSubstr(std::string("\n  ") + flag));
  }
}

}  // namespace
}  // namespace coffer::cli
