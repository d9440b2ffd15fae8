// ListTables, CountKeys, DropTable, RenameTable, Scan: answers, pages, limits.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/commands/page.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "coffer/testing/storage/model_storage.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::DeferredStorage;
using ::coffer_testing::ModelStorage;

enum class Engine { kMemory, kMemoryLater, kModel };

class TablesTest : public ::testing::TestWithParam<Engine> {
 protected:
  static std::unique_ptr<Storage> MakeStorage(Engine engine) {
    if (engine == Engine::kModel) return std::make_unique<ModelStorage>();
    auto memory = std::make_unique<MemoryStorage>();
    if (engine == Engine::kMemory) return memory;
    return std::make_unique<DeferredStorage>(std::move(memory));
  }

  std::string Ask(const std::string& text) {
    return tester_.Ask(text).ShortDebugString();
  }
  v1::CommandResponse Put(const std::string& table, const std::string& key,
                          const std::string& value) {
    v1::CommandRequest request;
    request.mutable_put()->set_table(table);
    request.mutable_put()->set_key(key);
    request.mutable_put()->mutable_value()->set_string(value);
    return tester_.Ask(request);
  }

  // All pages of a scan, asked for with `fields`; each key with its value.
  // Fails if a key comes twice.
  std::map<std::string, std::string> ScanAll(const std::string& fields,
                                             int* pages = nullptr) {
    std::map<std::string, std::string> found;
    v1::CommandRequest request =
        Request(absl::StrCat("scan { table: 't' ", fields, " }"));
    for (int page = 1;; ++page) {
      if (pages != nullptr) *pages = page;
      const v1::CommandResponse response = tester_.Ask(request);
      EXPECT_EQ(response.status(), 200u) << response.ShortDebugString();
      for (const v1::KeyState& state : response.states()) {
        EXPECT_TRUE(found.emplace(state.key(), state.value().string()).second)
            << state.key() << " came twice";
        EXPECT_GT(state.version(), 0u);
      }
      if (response.cursor().empty() || response.status() != 200u) return found;
      request.mutable_scan()->set_cursor(response.cursor());
    }
  }

  const std::unique_ptr<Storage> storage_ = MakeStorage(GetParam());
  ServiceTester tester_{storage_.get()};
};

INSTANTIATE_TEST_SUITE_P(Engines, TablesTest,
                         ::testing::Values(Engine::kMemory,
                                           Engine::kMemoryLater,
                                           Engine::kModel));

TEST_P(TablesTest, ListGivesTablesByName) {
  EXPECT_EQ(Ask("list_tables { }"), "status: 200");
  Put("b", "k", "v");
  Put("a", "k", "v");
  Put("a", "long key", "v");
  Put("", "", "");
  // A value of one character is three bytes.
  EXPECT_EQ(Ask("list_tables { }"),
            "status: 200 tables { keys: 1 bytes: 2 } "
            "tables { name: \"a\" keys: 2 bytes: 15 } "
            "tables { name: \"b\" keys: 1 bytes: 4 }");
  EXPECT_EQ(Ask("list_tables { prefix: 'b' }"),
            "status: 200 tables { name: \"b\" keys: 1 bytes: 4 }");
  EXPECT_EQ(Ask("list_tables { prefix: 'c' }"), "status: 200");
}

TEST_P(TablesTest, ListComesInPages) {
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) {
    names.push_back(absl::StrCat("table", 100 + i));
    Put(names.back(), "k", "v");
  }
  Put("other", "k", "v");
  std::vector<std::string> listed;
  v1::CommandRequest request = Request("list_tables { prefix: 'ta' limit: 7 }");
  int pages = 0;
  for (;;) {
    const v1::CommandResponse response = tester_.Ask(request);
    ++pages;
    ASSERT_LE(response.tables_size(), 7);
    for (const v1::TableInfo& table : response.tables()) {
      listed.push_back(table.name());
    }
    if (response.cursor().empty()) break;
    ASSERT_GT(response.tables_size(), 0);
    request.mutable_list_tables()->set_cursor(response.cursor());
  }
  EXPECT_EQ(listed, names);
  EXPECT_EQ(pages, 4);
}

TEST_P(TablesTest, CountDropAndRenameTellOfTheTable) {
  Put("t", "a", "v");
  Put("t", "b", "v");
  Put("other", "k", "v");
  const std::string table =
      "status: 200 tables { name: \"t\" keys: 2 bytes: 8 }";
  EXPECT_EQ(Ask("count_keys { table: 't' }"), table);
  EXPECT_EQ(Ask("rename_table { table: 't' new_name: 'u' }"),
            "status: 200 tables { name: \"u\" keys: 2 bytes: 8 }");
  EXPECT_EQ(Ask("hget { table: 'u' key: 'b' }"),
            "status: 200 values { string: \"v\" }");
  EXPECT_EQ(Ask("hget { table: 't' key: 'b' }"),
            "status: 404 message: \"Not found: table t, key b\" "
            "outcome: NOT_EXECUTED");
  EXPECT_EQ(Ask("drop_table { table: 'u' }"),
            "status: 200 tables { name: \"u\" keys: 2 bytes: 8 }");
  EXPECT_EQ(Ask("scan { table: 'u' }"), "status: 200");
  EXPECT_EQ(storage_->counts().keys, 1u);
  EXPECT_EQ(storage_->counts().tables, 1u);
}

TEST_P(TablesTest, TablesThatAreNotThereAre404AndNothingIsDone) {
  const std::string none =
      "status: 404 message: \"Not found: table t\" outcome: NOT_EXECUTED";
  EXPECT_EQ(Ask("count_keys { table: 't' }"), none);
  EXPECT_EQ(Ask("drop_table { table: 't' }"), none);
  EXPECT_EQ(Ask("rename_table { table: 't' new_name: 'u' }"), none);
}

TEST_P(TablesTest, RenameToANameThatIsTakenIsRefused) {
  Put("t", "a", "v");
  Put("u", "b", "v");
  const v1::CommandResponse taken =
      tester_.Ask("rename_table { table: 't' new_name: 'u' }");
  EXPECT_EQ(taken.status(), 409u);
  EXPECT_EQ(taken.outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(taken.states_size(), 0);
  EXPECT_FALSE(taken.message().empty());
  EXPECT_EQ(Ask("rename_table { table: 't' new_name: 't' }"),
            "status: 400 message: \"Command is invalid: `rename_table: t has "
            "this name`\" outcome: NOT_EXECUTED");
  EXPECT_EQ(storage_->counts().tables, 2u);
}

TEST_P(TablesTest, LaterRequestsOfARunSeeWhatWasDropped) {
  const auto responses = tester_.AskAll({
      Request("put { table: 't' key: 'k' value { } }"),
      Request("drop_table { table: 't' }"),
      Request("read { table: 't' keys: 'k' }"),
      Request("put { table: 't' key: 'x' value { } }"),
      Request("count_keys { table: 't' }"),
  });
  EXPECT_EQ(responses[1].tables(0).keys(), 1u);
  EXPECT_EQ(responses[2].states(0).version(), 0u);
  EXPECT_EQ(responses[4].tables(0).keys(), 1u);
}

TEST_P(TablesTest, ScanGivesStatesWithTheirKeys) {
  EXPECT_EQ(Ask("scan { table: 't' }"), "status: 200");
  Put("t", "a", "v");
  EXPECT_EQ(Ask("scan { table: 't' }"),
            "status: 200 states { version: 1 value { string: \"v\" } "
            "key: \"a\" }");
  EXPECT_EQ(Ask("scan { table: 't' keys_only: true }"),
            "status: 200 states { version: 1 key: \"a\" }");
  Ask("put { table: 't' key: 'a' value { } }");
  EXPECT_EQ(Ask("scan { table: 't' }"),
            "status: 200 states { version: 2 value { } key: \"a\" }");
}

TEST_P(TablesTest, ScanComesInPagesAndHoldsToItsRange) {
  std::map<std::string, std::string> all;
  for (int i = 0; i < 50; ++i) {
    const std::string key = absl::StrCat("key", 100 + i);
    all[key] = absl::StrCat("value", i);
    Put("t", key, all[key]);
  }
  int pages = 0;
  EXPECT_EQ(ScanAll("", &pages), all);
  EXPECT_EQ(pages, 1);
  EXPECT_EQ(ScanAll("limit: 9", &pages), all);
  EXPECT_EQ(pages, 6);
  EXPECT_EQ(ScanAll("limit: 1", &pages), all);
  EXPECT_GE(pages, 50);
  std::map<std::string, std::string> part(all.find("key110"),
                                          all.find("key120"));
  EXPECT_EQ(ScanAll("prefix: 'key11' limit: 3"), part);
  EXPECT_EQ(ScanAll("begin: 'key110' end: 'key120' limit: 4"), part);
  EXPECT_EQ(ScanAll("begin: 'key12' end: 'key12'").size(), 0u);
  EXPECT_EQ(ScanAll("begin: 'key149'").size(), 1u);
}

TEST_P(TablesTest, CursorThatIsNoneIs400) {
  Put("t", "a", "v");
  const v1::CommandResponse refused =
      tester_.Ask("scan { table: 't' cursor: 'no cursor' }");
  EXPECT_EQ(refused.status(), 400u);
  EXPECT_TRUE(absl::StrContains(refused.message(), "cursor"))
      << refused.message();
  EXPECT_EQ(refused.outcome(), v1::NOT_EXECUTED);
}

// Whatever the peer accepts, it gets through, in pages that fit.
TEST_P(TablesTest, PagesFitIntoSmallAnswers) {
  std::map<std::string, std::string> all;
  for (int i = 0; i < 40; ++i) {
    const std::string key(i % 3 == 0 ? 60 : 3, static_cast<char>('a' + i % 26));
    const std::string unique = absl::StrCat(key, i);
    all[unique] = std::string(i % 7 * 90, 'v');
    Put("t", unique, all[unique]);
  }
  for (const uint32_t limit : {1024u, 2000u, 5000u, 100000u}) {
    tester_.set_answer_bytes_max(limit);
    int pages = 0;
    EXPECT_EQ(ScanAll("limit: 4000000000", &pages), all) << limit;
    EXPECT_GE(pages, limit < 10000 ? 4 : 1);
  }
}

TEST_P(TablesTest, ValueOverTheLimitIsRefusedWithAdvice) {
  Put("t", "small", "v");
  Put("t", "large", std::string(1500, 'v'));
  tester_.set_answer_bytes_max(1200);
  // Sooner or later it comes to the large one, and says so.
  v1::CommandRequest request = Request("scan { table: 't' }");
  v1::CommandResponse response = tester_.Ask(request);
  for (int i = 0; i < 2 && response.status() == 200u; ++i) {
    ASSERT_FALSE(response.cursor().empty());
    request.mutable_scan()->set_cursor(response.cursor());
    response = tester_.Ask(request);
  }
  EXPECT_EQ(response.status(), 413u);
  EXPECT_TRUE(absl::EndsWith(response.message(),
                             "exceeds the limit of 1200: scan with keys_only, "
                             "or accept larger frames"))
      << response.message();
  EXPECT_EQ(response.outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(response.cursor(), "");
  EXPECT_EQ(ScanAll("keys_only: true").size(), 2u);
}

TEST(MakePage, LimitsAreTheServersOwn) {
  Batch batch;
  google::protobuf::Arena arena;
  Planner planner(&batch, &arena);
  EXPECT_EQ(MakePage(0, planner)->limit, kPageEntriesDefault);
  EXPECT_EQ(MakePage(1, planner)->limit, 1u);
  EXPECT_EQ(MakePage(kPageEntriesMax, planner)->limit, kPageEntriesMax);
  EXPECT_EQ(MakePage(kPageEntriesMax + 1, planner)->limit, kPageEntriesMax);
  EXPECT_EQ(MakePage(0, planner)->bytes_max, kFrameBytesMaxDefault / 4);
  Planner small(&batch, &arena, {.answer_bytes_max = 1024});
  EXPECT_EQ(MakePage(0, small)->limit, 4u);
  EXPECT_EQ(MakePage(0, small)->bytes_max, 256u);
}

}  // namespace
}  // namespace coffer::server
