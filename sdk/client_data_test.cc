// The data commands of Client over a real Connection to a FakeServer, on
// virtual time: retries, lost connections, deadlines.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::FakeServer;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::StatusIs;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::ResultOf;

constexpr int kKeys = 100;

auto Is(v1::CommandRequest::RequestDataCase command) {
  return ResultOf(
      [](const v1::CommandRequest& request) {
        return request.request_data_case();
      },
      command);
}

class ClientDataTest : public ClientFixture {
 protected:
  void Fill(Client& client) {
    std::map<std::string, std::int64_t> pairs;
    for (int i = 0; i < kKeys; ++i) pairs[absl::StrCat("k", i)] = i;
    const auto set = Wait<absl::Status>(
        [&](auto handler) { client.MultiSet("t", pairs, std::move(handler)); });
    ASSERT_THAT(set, IsOk());
  }
  static ScanOptions Pages(std::uint32_t size) {
    ScanOptions options;
    options.page_size = size;
    return options;
  }
  using NextResult = absl::StatusOr<std::optional<ScanEntry<>>>;
  NextResult Next(Scanner& scanner) {
    return Wait<NextResult>(
        [&](auto handler) { scanner.Next(std::move(handler)); });
  }
  int ScanCalls() const {
    int scans = 0;
    for (const auto& call : fake_.Calls()) scans += call.request.has_scan();
    return scans;
  }
};

TEST_F(ClientDataTest, IncrementIsAppliedOnceThoughItsAnswerIsLost) {
  Client client = Connect(Options());
  for (int i = 1; i <= 3; ++i) {
    fake_.DropAnswer(Is(v1::CommandRequest::kIncrement));
    EXPECT_THAT(Wait<absl::StatusOr<std::int64_t>>([&](auto handler) {
                  client.Increment("t", "k", 2, std::move(handler));
                }),
                IsOkAndHolds(2 * i));
  }
  EXPECT_EQ(fake_.Contents()["t"]["k"].integer(), 6);
}

// Its own first attempt is not what it stumbles over.
TEST_F(ClientDataTest, ConditionIsLookedAtOnceThoughTheAnswerIsLost) {
  Client client = Connect(Options());
  fake_.DropAnswer(Is(v1::CommandRequest::kPut));
  const auto put = Wait<absl::StatusOr<PutResult>>([&](auto handler) {
    client.SetIfAbsent("t", "k", 1, std::move(handler));
  });
  ASSERT_THAT(put, IsOk());
  EXPECT_NE(put->version, 0u);
}

TEST_F(ClientDataTest, TransactionIsAppliedOnceThoughItsAnswerIsLost) {
  Client client = Connect(Options());
  const auto transaction =
      Transaction()
          .If(IsAbsent("t", "done"))
          .Then(op::Put("t", "done", true), op::Increment("t", "n", 1));
  using Result = absl::StatusOr<std::decay_t<decltype(transaction)>::Result>;
  fake_.DropAnswer(Is(v1::CommandRequest::kTransaction));
  const auto done = Wait<Result>(
      [&](auto handler) { client.Commit(transaction, std::move(handler)); });
  ASSERT_THAT(done, IsOk());
  EXPECT_TRUE(done->held);
  EXPECT_EQ(std::get<1>(*done->then), 1);
  const auto again = Wait<Result>(
      [&](auto handler) { client.Commit(transaction, std::move(handler)); });
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->held);
}

TEST_F(ClientDataTest, PagesAreFetchedOneAhead) {
  Client client = Connect(Options());
  Fill(client);
  Scanner scanner = client.Scan("t", Pages(10));
  time_.RunFor(seconds(1));
  EXPECT_EQ(ScanCalls(), 0);
  for (int i = 0; i < 35; ++i) {
    EXPECT_THAT(Next(scanner), IsOk());
    time_.RunFor(seconds(1));
    EXPECT_EQ(ScanCalls(), i / 10 + 2) << "after " << i + 1;
  }
}

TEST_F(ClientDataTest, ScanGoesOnOverLostConnectionsAndRestarts) {
  Client client = Connect(Options());
  Fill(client);
  Scanner scanner = client.Scan("t", Pages(7));
  std::map<std::string, int> found;
  for (int i = 0;; ++i) {
    switch (i % 5) {
      case 0:
        fake_.DropConnections();
        break;
      case 1:
        fake_.Restart(FakeServer::Data::kKeepStored);
        break;
      case 2:
        fake_.DrainConnections();
        break;
    }
    const NextResult next = Next(scanner);
    ASSERT_THAT(next, IsOk());
    if (!next->has_value()) break;
    ++found[(*next)->key];
  }
  EXPECT_EQ(found.size(), static_cast<std::size_t>(kKeys));
  EXPECT_THAT(found, Each(Pair(::testing::_, 1)));
}

TEST_F(ClientDataTest, PageIsSentAgainIfItsRequestOrItsAnswerIsLost) {
  Client client = Connect(Options());
  Fill(client);
  ScanOptions options = Pages(50);
  options.prefetch = false;
  Scanner scanner = client.Scan("t", options);
  fake_.DropAnswer(Is(v1::CommandRequest::kScan));
  int entries = 0;
  for (;; ++entries) {
    if (entries == 50) fake_.DropRequest(Is(v1::CommandRequest::kScan));
    const NextResult next = Next(scanner);
    ASSERT_THAT(next, IsOk());
    if (!next->has_value()) break;
  }
  EXPECT_EQ(entries, kKeys);
}

TEST_F(ClientDataTest, EachPageHasItsOwnTime) {
  Client client = Connect(Options());
  Fill(client);
  ScanOptions options = Pages(10);
  options.prefetch = false;
  Scanner scanner = client.Scan("t", options, Within(milliseconds(100)));
  std::map<std::string, int> found;
  for (int i = 0; i < kKeys; ++i) {
    if (i % 10 == 0) {
      fake_.DelayNext(milliseconds(90), Is(v1::CommandRequest::kScan));
    }
    const NextResult next = Next(scanner);
    ASSERT_THAT(next, IsOk());
    ++found[(*next)->key];
    if (i != 49) continue;
    fake_.DelayNext(milliseconds(110), Is(v1::CommandRequest::kScan));
    EXPECT_THAT(Next(scanner), StatusIs(absl::StatusCode::kDeadlineExceeded));
    // The answer that nobody waits for holds up the next one.
    time_.RunFor(seconds(1));
  }
  EXPECT_EQ(found.size(), static_cast<std::size_t>(kKeys));
}

// Several that count up by what they have seen: none is lost.
TEST_F(ClientDataTest, CompareAndSetInALoopLosesNoUpdate) {
  Client client = Connect(Options());
  constexpr int kWriters = 5, kTimes = 20;
  int finished = 0, conflicts = 0;
  auto count_up = [&](Client writer) -> asio::awaitable<void> {
    for (int done = 0; done < kTimes;) {
      auto seen = co_await writer.Read<std::int64_t>("t", "n");
      EXPECT_THAT(seen, IsOk());
      if (!seen.ok()) co_return;
      auto set = co_await writer.CompareAndSet("t", "n", seen->version,
                                               seen->value.value_or(0) + 1);
      if (set.ok()) {
        ++done;
      } else {
        EXPECT_THAT(set, StatusIs(absl::StatusCode::kFailedPrecondition));
        ++conflicts;
      }
    }
    ++finished;
  };
  for (int i = 0; i < kWriters; ++i) {
    asio::co_spawn(time_.io(), count_up(client), [](std::exception_ptr) {});
  }
  ASSERT_TRUE(time_.RunUntil([&] { return finished == kWriters; }));
  EXPECT_EQ(fake_.Contents()["t"]["n"].integer(), kWriters * kTimes);
  EXPECT_GT(conflicts, 0);
}

TEST_F(ClientDataTest, ServerInfoTellsThatTheyAreKnown) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  ASSERT_TRUE(client.server_info().has_value());
  EXPECT_TRUE(client.server_info()->features.data_commands);
}

}  // namespace
}  // namespace coffer
