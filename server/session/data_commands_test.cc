// The data commands in a session: who gets to them, and in which order they
// take effect.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/hand_storage.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/model_storage.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::ModelStorage;
using v1::CommandRequest;
using v1::CommandResponse;

CommandRequest Request(const std::string& text) {
  CommandRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
      << text;
  return request;
}

// --- Who gets to them

TEST(DataCommandsSession, HelloTellsThatTheyAreThere) {
  SessionHarness harness;
  harness.Start();
  harness.Send(Frame(MakeHello({}, MakeClientId(), "test")));
  const auto answers = harness.answers();
  const auto& features = answers[0].hello().features();
  EXPECT_NE(std::find(features.begin(), features.end(), v1::DATA_COMMANDS),
            features.end());
}

// To a peer of the older protocol they are requests without a command.
TEST(DataCommandsSession, OlderPeerDoesNotGetToThem) {
  const auto* oneof =
      CommandRequest::descriptor()->FindOneofByName("request_data");
  SessionHarness harness;
  harness.Start();
  std::size_t asked = 0;
  for (int i = 0; i < oneof->field_count(); ++i) {
    const auto* field = oneof->field(i);
    if (field->number() < CommandRequest::kListTables) continue;
    CommandRequest request;
    request.GetReflection()->MutableMessage(&request, field);
    harness.Send(Frame(request));
    ++asked;
  }
  harness.Send(Frame(Request("put { table: 't' key: 'k' value { } }")));
  const auto answers = harness.answers();
  ASSERT_EQ(answers.size(), asked + 1);
  EXPECT_GE(asked, 12u);
  for (const CommandResponse& answer : answers) {
    EXPECT_EQ(answer.ShortDebugString(),
              "status: 400 message: \"Command is invalid: `Request has no "
              "data`\"");
  }
  EXPECT_EQ(harness.memory().counts().keys, 0u);
}

TEST(DataCommandsSession, OlderPeersNoPreviousIsAFieldThatItDoesNotKnow) {
  const std::string requests =
      Frame(Request("hset { table: 't' pair { key: 'k' value { integer: 1 } } "
                    "no_previous: true }")) +
      Frame(Request("hmset { table: 't' pairs { key: 'k' value { integer: 2 } "
                    "} no_previous: true }")) +
      Frame(Request("hdel { table: 't' key: 'k' no_previous: true }")) +
      Frame(Request("hmdel { table: 't' keys: 'k' no_previous: true }"));
  SessionHarness older;
  older.Start();
  older.Send(requests);
  const auto answers = older.answers();
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[0].ShortDebugString(), "status: 200 values { }");
  EXPECT_EQ(answers[1].ShortDebugString(), "status: 200 values { integer: 1 }");
  EXPECT_EQ(answers[2].ShortDebugString(), "status: 200 values { integer: 2 }");
  EXPECT_EQ(answers[3].ShortDebugString(), "status: 200 values { }");
  SessionHarness ours;
  ours.Start();
  ours.Send(Frame(MakeHello({}, MakeClientId(), "test")));
  ours.Send(requests);
  const auto without = ours.answers();
  ASSERT_EQ(without.size(), 5u);
  for (std::size_t i = 1; i < without.size(); ++i) {
    EXPECT_EQ(without[i].ShortDebugString(), "status: 200");
  }
}

// --- Order

CommandRequest WithNumber(const std::string& text, std::uint64_t id) {
  CommandRequest request = Request(text);
  request.set_request_id(id);
  return request;
}

// What does not depend on how requests on different keys interleave: all but
// versions, the order within a table, and what a client cannot read of a
// cursor.
std::string Comparable(CommandResponse response) {
  response.clear_cursor();
  if (response.status() == 409) response.clear_message();  // it names a version
  for (v1::KeyState& state : *response.mutable_states()) {
    state.set_version(state.version() > 0 ? 1 : 0);
    if (!state.has_previous()) continue;
    v1::KeyState& previous = *state.mutable_previous();
    previous.set_version(previous.version() > 0 ? 1 : 0);
  }
  std::sort(response.mutable_states()->begin(),
            response.mutable_states()->end(),
            [](const v1::KeyState& a, const v1::KeyState& b) {
              return a.key() < b.key();
            });
  std::sort(response.mutable_pairs()->begin(), response.mutable_pairs()->end(),
            [](const v1::Kvpair& a, const v1::Kvpair& b) {
              return a.key() < b.key();
            });
  return response.ShortDebugString();
}

class DataOrderTest : public ::testing::TestWithParam<bool> {
 protected:
  void Connect() {
    session_ = std::make_unique<SessionHarness>(
        ServerLimits(), coffer_testing::MemoryPipeOptions(), &storage_);
    session_->Start();
    session_->Send(Frame(MakeHello({}, MakeClientId(), "test")));
  }
  void TearDown() override {
    while (storage_.waiting() > 0) Finish(0);
    session_.reset();
  }
  void Send(const std::string& text, std::uint64_t id) {
    session_->Send(Frame(WithNumber(text, id)));
  }
  void Finish(std::size_t i) {
    storage_.Finish(i);
    session_->Run();
  }
  // Without the Hello's.
  std::vector<CommandResponse> Answered() const {
    auto answers = session_->answers();
    answers.erase(answers.begin());
    return answers;
  }

  static std::unique_ptr<Storage> MakeStorage() {
    if (GetParam()) return std::make_unique<MemoryStorage>();
    return std::make_unique<ModelStorage>();
  }

  HandStorage storage_{MakeStorage()};
  std::unique_ptr<SessionHarness> session_;
};

INSTANTIATE_TEST_SUITE_P(MemoryAndModel, DataOrderTest, ::testing::Bool());

TEST_P(DataOrderTest, WholeTablesWaitForTheirKeysAndOthersDoNot) {
  Connect();
  Send("put { table: 't' key: 'k' value { integer: 1 } }", 1);
  Send("scan { table: 't' }", 2);
  Send("rename_table { table: 't' new_name: 'u' }", 3);
  Send("read { table: 'u' keys: 'k' }", 4);
  Send("read { table: 'other' keys: 'k' }", 5);
  Send("list_tables { }", 6);
  Send("put { table: 'other' key: 'k' value { } }", 7);
  ASSERT_EQ(storage_.waiting(), 2u) << "1 and 5";
  Finish(1);
  EXPECT_EQ(Answered()[0].request_id(), 5u);
  while (storage_.waiting() > 0) {
    EXPECT_EQ(storage_.waiting(), 1u) << "they wait for each other";
    Finish(0);
  }
  const auto answers = Answered();
  ASSERT_EQ(answers.size(), 7u);
  EXPECT_EQ(answers[2].states(0).key(), "k");
  EXPECT_EQ(answers[4].states(0).value().integer(), 1) << "after the rename";
  ASSERT_EQ(answers[5].tables_size(), 1) << "before the last put";
  EXPECT_EQ(answers[5].tables(0).name(), "u");
}

// Random requests, finished in random order: each gets the answer that it would
// get were they executed one after another.
TEST_P(DataOrderTest, AnswersAreThoseOfOneAfterAnother) {
  const char* const kRequests[] = {
      "put { table: '$0' key: '$1' value { integer: $2 } want_previous: true }",
      "put { table: '$0' key: '$1' value { integer: $2 } condition { absent: "
      "true } }",
      "remove { table: '$0' key: '$1' want_previous: true }",
      "increment { table: '$0' key: '$1' integer: $2 }",
      "read { table: '$0' keys: ['$1', 'a'] }",
      "expire { table: '$0' key: '$1' expiry { never: true } }",
      "scan { table: '$0' }",
      "count_keys { table: '$0' }",
      "drop_table { table: '$0' }",
      "rename_table { table: '$0' new_name: 'z' }",
      "rename_table { table: 'z' new_name: '$0' }",
      "list_tables { }",
      "hset { table: '$0' pair { key: '$1' value { integer: $2 } } }",
      "hgetall { table: '$0' }",
      "transaction { compares { table: '$0' key: '$1' value { integer: 1 } } "
      "then { increment { table: 'x' key: 'sum' integer: $2 } } "
      "otherwise { put { table: '$0' key: '$1' value { integer: 1 } } } }",
  };
  for (int seed = 0; seed < 150; ++seed) {
    std::mt19937 random(seed);
    Connect();
    const auto model_storage = MakeStorage();
    Service model(model_storage.get());
    std::vector<std::string> expected;
    constexpr std::uint64_t kCount = 60;
    std::uint64_t id = 0;
    while (id < kCount || storage_.waiting() > 0) {
      if (id < kCount && random() % 2 == 0) {
        std::string bytes;
        for (int n = static_cast<int>(random() % 3); n >= 0; --n) {
          const CommandRequest request = WithNumber(
              absl::Substitute(kRequests[random() % std::size(kRequests)],
                               random() % 2 == 0 ? "x" : "y",
                               random() % 2 == 0 ? "a" : "b", random() % 3),
              ++id);
          ServiceRun run;
          run.AddRequest() = request;
          ASSERT_TRUE(model.Execute(run, nullptr));
          CommandResponse response;
          model.Answer(run, 0, 1 << 20, &response);
          expected.push_back(Comparable(response));
          bytes += Frame(request);
        }
        session_->Send(bytes);
      } else if (storage_.waiting() > 0) {
        Finish(random() % storage_.waiting());
      }
    }
    const auto answers = Answered();
    ASSERT_EQ(answers.size(), expected.size());
    for (const CommandResponse& answer : answers) {
      EXPECT_EQ(Comparable(answer), expected[answer.request_id() - 1])
          << "seed " << seed;
    }
    // The next seed begins with nothing.
    session_.reset();
    storage_.set_inline(true);
    Batch batch;
    for (const char* table : {"x", "y", "z"}) batch.DropTable(table);
    EXPECT_TRUE(storage_.Submit(batch, nullptr));
    storage_.set_inline(false);
    EXPECT_EQ(storage_.counts().keys, 0u);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace coffer::server
