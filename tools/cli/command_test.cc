#include "coffer/tools/cli/command.h"

#include <optional>
#include <string>
#include <vector>

#include "coffer/proto/requests.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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
      {{"watch", "t"}, Request("open_watch { table: 't' all: true }")},
      {{"watch", "t", "k"}, Request("open_watch { table: 't' key: 'k' }")},
      {{"watch", "t", ""}, Request("open_watch { table: 't' key: '' }")},
      {{"watch", "t", "--prefix=a/"},
       Request("open_watch { table: 't' prefix: 'a/' }")},
      {{"ping"}, Request("ping {}")},
  };
  for (const auto& c : cases) {
    const auto command = ParseCommand(c.words);
    ASSERT_TRUE(command.ok()) << command.status();
    EXPECT_EQ(command->request.SerializeAsString(),
              c.request.SerializeAsString())
        << command->request.ShortDebugString();
  }
}

TEST(ParseCommand, DataCommandsAndTheirFlags) {
  const struct {
    Words words;
    const char* request;
  } cases[] = {
      {{"read", "t", "a", "b"}, "read { table: 't' keys: 'a' keys: 'b' }"},
      {{"ttl", "t", "k"}, "read { table: 't' keys: 'k' without_values: true }"},
      {{"put", "t", "k", "int:5"},
       "put { table: 't' key: 'k' value { integer: 5 } }"},
      {{"put", "--if_absent", "t", "k", "v", "--expire_after=10m"},
       "put { table: 't' key: 'k' value { string: 'v' } "
       "condition { absent: true } expiry { after_ms: 600000 } }"},
      {{"put", "t", "k", "v", "--if_present", "--expire_at",
        "1970-01-01T00:00:01Z"},
       "put { table: 't' key: 'k' value { string: 'v' } "
       "condition { present: true } expiry { at_ms: 1000 } }"},
      {{"put", "t", "k", "v", "--if_version=0", "--keep_expiry", "--previous"},
       "put { table: 't' key: 'k' value { string: 'v' } "
       "condition { version: 0 } expiry { keep: true } want_previous: true }"},
      {{"put", "t", "k", "--", "--v"},
       "put { table: 't' key: 'k' value { string: '--v' } }"},
      {{"remove", "t", "k", "--if_version=7", "--previous"},
       "remove { table: 't' key: 'k' condition { version: 7 } "
       "want_previous: true }"},
      {{"incr", "t", "k"}, "increment { table: 't' key: 'k' integer: 1 }"},
      {{"incr", "t", "k", "-5"},
       "increment { table: 't' key: 'k' integer: -5 }"},
      {{"incr", "t", "k", "int:5"},
       "increment { table: 't' key: 'k' integer: 5 }"},
      {{"incr", "t", "k", "1.5"},
       "increment { table: 't' key: 'k' float: 1.5 }"},
      {{"incr", "t", "k", "float:1"},
       "increment { table: 't' key: 'k' float: 1 }"},
      {{"append", "t", "k", "x"},
       "append { table: 't' key: 'k' value { string: 'x' } }"},
      {{"append", "t", "k", "bin:00"},
       "append { table: 't' key: 'k' value { binary: '\\0' } }"},
      {{"expire", "t", "k", "10m", "--if_version", "7"},
       "expire { table: 't' key: 'k' expiry { after_ms: 600000 } "
       "condition { version: 7 } }"},
      {{"expire", "t", "k", "1970-01-01T00:00:01Z"},
       "expire { table: 't' key: 'k' expiry { at_ms: 1000 } }"},
      {{"persist", "t", "k"},
       "expire { table: 't' key: 'k' expiry { never: true } }"},
      {{"tables"}, "list_tables {}"},
      {{"tables", "u"}, "list_tables { prefix: 'u' }"},
      {{"count", "t"}, "count_keys { table: 't' }"},
      {{"drop", "t"}, "drop_table { table: 't' }"},
      {{"rename", "t", "u"}, "rename_table { table: 't' new_name: 'u' }"},
      {{"scan", "t"}, "scan { table: 't' }"},
      {{"scan", "t", "--prefix=a", "--begin=b", "--end", "c", "--limit=5",
        "--keys_only"},
       "scan { table: 't' prefix: 'a' begin: 'b' end: 'c' limit: 5 "
       "keys_only: true }"},
  };
  for (const auto& c : cases) {
    const auto command = ParseCommand(c.words);
    ASSERT_TRUE(command.ok()) << command.status();
    EXPECT_EQ(command->request.ShortDebugString(),
              Request(c.request).ShortDebugString());
  }
}

TEST(ParseCommand, WordsBehindTwoDashesAreNoFlags) {
  const auto command =
      ParseCommand(Words{"put", "--if_absent", "t", "k", "--previous"}, 4);
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->request.put().value().string(), "--previous");
  EXPECT_TRUE(command->request.put().condition().absent());
  const auto all = ParseCommand(Words{"put", "t", "--k", "v"}, 0);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->request.put().key(), "--k");
}

TEST(ParseCommand, TransactionIsReadFromAFileOrNot) {
  EXPECT_EQ(ParseCommand(Words{"txn"})->transaction_file, "");
  EXPECT_EQ(ParseCommand(Words{"txn", "f"})->transaction_file, "f");
  EXPECT_EQ(ParseCommand(Words{"ping"})->transaction_file, std::nullopt);
}

TEST(ParseCommand, DumpAndLoad) {
  const auto all = ParseCommand(Words{"dump"});
  ASSERT_TRUE(all.ok() && all->dump.has_value()) << all.status();
  EXPECT_THAT(all->dump->tables, testing::IsEmpty());
  EXPECT_FALSE(all->dump->progress);
  const auto some = ParseCommand(Words{"dump", "a", "b", "a", "--progress"});
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_THAT(some->dump->tables, testing::ElementsAre("a", "b"));
  EXPECT_TRUE(some->dump->progress);
  EXPECT_EQ(ParseCommand(Words{"dump", "--resume=f"})->dump->resume_file, "f");
  const auto load = ParseCommand(Words{"load", "f", "--from_line=7"});
  ASSERT_TRUE(load.ok() && load->load.has_value()) << load.status();
  EXPECT_EQ(load->load->file, "f");
  EXPECT_EQ(load->load->from_line, 7u);
  EXPECT_EQ(ParseCommand(Words{"load"})->load->file, "");
  EXPECT_EQ(ParseCommand(Words{"load"})->load->from_line, 1u);
}

TEST(ParseCommand, WrongUseOfFlagsSaysWhatIsWrong) {
  const struct {
    Words words;
    const char* why;
  } cases[] = {
      {{"put", "t", "k", "v", "--if"}, "put: it has no flag \"--if\""},
      {{"put", "t", "k", "v", "--if_absent", "--if_version=1"},
       "put: --if_absent and --if_version do not go together"},
      {{"put", "t", "k", "v", "--expire_at=x", "--keep_expiry"},
       "--expire_at and --keep_expiry do not go together"},
      {{"put", "t", "k", "v", "--if_version=-1"},
       "put: --if_version: \"-1\" is no number from 0"},
      {{"put", "t", "k", "v", "--expire_after=x"},
       "put: --expire_after: \"x\" is not a duration"},
      {{"put", "t", "k", "v", "--expire_at=10m"},
       "put: --expire_at: \"10m\" is not a time"},
      {{"put", "t", "k", "--if_absent"}, "2 arguments were given"},
      {{"put", "t", "k", "int:x"}, "put: int: \"x\" is not a whole number"},
      {{"remove", "t", "k", "--if_absent"}, "remove: it has no flag"},
      {{"incr", "t", "k", "x"}, "incr: \"x\" is no number"},
      {{"incr", "t", "k", "bool:true"}, "incr: \"bool:true\" is no number"},
      {{"append", "t", "k", "int:5"}, "append: \"int:5\" is neither text"},
      {{"expire", "t", "k", "x"}, "expire: \"x\" is not a duration"},
      {{"scan", "t", "--limit=0"}, "scan: --limit: \"0\" is no number from 1"},
      {{"scan", "t", "--prefix=\xff"}, "scan: \"\\xff\" is not UTF-8"},
      {{"txn", "a", "b"}, "txn: it takes [FILE]; 2 arguments"},
      {{"dump", "t", "--resume=f"}, "dump: --resume goes on with the tables"},
      {{"dump", "--resume="}, "dump: --resume needs the name of a file"},
      {{"load", "--from_line=0"}, "load: --from_line: \"0\" is no number"},
  };
  for (const auto& c : cases) {
    const auto command = ParseCommand(c.words);
    ASSERT_FALSE(command.ok()) << c.why;
    EXPECT_TRUE(absl::IsInvalidArgument(command.status()));
    EXPECT_THAT(std::string(command.status().message()), HasSubstr(c.why));
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
      {{"watch"}, "watch: it takes TABLE [KEY]; 0 arguments"},
      {{"watch", "t", "k", "l"}, "watch: it takes TABLE [KEY]; 3 arguments"},
      {{"watch", "t", "k", "--prefix=a"},
       "watch: KEY and --prefix do not go together"},
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
        "watch TABLE [KEY] [FLAGS] ", "pub TOPIC VALUE... ", "ping  ",
        "scan TABLE [FLAGS] ", "put TABLE KEY VALUE [FLAGS] ", "txn [FILE] ",
        "tables [PREFIX] "}) {
    EXPECT_THAT(help, HasSubstr(std::string("  ") + line));
  }
}

TEST(CommandHelp, NamesTheFlags) {
  const std::string help = CommandHelp("scan");
  EXPECT_THAT(help, HasSubstr("usage: kvc [FLAGS] scan TABLE [FLAGS]\n"));
  EXPECT_THAT(help, HasSubstr("\n  --prefix=PREFIX "));
  EXPECT_THAT(help, HasSubstr("\n  --keys_only "));
  EXPECT_THAT(CommandHelp("get"), Not(HasSubstr("Its flags")));
  EXPECT_EQ(CommandHelp("got"), "");
}

TEST(FindCommandFlag, KnowsWhatACommandHas) {
  ASSERT_NE(FindCommandFlag("scan", "prefix"), nullptr);
  EXPECT_EQ(FindCommandFlag("scan", "prefix")->value, "PREFIX");
  EXPECT_EQ(FindCommandFlag("scan", "previous"), nullptr);
  EXPECT_EQ(FindCommandFlag("got", "prefix"), nullptr);
}

}  // namespace
}  // namespace coffer::cli
