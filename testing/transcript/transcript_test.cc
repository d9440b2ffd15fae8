#include "coffer/testing/transcript/transcript.h"

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <exception>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/script/scripted_peer.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "coffer/testing/transcript/replay.h"
#include "coffer/testing/transcript/session_example.h"
#include "coffer/testing/transcript/transcript_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using coffer::ClientStream;
using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using internal::CapturedFailures;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kGolden[] = "testing/transcript/session.transcript";
constexpr char kLive[] = "testing/transcript/live_session.transcript";
constexpr char kHello[] = "testing/transcript/hello.transcript";

// Runs a session to its end.
template <class Stream>
std::vector<std::string> RunSession(VirtualTime& time,
                                    ClientStream<Stream>& client) {
  std::optional<std::vector<std::string>> answers;
  asio::co_spawn(time.io(), Session(client),
                 [&](std::exception_ptr, std::vector<std::string> result) {
                   answers = std::move(result);
                 });
  EXPECT_TRUE(time.RunUntil([&] { return answers.has_value(); }));
  return answers.value_or(std::vector<std::string>());
}

// Against the real server; on two occasions the answer takes its time.
void Record(VirtualTime& time, Transcript& transcript) {
  FakeServer fake(time.get_executor(), {.clock = &time.clock()});
  fake.DelayNext(milliseconds(20));
  ClientStream client(
      TranscriptStream(fake.Connect(), transcript.Client("client")));
  EXPECT_THAT(RunSession(time, client), SizeIs(4));
}

// Over a socket, against a server that listens.
void RecordLive(Transcript& transcript) {
  using asio::ip::tcp;
  asio::io_context io;
  FakeServer live(io.get_executor());
  tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), live.Listen()});
  ClientStream client(
      TranscriptStream(std::move(socket), transcript.Client("client")));
  std::optional<std::vector<std::string>> answers;
  asio::co_spawn(io, Session(client),
                 [&](std::exception_ptr, std::vector<std::string> result) {
                   answers = std::move(result);
                 });
  while (!answers && io.run_one() > 0) {
  }
  EXPECT_THAT(answers, ::testing::Optional(SizeIs(4)));
}

// By a client whose name for itself is not random.
void RecordHello(Transcript& transcript, VirtualTime& time) {
  CommandResponse reply;
  reply.set_status(200);
  reply.mutable_hello()->set_protocol_version(1);
  auto ends = MakeMemoryPipe(time.get_executor());
  ScriptedPeer<CommandRequest, CommandResponse> server(
      "server", std::move(ends.second), time.clock());
  server.Expect(::testing::_).Reply(reply);
  coffer::ClientStreamOptions options;
  options.client_id = "the golden id 16";
  ClientStream client(
      TranscriptStream(std::move(ends.first), transcript.Client("client")),
      options);
  std::optional<absl::Status> said;
  client.Hello([&](absl::Status status) { said = status; });
  time.RunUntil([&] { return said.has_value(); });
  EXPECT_EQ(said, absl::OkStatus());
}

TEST(TranscriptTest, TellsWhatHappened) {
  VirtualTime time;
  Transcript transcript(time.clock());
  Record(time, transcript);
  const std::string text = transcript.ToString();
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("0 client write "),
            HasSubstr("# hset { table: \"lamps\" pair { key: \"red\" value { "
                      "integer: 3 } } }\n"),
            HasSubstr("20000000 client read "),
            HasSubstr("# status: 404 message: \"Not found: table lamps, key "
                      "blue\"\n"),
            HasSubstr("client shutdown 0 -\n")));
  EXPECT_THAT(Transcript::Parse(text), IsOkAndHolds(transcript.entries()));
}

TEST(TranscriptTest, FramesInPiecesAreToldWhereTheyEnd) {
  VirtualTime time;
  Transcript transcript(time.clock());
  const TranscriptName name = transcript.Server("server");
  const std::string frame = EncodeFrames(coffer::MakeHget("t", "k"));
  name.log->Add("server", TranscriptWhat::kRead, frame.substr(0, 5), {});
  name.log->Add("server", TranscriptWhat::kRead, frame.substr(5) + frame, {});
  name.log->Add("server", TranscriptWhat::kWrite, "\xff\xff\xff\xff", {});
  const std::string request = "# hget { table: \"t\" key: \"k\" }\n";
  EXPECT_THAT(transcript.ToString(),
              AllOf(HasSubstr("# ... and 5 bytes of a frame\n0 server read"),
                    HasSubstr(request + request + "0 server write"),
                    HasSubstr("# no frame: ")));
}

TEST(TranscriptTest, ErrorsAndCancelsAreNoted) {
  VirtualTime time;
  Transcript transcript(time.clock());
  auto ends = MakeMemoryPipe(time.get_executor());
  TranscriptStream stream(std::move(ends.first), transcript.Bytes("raw"));
  std::array<char, 8> buffer;
  stream.async_read_some(asio::buffer(buffer), [](auto...) {});
  stream.cancel();
  time.RunFor(milliseconds(1));
  stream.async_read_some(asio::buffer(buffer), [](auto...) {});
  ends.second.reset();
  time.RunReady();
  stream.close();
  EXPECT_EQ(transcript.ToString(),
            "0 raw read 0 - operation_aborted\n"
            "1000000 raw read 0 - connection_reset\n"
            "1000000 raw close 0 -\n");
}

TEST(TranscriptTest, RefusesWhatIsNoTranscript) {
  const auto refuses = [](const std::string& text, const std::string& why) {
    EXPECT_THAT(Transcript::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
  };
  refuses("# comment\n0 a read\n", "line 2 of a transcript: not: NANOSECONDS");
  refuses("x a read 0 -", "NANOSECONDS");
  refuses("0 a sing 0 -", "no operation is \"sing\"");
  refuses("0 a read 1 -", "not the hex of 1 bytes");
  refuses("0 a read 1 6", "not the hex of 1 bytes");
  refuses("0 a read 1 zz", "not the hex of 1 bytes");
}

TEST(TranscriptTest, IsTheGoldenOne) {
  VirtualTime time;
  Transcript transcript(time.clock());
  Record(time, transcript);
  ExpectGolden(transcript, kGolden);
}

TEST(TranscriptTest, ALiveServerSaysWhatItSaidBefore) {
  ManualClock clock;
  Transcript transcript(clock);
  RecordLive(transcript);
  ExpectGolden(transcript, kLive);
}

TEST(TranscriptTest, HelloIsTheGoldenOne) {
  VirtualTime time;
  Transcript transcript(time.clock());
  RecordHello(transcript, time);
  ExpectGolden(transcript, kHello);
}

TEST(TranscriptTest, OperationsThatHaveNotCompletedAreListed) {
  VirtualTime time;
  Transcript transcript(time.clock());
  auto ends = MakeMemoryPipe(time.get_executor(), {.capacity = 1});
  TranscriptStream stream(std::move(ends.first), transcript.Bytes("raw"));
  std::array<char, 8> buffer;
  EXPECT_EQ(transcript.Pending(), "");
  stream.async_read_some(asio::buffer(buffer), [](auto...) {});
  stream.async_write_some(asio::buffer("ab", 2), [](auto...) {});
  EXPECT_EQ(transcript.Pending(),
            "# pending: raw read\n# pending: raw write\n");
  time.RunReady();
  EXPECT_EQ(transcript.Pending(), "# pending: raw read\n");
  stream.close();
  time.RunReady();
  EXPECT_EQ(transcript.Pending(), "");
}

TEST(TranscriptTest, SaysWhereItIsNotTheGoldenOne) {
  if (ReplayFlag("update_golden")) return;
  VirtualTime time;
  Transcript transcript(time.clock());
  CapturedFailures captured;
  ExpectGolden(transcript, kGolden);
  ExpectGolden(transcript, "no/such.file");
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                AllOf(HasSubstr("line 1 differs\n  it was: 0 "
                                                "client write"),
                                      HasSubstr("--update_golden=1"))),
                          Field(&CapturedFailures::Failure::message,
                                HasSubstr("cannot be read"))));
}

// Deliberately wrong: a client that asks a second time for what it has just
// been told. Its answers are right; that it says more than it should is seen on
// the wire only.
TEST(TranscriptTest, AClientThatAsksTwiceIsFoundOut) {
  if (ReplayFlag("update_golden")) return;
  VirtualTime time;
  Transcript transcript(time.clock());
  {
    FakeServer fake(time.get_executor(), {.clock = &time.clock()});
    fake.DelayNext(milliseconds(20));
    ClientStream client(
        TranscriptStream(fake.Connect(), transcript.Client("client")));
    std::optional<absl::StatusOr<CommandResponse>> answer;
    for (const auto& request :
         {coffer::MakeHset("lamps", "red", 3), coffer::MakeHget("lamps", "red"),
          coffer::MakeHget("lamps", "red")}) {
      answer.reset();
      client.Execute(request, [&](auto result) { answer = std::move(result); });
      time.RunUntil([&] { return answer.has_value(); });
    }
    EXPECT_EQ((*answer)->values(0).integer(), 3);
  }
  CapturedFailures captured;
  ExpectGolden(transcript, kGolden);
  EXPECT_THAT(
      captured.Get(),
      ElementsAre(Field(
          &CapturedFailures::Failure::message,
          AllOf(HasSubstr("line 9 differs\n  it was: 20000000 client write 19"),
                HasSubstr("\n  it is:  20000000 client write 18")))));
}

// --- Replay

std::vector<TranscriptEntry> RecordedLive() {
  std::ifstream in(kLive);
  std::stringstream text;
  text << in.rdbuf();
  auto entries = Transcript::Parse(text.str());
  EXPECT_TRUE(entries.ok()) << entries.status();
  return *std::move(entries);
}

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    auto ends = MakeMemoryPipe(time_.get_executor());
    client_.emplace(std::move(ends.first));
    server_.emplace("recorded server", std::move(ends.second), time_.clock());
    ReplayServer(RecordedLive(), "client", *server_);
  }

  VirtualTime time_;
  std::optional<ClientStream<MemoryPipe>> client_;
  std::optional<ScriptedPeer<CommandRequest, CommandResponse>> server_;
};

TEST_F(ReplayTest, AnswersAsTheLiveServerDid) {
  VirtualTime live_time;
  FakeServer live(live_time.get_executor());
  ClientStream<MemoryPipe> client(live.Connect());
  EXPECT_EQ(RunSession(time_, *client_), RunSession(live_time, client));
  time_.RunReady();
  EXPECT_TRUE(server_->done());
}

// Deliberately wrong: a client that asks in another order than the recorded
// one.
TEST_F(ReplayTest, AClientThatAsksOtherwiseIsFoundOut) {
  CapturedFailures captured;
  std::optional<absl::StatusOr<CommandResponse>> answer;
  client_->Execute(coffer::MakeHget("lamps", "red"),
                   [&](auto result) { answer = std::move(result); });
  time_.RunUntil([&] { return answer.has_value(); });
  EXPECT_FALSE(answer->ok());
  EXPECT_THAT(
      captured.Get(),
      ElementsAre(Field(&CapturedFailures::Failure::message,
                        AllOf(HasSubstr("recorded server: at step 1 of 4: got "
                                        "another message: hget"),
                              HasSubstr("hset")))));
}

TEST(ReplayFieldsTest, FieldsMayDiffer) {
  for (const bool ignored : {true, false}) {
    VirtualTime time;
    std::vector<TranscriptEntry> entries;
    {
      Transcript transcript(time.clock());
      FakeServer fake(time.get_executor());
      ClientStream client(
          TranscriptStream(fake.Connect(), transcript.Client("client")));
      std::optional<absl::Status> said;
      client.Hello([&](absl::Status status) { said = status; });
      time.RunUntil([&] { return said.has_value(); });
      EXPECT_EQ(said, absl::OkStatus());
      entries = transcript.entries();
    }
    auto ends = MakeMemoryPipe(time.get_executor());
    ClientStream<MemoryPipe> client(std::move(ends.first));
    ScriptedPeer<CommandRequest, CommandResponse> server(
        "recorded server", std::move(ends.second), time.clock());
    ReplayOptions options;
    if (ignored) options.ignored_fields = {"coffer.v1.Hello.client_id"};
    ReplayServer(entries, "client", server, options);
    std::optional<absl::Status> said;
    CapturedFailures captured;
    client.Hello([&](absl::Status status) { said = status; });
    time.RunUntil([&] { return said.has_value(); });
    EXPECT_EQ(said->ok(), ignored) << *said;
    EXPECT_EQ(client.peer_said_hello(), ignored);
    EXPECT_THAT(captured.Get(), SizeIs(ignored ? 0 : 1));
  }
}

}  // namespace
}  // namespace coffer_testing
