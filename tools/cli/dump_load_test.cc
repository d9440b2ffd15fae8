// A dump of a FakeServer, and a load into another one, on virtual time.

#include <algorithm>
#include <bit>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/mocks/call_sequencer.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/time/virtual_time.h"
#include "coffer/tools/cli/dump_command.h"
#include "coffer/tools/cli/dump_format.h"
#include "coffer/tools/cli/load_command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;
using coffer_testing::CallSequencer;
using coffer_testing::FakeServer;
using coffer_testing::MakeState;
using coffer_testing::MakeStateAnswer;
using coffer_testing::MockConnection;
using coffer_testing::VirtualTime;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::NiceMock;
using ::testing::ResultOf;

// By table and key: the value and when it expires.
using Content = std::map<std::pair<std::string, std::string>,
                         std::pair<std::string, uint64_t>>;

// Of a dump, which has no record twice.
Content ContentOf(const std::string& dump) {
  Content content;
  for (const absl::string_view line :
       absl::StrSplit(dump, '\n', absl::SkipEmpty())) {
    const auto read = ParseDumpLine(line);
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok()) continue;
    const auto* const record = std::get_if<DumpRecord>(&*read);
    if (record == nullptr) continue;
    EXPECT_NE(record->version, 0u);
    const bool is_new =
        content
            .emplace(std::pair(record->table, record->key),
                     std::pair(record->value.SerializeAsString(),
                               record->expires_at_ms))
            .second;
    EXPECT_TRUE(is_new) << line;
  }
  return content;
}

std::string FileOf(const std::string& text) {
  const std::string path = testing::TempDir() + "/dump";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

class DumpLoadTest : public testing::Test {
 protected:
  ~DumpLoadTest() override { time_.RunFor(seconds(60)); }

  absl::Status Run(FakeServer& fake, const Executor::Task& task) {
    ConnectionOptions options;
    options.clock = &time_.clock();
    options.seed = 1;
    options.retry = std::make_shared<UntilDeadline>();
    const std::shared_ptr<Dialer> dialer(std::shared_ptr<Dialer>(),
                                         &fake.dialer());
    std::optional<Client> client(
        MakeConnection(time_.get_executor(), dialer, options));
    std::optional<absl::Status> result;
    asio::co_spawn(time_.io(), task(*client),
                   [&](std::exception_ptr, absl::Status status) {
                     result = std::move(status);
                   });
    EXPECT_TRUE(time_.RunUntil([&] { return result.has_value(); }));
    return result.value_or(absl::InternalError("hangs"));
  }

  struct Dumped {
    absl::Status status;
    std::string text;
  };
  // Of at most so many pages.
  Dumped Dump(FakeServer& fake, DumpParts parts = {}, int pages = 1 << 30) {
    Dumped dumped;
    parts.sink = [&](absl::string_view lines) {
      if (pages-- <= 0) return false;
      absl::StrAppend(&dumped.text, lines);
      return true;
    };
    parts.progress = [](const DumpCounts&) {};
    dumped.status = Run(fake, DumpTask(std::move(parts)));
    return dumped;
  }

  absl::Status Load(FakeServer& fake, const std::string& text,
                    std::uint64_t from_line = 1) {
    LoadParts parts;
    parts.file = FileOf(text);
    parts.from_line = from_line;
    parts.clock = &time_.clock();
    parts.progress = [](const LoadReport&) {};
    report_ = std::make_shared<LoadReport>();
    return Run(fake, LoadTask(std::move(parts), report_));
  }

  // All types, many names, some that expire.
  std::string Records(int count) {
    std::mt19937_64 random(7);
    const std::uint64_t later =
        absl::ToUnixMillis(time_.clock().WallNow() + absl::Hours(1000));
    std::string text;
    for (int i = 0; i < count; ++i) {
      DumpRecord record;
      record.table = absl::StrCat("table ", random() % 5);
      record.key = absl::StrCat(i, std::string("\0\n\"\xf3\xa0\x80\x81", 7));
      if (random() % 4 == 0) record.expires_at_ms = later + random() % 1000000;
      switch (random() % 8) {
        case 0:
          record.value = ToValue(static_cast<std::int64_t>(random()));
          break;
        case 1:
          record.value = ToValue(std::bit_cast<double>(random()));
          break;
        case 2:
          record.value = ToValue(random() % 2 == 0);
          break;
        case 3:
          record.value = BytesValue(std::string(random() % 100, '\xff'));
          break;
        case 4:
          break;
        case 5:
          record.value = ToValue(HUGE_VAL);
          break;
        default:
          record.value = ToValue(std::string(random() % 200, 'x'));
      }
      text += FormatDumpLine(record);
    }
    return text;
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
  FakeServer other_{time_.get_executor(), {.clock = &time_.clock()}};
  std::shared_ptr<LoadReport> report_ = std::make_shared<LoadReport>();
};

TEST_F(DumpLoadTest, WhatIsLoadedIsWhatWasDumped) {
  constexpr int kRecords = 2000;
  const absl::Status filled = Load(fake_, Records(kRecords));
  ASSERT_TRUE(filled.ok()) << filled;
  EXPECT_EQ(report_->loaded, static_cast<std::uint64_t>(kRecords));
  const Dumped first = Dump(fake_);
  ASSERT_TRUE(first.status.ok()) << first.status;
  const Content content = ContentOf(first.text);
  EXPECT_EQ(content.size(), static_cast<std::size_t>(kRecords));

  const absl::Status loaded = Load(other_, first.text);
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(report_->loaded, static_cast<std::uint64_t>(kRecords));
  const Dumped second = Dump(other_);
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_TRUE(ContentOf(second.text) == content);
  EXPECT_TRUE(fake_.Contents().size() == other_.Contents().size());

  // Once more is no harm.
  ASSERT_TRUE(Load(other_, second.text).ok());
  EXPECT_TRUE(ContentOf(Dump(other_).text) == content);
}

TEST_F(DumpLoadTest, NamedTablesOnly) {
  ASSERT_TRUE(Load(fake_, Records(100)).ok());
  DumpParts parts;
  parts.tables = std::vector<std::string>{"table 3", "none", "table 1"};
  const Dumped some = Dump(fake_, parts);
  ASSERT_TRUE(some.status.ok()) << some.status;
  std::set<std::string> tables;
  for (const auto& [name, value] : ContentOf(some.text)) {
    tables.insert(name.first);
  }
  EXPECT_THAT(tables, testing::ElementsAre("table 1", "table 3"));
}

TEST_F(DumpLoadTest, EmptyServerHasAnEmptyDump) {
  const Dumped nothing = Dump(fake_);
  ASSERT_TRUE(nothing.status.ok()) << nothing.status;
  EXPECT_EQ(std::count(nothing.text.begin(), nothing.text.end(), '\n'), 2);
  EXPECT_TRUE(Load(other_, nothing.text).ok());
  EXPECT_EQ(report_->loaded, 0u);
}

// Wherever it was cut, with an ordered engine and with that in memory.
TEST_F(DumpLoadTest, InterruptedDumpIsGoneOnWith) {
  FakeServer ordered(time_.get_executor(),
                     {.clock = &time_.clock(), .durable = true});
  for (FakeServer* const fake : {&fake_, &ordered}) {
    ASSERT_TRUE(Load(*fake, Records(60)).ok());
    for (const bool named : {false, true}) {
      DumpParts parts;
      parts.page_size = 5;
      if (named)
        parts.tables =
            std::vector<std::string>{"table 4", "table 0", "table 2"};
      const Dumped whole = Dump(*fake, parts);
      ASSERT_TRUE(whole.status.ok()) << whole.status;
      const Content content = ContentOf(whole.text);
      int resumed = 0;
      for (std::size_t cut = 1; cut < whole.text.size(); cut += 397) {
        std::string left = whole.text.substr(0, cut);
        std::istringstream in(left);
        auto place = FindDumpPlace(&in);
        if (left.find('\n') == std::string::npos) {
          EXPECT_FALSE(place.ok());
          continue;
        }
        ASSERT_TRUE(place.ok()) << place.status();
        ASSERT_LE(place->bytes, left.size());
        left.resize(place->bytes);
        parts.place = *std::move(place);
        const Dumped rest = Dump(*fake, parts);
        ASSERT_TRUE(rest.status.ok()) << rest.status;
        EXPECT_TRUE(ContentOf(left + rest.text) == content) << cut;
        // The records that the last line counts are those that are there.
        EXPECT_THAT(rest.text, HasSubstr(absl::StrCat(
                                   "\"records\":", content.size(), "}")));
        ++resumed;
      }
      EXPECT_GT(resumed, 10);
    }
  }
  // Before `ordered` goes.
  time_.RunFor(seconds(60));
}

TEST_F(DumpLoadTest, WhatIsNoInterruptedDumpIsRefused) {
  const auto place_of = [](const std::string& text) {
    std::istringstream in(text);
    return FindDumpPlace(&in);
  };
  for (const std::string& text :
       {std::string(), std::string("x\n"), Records(3),
        std::string("{\"coffer_dump\":1,\"store\":\"5\"}")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(place_of(text).status())) << text;
  }
  const std::string header = "{\"coffer_dump\":1,\"store\":\"5\"}\n";
  EXPECT_TRUE(absl::IsInvalidArgument(place_of(header + header).status()));
  EXPECT_TRUE(place_of(header + FormatDumpLine(DumpEnd{0}))->is_complete);
  EXPECT_EQ(place_of(header)->bytes, header.size());
  EXPECT_EQ(place_of(header)->store, 5u);
}

TEST_F(DumpLoadTest, DumpGoesOnOverLostConnections) {
  ASSERT_TRUE(Load(fake_, Records(200)).ok());
  const Content content = ContentOf(Dump(fake_).text);
  DumpParts parts;
  parts.page_size = 7;
  Dumped dumped;
  parts.sink = [&](absl::string_view lines) {
    absl::StrAppend(&dumped.text, lines);
    fake_.DropConnections();
    return true;
  };
  parts.progress = [](const DumpCounts&) {};
  dumped.status = Run(fake_, DumpTask(std::move(parts)));
  ASSERT_TRUE(dumped.status.ok()) << dumped.status;
  EXPECT_TRUE(ContentOf(dumped.text) == content);
}

// The cursor of another process means nothing to the engine in memory.
TEST_F(DumpLoadTest, DumpOfAServerThatForgotItsDataFails) {
  ASSERT_TRUE(Load(fake_, Records(200)).ok());
  DumpParts parts;
  parts.page_size = 7;
  int pages = 0;
  std::string text;
  parts.sink = [&](absl::string_view lines) {
    absl::StrAppend(&text, lines);
    if (++pages == 5) fake_.Restart(FakeServer::Data::kLose);
    return true;
  };
  parts.progress = [](const DumpCounts&) {};
  const absl::Status status = Run(fake_, DumpTask(parts));
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("has other data"));
  EXPECT_EQ(text.find("coffer_dump_end"), std::string::npos);
  // Nor is it gone on with.
  std::istringstream in(text);
  DumpParts rest;
  rest.place = *FindDumpPlace(&in);
  const Dumped resumed = Dump(fake_, rest);
  EXPECT_TRUE(absl::IsFailedPrecondition(resumed.status)) << resumed.status;
}

TEST_F(DumpLoadTest, DurableServerMayRestartMeanwhile) {
  FakeServer durable(time_.get_executor(),
                     {.clock = &time_.clock(), .durable = true});
  ASSERT_TRUE(Load(durable, Records(100)).ok());
  const Content content = ContentOf(Dump(durable).text);
  DumpParts parts;
  parts.page_size = 7;
  std::string text;
  parts.sink = [&](absl::string_view lines) {
    absl::StrAppend(&text, lines);
    durable.Restart(FakeServer::Data::kKeepStored);
    return true;
  };
  parts.progress = [](const DumpCounts&) {};
  const absl::Status status = Run(durable, DumpTask(parts));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(ContentOf(text) == content);
  time_.RunFor(seconds(60));
}

TEST_F(DumpLoadTest, LoadGoesOnOverLostConnections) {
  for (int i = 0; i < 3; ++i) fake_.DropAnswer(testing::_);
  for (int i = 0; i < 3; ++i) fake_.DropRequest(testing::_);
  const std::string text = Records(1000);
  const absl::Status loaded = Load(fake_, text);
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(report_->loaded, 1000u);
  EXPECT_EQ(ContentOf(Dump(fake_).text).size(), 1000u);
}

TEST_F(DumpLoadTest, ExpiredRecordsAreLeftOut) {
  const std::int64_t now = absl::ToUnixMillis(time_.clock().WallNow());
  std::string text;
  for (const std::int64_t in_ms : {-1000, 0, 1, 1000}) {
    DumpRecord record;
    record.table = "t";
    record.key = absl::StrCat("k", in_ms);
    record.expires_at_ms = static_cast<std::uint64_t>(now + in_ms);
    text += FormatDumpLine(record);
  }
  ASSERT_TRUE(Load(fake_, text).ok());
  EXPECT_EQ(report_->loaded, 2u);
  EXPECT_EQ(report_->expired, 2u);
}

TEST_F(DumpLoadTest, MalformedLineIsNamed) {
  const std::string good = Records(3);
  const absl::Status status = Load(fake_, good + "{\"table\":5}\n" + good);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(report_->failed_line, 4u);
  EXPECT_EQ(report_->next_line, 4u);
  EXPECT_TRUE(report_->malformed);
  EXPECT_EQ(report_->loaded, 3u);
  ASSERT_TRUE(Load(fake_, good + "{\"table\":5}\n" + good, 5).ok());
  EXPECT_EQ(report_->loaded, 3u);
}

TEST_F(DumpLoadTest, RefusedRecordIsNamed) {
  const std::string text = Records(50);
  const auto key = ResultOf(
      [](const v1::CommandRequest& request) { return request.put().key(); },
      testing::StartsWith("20"));
  fake_.FailNext(absl::ResourceExhaustedError("too large"), key);
  const absl::Status status = Load(fake_, text);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(report_->failed_line, 21u);
  EXPECT_EQ(report_->next_line, 21u);
  EXPECT_FALSE(report_->malformed);
  ASSERT_TRUE(Load(fake_, text, report_->next_line).ok());
  EXPECT_EQ(report_->loaded, 30u);
  EXPECT_EQ(ContentOf(Dump(fake_).text).size(), 50u);
}

TEST_F(DumpLoadTest, DumpThatWasCutIsNotWhole) {
  ASSERT_TRUE(Load(fake_, Records(10)).ok());
  std::string text = Dump(fake_).text;
  text.resize(text.find("{\"coffer_dump_end\""));
  const absl::Status status = Load(other_, text);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is not whole"));
  EXPECT_EQ(report_->loaded, 10u);
  EXPECT_EQ(report_->failed_line, 12u);
}

TEST_F(DumpLoadTest, InputThatCannotBeReadIsNotFound) {
  LoadParts parts;
  parts.file = "/no/such/file";
  parts.clock = &time_.clock();
  EXPECT_TRUE(absl::IsNotFound(Run(fake_, LoadTask(parts, report_))));
}

// Against a connection whose answers the test gives.
class LoadWindowTest : public DumpLoadTest {
 protected:
  LoadWindowTest() {
    ON_CALL(*connection_, Execute).WillByDefault(calls_.Holds());
  }

  void Begin(const std::string& text) {
    LoadParts parts;
    parts.file = FileOf(text);
    parts.clock = &time_.clock();
    parts.progress = [](const LoadReport&) {};
    task_ = LoadTask(std::move(parts), report_);
    asio::co_spawn(
        io_, task_(Client(connection_)),
        asio::bind_cancellation_slot(
            cancel_.slot(), [&](std::exception_ptr, absl::Status status) {
              result_ = std::move(status);
            }));
    Poll();
  }
  void Poll() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  CallSequencer calls_{io_.get_executor()};
  std::shared_ptr<NiceMock<MockConnection>> connection_ =
      std::make_shared<NiceMock<MockConnection>>(io_.get_executor());
  Executor::Task task_;
  asio::cancellation_signal cancel_;
  std::optional<absl::Status> result_;
};

TEST_F(LoadWindowTest, SoManyAreUnderWayAndNoMore) {
  Begin(Records(1500));
  EXPECT_EQ(calls_.size(), 512u);
  std::size_t done = 0;
  while (!calls_.empty()) {
    calls_.Pop().Complete(MakeStateAnswer({MakeState(1)}));
    Poll();
    ++done;
    EXPECT_LE(calls_.size(), 512u);
  }
  EXPECT_EQ(done, 1500u);
  ASSERT_TRUE(result_.has_value());
  EXPECT_TRUE(result_->ok()) << *result_;
}

TEST_F(LoadWindowTest, LargeRecordsAreFewer) {
  DumpRecord record;
  record.table = "t";
  record.value = ToValue(std::string(3 << 20, 'x'));
  std::string text;
  for (int i = 0; i < 3; ++i) {
    record.key = absl::StrCat(i);
    text += FormatDumpLine(record);
  }
  Begin(text);
  EXPECT_EQ(calls_.size(), 2u);
  while (!calls_.empty()) {
    calls_.Pop().Complete(MakeStateAnswer({MakeState(1)}));
    Poll();
  }
  EXPECT_EQ(report_->loaded, 3u);
}

TEST_F(LoadWindowTest, CancelledItTellsHowFarItIs) {
  Begin(Records(600));
  std::vector<CallSequencer::Call> calls;
  for (int i = 0; i < 10; ++i) {
    calls.push_back(calls_.Pop());
    // The 4th is not answered.
    if (i != 3) calls[i].Complete(MakeStateAnswer({MakeState(1)}));
    Poll();
  }
  cancel_.emit(asio::cancellation_type::terminal);
  Poll();
  ASSERT_TRUE(result_.has_value());
  EXPECT_TRUE(absl::IsCancelled(*result_)) << *result_;
  EXPECT_EQ(report_->loaded, 9u);
  EXPECT_EQ(report_->next_line, 4u);
  // As when the connection ends, with those who had it.
  calls[3].Complete(absl::CancelledError("over"));
  while (!calls_.empty()) calls_.Pop().Complete(absl::CancelledError("over"));
  Poll();
  EXPECT_EQ(report_->next_line, 4u);
}

TEST_F(LoadWindowTest, FirstOfSeveralFailuresIsTold) {
  Begin(Records(10));
  std::vector<CallSequencer::Call> calls;
  while (!calls_.empty()) calls.push_back(calls_.Pop());
  calls[7].Complete(absl::UnavailableError("lost"));
  Poll();
  calls[2].Complete(absl::DataLossError("what?"));
  for (const int rest : {0, 1, 3, 4, 5, 6, 8, 9}) {
    calls[rest].Complete(MakeStateAnswer({MakeState(1)}));
  }
  Poll();
  ASSERT_TRUE(result_.has_value());
  EXPECT_TRUE(absl::IsDataLoss(*result_)) << *result_;
  EXPECT_EQ(report_->failed_line, 3u);
  EXPECT_EQ(report_->loaded, 8u);
}

}  // namespace
}  // namespace coffer::cli
