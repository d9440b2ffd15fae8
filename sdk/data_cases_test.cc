// The data commands over Client, whose calls give futures, and over SyncClient:
// both against a server in this process, over real sockets, whose keys expire
// by a clock of the test.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/sync_client.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::ManualClock;
using coffer_testing::StatusIs;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::Pair;

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kNotFound = absl::StatusCode::kNotFound;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Client, on a loop that a thread runs, as if it blocked.
class Futures {
 public:
  explicit Futures(const std::string& target)
      : thread_([this] { io_.run(); }),
        client_(MakeConnection(io_.get_executor(), MakeTcpDialer(target))) {}
  ~Futures() {
    client_ = Client(nullptr);
    work_.reset();
    thread_.join();
  }

  // `call` is given a client, and what stands behind a call's arguments.
  template <class Call>
  auto Do(Call call) {
    return call(client_, asio::use_future).get();
  }
  template <class Call>
  auto Scan(Call call) {
    return call(client_);
  }
  template <class Scanner>
  auto Next(Scanner& scanner) {
    return scanner.Next(asio::use_future).get();
  }
  template <class Scanner>
  auto NextPage(Scanner& scanner) {
    return scanner.NextPage(asio::use_future).get();
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::thread thread_;
  Client client_;
};

class Blocking {
 public:
  explicit Blocking(const std::string& target) : client_(target) {}

  template <class Call>
  auto Do(Call call) {
    return call(client_);
  }
  template <class Call>
  auto Scan(Call call) {
    return call(client_);
  }
  template <class Scanner>
  auto Next(Scanner& scanner) {
    return scanner.Next();
  }
  template <class Scanner>
  auto NextPage(Scanner& scanner) {
    return scanner.NextPage();
  }

 private:
  SyncClient client_;
};

template <class AnyClient>
class DataCasesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server::ServerOptions options;
    options.listen = {{"127.0.0.1", 0}};
    auto started = server::Server::Start(std::move(options), &service_);
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
    client_ = std::make_unique<AnyClient>(ToString(server_->endpoints()[0]));
  }

  absl::StatusOr<Versioned<std::int64_t>> Read(const std::string& key) {
    return client_->Do([&](auto& client, auto... token) {
      return client.template Read<std::int64_t>("t", key, token...);
    });
  }
  absl::StatusOr<PutResult> Put(const std::string& key, std::int64_t value,
                                const PutOptions& options = PutOptions()) {
    return client_->Do([&](auto& client, auto... token) {
      return client.Put("t", key, value, options, token...);
    });
  }
  // k0, k1, ...: 0, 1, ...
  void PutMany(int count) {
    std::map<std::string, std::int64_t> pairs;
    for (int i = 0; i < count; ++i) pairs[absl::StrCat("k", i)] = i;
    const absl::Status set = client_->Do([&](auto& client, auto... token) {
      return client.MultiSet("t", pairs, token...);
    });
    ASSERT_THAT(set, IsOk());
  }

  ManualClock clock_;
  server::MemoryStorage storage_{&clock_};
  server::Service service_{&storage_, nullptr, {.clock = &clock_}};
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<AnyClient> client_;
};

using Clients = ::testing::Types<Futures, Blocking>;
TYPED_TEST_SUITE(DataCasesTest, Clients);

TYPED_TEST(DataCasesTest, VersionsTellWhatHasChanged) {
  auto& test = *this->client_;
  const auto absent = this->Read("k");
  ASSERT_THAT(absent, IsOk());
  EXPECT_FALSE(absent->exists());
  const auto first = this->Put("k", 1);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(this->Read("k")->version, first->version);
  const auto set = test.Do([&](auto& client, auto... token) {
    return client.CompareAndSet("t", "k", first->version, 2, token...);
  });
  ASSERT_THAT(set, IsOk());
  EXPECT_GT(set->version, first->version);
  const auto late = test.Do([&](auto& client, auto... token) {
    return client.CompareAndSet("t", "k", first->version, 3, token...);
  });
  EXPECT_THAT(late, StatusIs(kPrecondition));
  const auto present = PresentStateOf(late.status());
  ASSERT_TRUE(present.has_value());
  EXPECT_EQ(present->version, set->version);
  ASSERT_TRUE(present->value.has_value());
  EXPECT_EQ(present->value->integer(), 2);
  EXPECT_THAT(this->Read("k")->value, Optional(2));
}

TYPED_TEST(DataCasesTest, ConditionsOfPresence) {
  auto& test = *this->client_;
  const auto if_present = [&](auto& client, auto... token) {
    return client.SetIfPresent("t", "k", 1, token...);
  };
  const auto if_absent = [&](auto& client, auto... token) {
    return client.SetIfAbsent("t", "k", 2, token...);
  };
  const auto refused = test.Do(if_present);
  EXPECT_THAT(refused, StatusIs(kPrecondition));
  EXPECT_FALSE(PresentStateOf(refused.status())->exists());
  EXPECT_THAT(test.Do(if_absent), IsOk());
  EXPECT_THAT(test.Do(if_absent), StatusIs(kPrecondition));
  EXPECT_THAT(test.Do(if_present), IsOk());
  const std::uint64_t version = this->Read("k")->version;
  EXPECT_THAT(test.Do([&](auto& client, auto... token) {
    return client.DeleteIf("t", "k", version - 1, token...);
  }),
              StatusIs(kPrecondition));
  EXPECT_THAT(test.Do([&](auto& client, auto... token) {
    return client.DeleteIf("t", "k", version, token...);
  }),
              IsOk());
  EXPECT_FALSE(this->Read("k")->exists());
}

TYPED_TEST(DataCasesTest, WhatWasThereBeforeIsGivenWhereItIsAskedFor) {
  auto& test = *this->client_;
  PutOptions put;
  put.want_previous = true;
  const auto first = this->Put("k", 1, put);
  ASSERT_THAT(first, IsOk());
  ASSERT_TRUE(first->previous.has_value());
  EXPECT_FALSE(first->previous->exists());
  const auto second = this->Put("k", 2, put);
  EXPECT_EQ(second->previous->version, first->version);
  EXPECT_EQ(second->previous->value->integer(), 1);
  EXPECT_EQ(this->Put("k", 3)->previous, std::nullopt);
  const auto remove = [&](auto& client, auto... token) {
    RemoveOptions options;
    options.want_previous = true;
    return client.Remove("t", "k", options, token...);
  };
  const auto removed = test.Do(remove);
  ASSERT_THAT(removed, IsOk());
  EXPECT_GT(removed->version, second->version);
  EXPECT_EQ(removed->previous->value->integer(), 3);
  const auto nothing = test.Do(remove);
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ(nothing->version, 0u);
}

TYPED_TEST(DataCasesTest, SeveralKeysAreReadWithTheirVersions) {
  auto& test = *this->client_;
  const auto put = this->Put("a", 1);
  EXPECT_THAT(test.Do([&](auto& client, auto... token) {
    return client.Set("t", "empty", Value(), token...);
  }),
              IsOk());
  const auto read = test.Do([&](auto& client, auto... token) {
    return client.template MultiRead<std::int64_t>("t", {"none", "a", "empty"},
                                                   token...);
  });
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 3u);
  EXPECT_FALSE((*read)[0].exists());
  EXPECT_EQ((*read)[1].version, put->version);
  EXPECT_THAT((*read)[1].value, Optional(1));
  EXPECT_TRUE((*read)[2].exists());
  EXPECT_EQ((*read)[2].value, std::nullopt);
}

TYPED_TEST(DataCasesTest, KeysExpire) {
  auto& test = *this->client_;
  const auto ttl = [&](auto& client, auto... token) {
    return client.TimeToLive("t", "k", token...);
  };
  EXPECT_THAT(test.Do(ttl), StatusIs(kNotFound, HasSubstr("key k")));
  PutOptions options;
  options.expiry = ExpiresAfter(hours(1));
  const auto put = this->Put("k", 1, options);
  ASSERT_THAT(put, IsOk());
  EXPECT_THAT(put->expires_at,
              Optional(this->clock_.WallNow() + absl::Hours(1)));
  EXPECT_THAT(test.Do(ttl), IsOkAndHolds(Optional(hours(1))));
  this->clock_.AdvanceBy(minutes(30));
  EXPECT_THAT(test.Do(ttl), IsOkAndHolds(Optional(minutes(30))));
  PutOptions keep;
  keep.expiry = KeepsExpiry();
  ASSERT_THAT(this->Put("k", 2, keep), IsOk());
  EXPECT_THAT(test.Do(ttl), IsOkAndHolds(Optional(minutes(30))));
  this->clock_.AdvanceBy(minutes(30));
  EXPECT_FALSE(this->Read("k")->exists());
}

TYPED_TEST(DataCasesTest, ExpiryIsChangedAfterwards) {
  auto& test = *this->client_;
  const auto persist = [&](auto& client, auto... token) {
    return client.Persist("t", "k", token...);
  };
  const absl::Time at = this->clock_.WallNow() + absl::Hours(2);
  const auto expire_at = [&](auto& client, auto... token) {
    return client.ExpireAt("t", "k", at, token...);
  };
  EXPECT_THAT(test.Do(persist), StatusIs(kNotFound));
  EXPECT_THAT(test.Do(expire_at), StatusIs(kNotFound));
  const auto put = this->Put("k", 1);
  EXPECT_THAT(test.Do(expire_at), IsOk());
  EXPECT_THAT(this->Read("k")->expires_at, Optional(at));
  EXPECT_GT(this->Read("k")->version, put->version);
  EXPECT_THAT(test.Do(persist), IsOk());
  EXPECT_EQ(this->Read("k")->expires_at, std::nullopt);
  EXPECT_THAT(test.Do([&](auto& client, auto... token) {
    return client.ExpireAfter("t", "k", hours(0), token...);
  }),
              IsOk());
  EXPECT_FALSE(this->Read("k")->exists());
}

TYPED_TEST(DataCasesTest, NumbersAreAddedTo) {
  auto& test = *this->client_;
  const auto add = [&](const char* key, auto amount) {
    return test.Do([&](auto& client, auto... token) {
      return client.Increment("t", key, amount, token...);
    });
  };
  EXPECT_THAT(add("n", 5), IsOkAndHolds(5));
  EXPECT_THAT(add("n", -7), IsOkAndHolds(-2));
  EXPECT_THAT(add("n", std::numeric_limits<std::int64_t>::min()),
              StatusIs(kInvalid));
  EXPECT_THAT(add("n", 0.5), IsOkAndHolds(-1.5));
  EXPECT_THAT(add("n", 1), StatusIs(kInvalid)) << "an integer to a float";
  EXPECT_THAT(add("f", 0.25), IsOkAndHolds(0.25));
}

TYPED_TEST(DataCasesTest, TextAndBytesGrow) {
  auto& test = *this->client_;
  const auto append = [&](const char* key, const Value& value) {
    return test.Do([&](auto& client, auto... token) {
      return client.Append("t", key, value, token...);
    });
  };
  EXPECT_THAT(append("text", ToValue("ab")), IsOkAndHolds(2u));
  EXPECT_THAT(append("text", ToValue("c")), IsOkAndHolds(3u));
  EXPECT_THAT(append("text", BytesValue("c")), StatusIs(kInvalid));
  EXPECT_THAT(append("bytes", BytesValue(std::string(2, '\0'))),
              IsOkAndHolds(2u));
  EXPECT_THAT(append("text", ToValue(5)), StatusIs(kInvalid));
  EXPECT_THAT(test.Do([&](auto& client, auto... token) {
    return client.template Get<std::string>("t", "text", token...);
  }),
              IsOkAndHolds("abc"));
}

TYPED_TEST(DataCasesTest, TransactionIsDoneAsAWholeOrNotAtAll) {
  auto& test = *this->client_;
  ASSERT_THAT(this->Put("ada", 10), IsOk());
  const std::uint64_t seen = this->Read("ada")->version;
  const auto transfer =
      Transaction()
          .If(VersionIs("t", "ada", seen))
          .Then(op::Increment("t", "ada", -4), op::Increment("t", "bob", 4))
          .Else(op::Read<std::int64_t>("t", "ada"));
  const auto commit = [&](auto& client, auto... token) {
    return client.Commit(transfer, token...);
  };
  const auto done = test.Do(commit);
  ASSERT_THAT(done, IsOk());
  EXPECT_TRUE(done->held);
  EXPECT_EQ(*done->then, (std::tuple<std::int64_t, std::int64_t>(6, 4)));
  const auto again = test.Do(commit);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->held);
  EXPECT_THAT(std::get<0>(*again->otherwise).value, Optional(6));

  PutOptions absent;
  absent.condition = IfAbsent();
  const auto failing = Transaction().Then(op::Increment("t", "ada", -1),
                                          op::Put("t", "bob", 0, absent));
  const auto failed = test.Do([&](auto& client, auto... token) {
    return client.Commit(failing, token...);
  });
  EXPECT_THAT(failed, StatusIs(kPrecondition, HasSubstr("t/bob")));
  EXPECT_EQ(PresentStateOf(failed.status())->value->integer(), 4);
  EXPECT_THAT(this->Read("ada")->value, Optional(6));
}

TYPED_TEST(DataCasesTest, ScanGivesEachKeyOnce) {
  auto& test = *this->client_;
  constexpr int kKeys = 2500;
  this->PutMany(kKeys);
  for (const std::uint32_t page_size : {0u, 7u}) {
    auto scanner = test.Scan([&](auto& client) {
      ScanOptions options;
      options.page_size = page_size;
      return client.template Scan<std::int64_t>("t", options);
    });
    std::map<std::string, std::int64_t> found;
    for (;;) {
      const auto next = test.Next(scanner);
      ASSERT_THAT(next, IsOk());
      if (!next->has_value()) break;
      const auto& entry = **next;
      EXPECT_TRUE(found.emplace(entry.key, *entry.value).second) << entry.key;
    }
    EXPECT_EQ(found.size(), 2500u);
    EXPECT_THAT(*found.rbegin(), Pair("k999", 999));
  }
}

TYPED_TEST(DataCasesTest, ScanOfAPartOfTheKeys) {
  auto& test = *this->client_;
  this->PutMany(200);
  const auto count = [&](const ScanOptions& options) {
    auto scanner =
        test.Scan([&](auto& client) { return client.Scan("t", options); });
    int entries = 0;
    for (;;) {
      const auto next = test.Next(scanner);
      EXPECT_THAT(next, IsOk());
      if (!next.ok() || !next->has_value()) return entries;
      EXPECT_EQ((*next)->value.has_value(), !options.keys_only);
      EXPECT_NE((*next)->version, 0u);
      ++entries;
    }
  };
  ScanOptions options;
  options.prefix = "k1";
  EXPECT_EQ(count(options), 111);
  options.keys_only = true;
  options.page_size = 10;
  EXPECT_EQ(count(options), 111);
  options.begin = "k15";
  options.end = "k17";
  EXPECT_EQ(count(options), 22);
}

TYPED_TEST(DataCasesTest, ScanGoesOnFromAPage) {
  auto& test = *this->client_;
  this->PutMany(20);
  ScanOptions options;
  options.page_size = 6;
  std::map<std::string, int> found;
  do {
    const auto page = test.Do([&](auto& client, auto... token) {
      return client.ScanPage("t", options, token...);
    });
    ASSERT_THAT(page, IsOk());
    for (const auto& entry : page->entries) ++found[entry.key];
    options.cursor = page->cursor;
  } while (!options.cursor.empty());
  EXPECT_EQ(found.size(), 20u);
  for (const auto& [key, times] : found) EXPECT_EQ(times, 1) << key;
}

TYPED_TEST(DataCasesTest, TablesAreListedCountedRenamedAndDropped) {
  auto& test = *this->client_;
  this->PutMany(3);
  for (const char* table : {"u", "t2"}) {
    ASSERT_THAT(test.Do([&](auto& client, auto... token) {
      return client.Set(table, "k", 1, token...);
    }),
                IsOk());
  }
  const auto names = [&](const TablesOptions& options) {
    auto scanner =
        test.Scan([&](auto& client) { return client.ListTables(options); });
    std::vector<std::string> found;
    for (;;) {
      const auto page = test.NextPage(scanner);
      EXPECT_THAT(page, IsOk());
      if (!page.ok() || page->entries.empty()) return found;
      for (const auto& table : page->entries) found.push_back(table.name);
    }
  };
  TablesOptions options;
  options.page_size = 1;
  EXPECT_THAT(names(options), ElementsAre("t", "t2", "u"));
  options.prefix = "t";
  EXPECT_THAT(names(options), ElementsAre("t", "t2"));
  const auto page = test.Do([&](auto& client, auto... token) {
    return client.ListTablesPage(options, token...);
  });
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->entries[0].name, "t");
  EXPECT_EQ(page->entries[0].keys, 3u);

  const auto counted = test.Do([&](auto& client, auto... token) {
    return client.CountKeys("t", token...);
  });
  ASSERT_THAT(counted, IsOk());
  EXPECT_EQ(counted->keys, 3u);
  EXPECT_GT(counted->bytes, 0u);
  const auto rename = [&](auto& client, auto... token) {
    return client.RenameTable("t", "u", token...);
  };
  EXPECT_THAT(test.Do(rename), StatusIs(kPrecondition));
  const auto drop = [&](auto& client, auto... token) {
    return client.DropTable("u", token...);
  };
  EXPECT_EQ(test.Do(drop)->keys, 1u);
  EXPECT_THAT(test.Do(drop), StatusIs(kNotFound));
  EXPECT_EQ(test.Do(rename)->name, "u");
  EXPECT_EQ(test.Do(drop)->keys, 3u);
}

TYPED_TEST(DataCasesTest, BatchOfDataCommands) {
  auto& test = *this->client_;
  Batch batch;
  batch.SetIfAbsent("t", "k", 1)
      .SetIfAbsent("t", "k", 2)
      .SetIfPresent("t", "k", 3)
      .CompareAndSet("t", "new", 0, "v")
      .Append("t", "new", "w")
      .Increment("t", "k", 4)
      .Increment("t", "f", 0.5)
      .Put("t", "p", 1)
      .Expire("t", "p", ExpiresAfter(hours(1)))
      .Expire("t", "none", NeverExpires())
      .DeleteIf("t", "p", 1)
      .Remove("t", "p")
      .Remove("t", "none");
  const auto results = test.Do([&](auto& client, auto... token) {
    return client.Run(std::move(batch), token...);
  });
  ASSERT_EQ(results.size(), 13u);
  ASSERT_THAT(results[0], IsOk());
  EXPECT_GT(results[0]->integer(), 0);
  EXPECT_THAT(results[1], StatusIs(kPrecondition));
  EXPECT_EQ(PresentStateOf(results[1].status())->value->integer(), 1);
  ASSERT_THAT(results[2], IsOk());
  EXPECT_GT(results[2]->integer(), results[0]->integer());
  EXPECT_THAT(results[3], IsOk());
  EXPECT_EQ(results[4]->integer(), 2);
  EXPECT_EQ(results[5]->integer(), 7);
  EXPECT_EQ(results[6]->float_(), 0.5);
  ASSERT_THAT(results[7], IsOk());
  EXPECT_GT(results[8]->integer(), results[7]->integer());
  EXPECT_THAT(results[9], StatusIs(kNotFound));
  EXPECT_THAT(results[10], StatusIs(kPrecondition));
  EXPECT_GT(results[11]->integer(), results[8]->integer());
  EXPECT_EQ(results[12]->integer(), 0);
}

// What only SyncClient has.
class SyncScannerTest : public DataCasesTest<Blocking> {
 protected:
  std::string target() const { return ToString(server_->endpoints()[0]); }
};

TEST_F(SyncScannerTest, IsARange) {
  PutMany(50);
  SyncClient client(target());
  ScanOptions options;
  options.page_size = 7;
  std::int64_t sum = 0;
  int entries = 0;
  for (const auto& entry : client.Scan<std::int64_t>("t", options)) {
    ASSERT_THAT(entry, IsOk());
    sum += *entry->value;
    ++entries;
  }
  EXPECT_EQ(entries, 50);
  EXPECT_EQ(sum, 50 * 49 / 2);
  for (const auto& entry : client.Scan("none")) FAIL() << entry->key;
}

TEST_F(SyncScannerTest, RangeEndsWithAnError) {
  PutMany(3);
  SyncClient client(target());
  int errors = 0;
  for (const auto& entry : client.Scan<std::string>("t")) {
    EXPECT_THAT(entry, StatusIs(kInvalid));
    ++errors;
  }
  EXPECT_EQ(errors, 1);
}

TEST_F(SyncScannerTest, MayOutliveItsClient) {
  PutMany(3);
  auto client = std::make_unique<SyncClient>(target());
  ScanOptions options;
  options.page_size = 1;
  auto scanner = client->Scan("t", options);
  ASSERT_THAT(scanner.Next(), IsOk());
  client.reset();
  EXPECT_THAT(scanner.Next(), IsOk());
  auto moved = std::move(scanner);
  ASSERT_THAT(moved.Next(), IsOk());
  const auto end = moved.Next();
  ASSERT_THAT(end, IsOk());
  EXPECT_FALSE(end->has_value());
}

}  // namespace
}  // namespace coffer
