#include "coffer/testing/transcript/replay.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/frame/message_parser.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/transcript/frame_reader.h"
#include "gtest/gtest.h"

namespace coffer_testing {

using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using Peer = ScriptedPeer<CommandRequest, CommandResponse>;

void ReplayServer(const std::vector<TranscriptEntry>& entries,
                  const std::string& stream, Peer& server,
                  const ReplayOptions& options) {
  internal::FrameReader requests;
  // What answers are added to.
  std::optional<Peer::Step> step;
  bool found = false;
  for (const TranscriptEntry& entry : entries) {
    if (entry.stream != stream) continue;
    found = true;
    if (entry.what == TranscriptWhat::kRead) {
      if (!entry.bytes.empty()) {
        if (!step) step = server.PushBytes("");
        step->ReplyBytes(entry.bytes);
      }
      if (entry.error == "eof" && step) step->ThenEof();
      if (entry.error == "connection_reset" && step) step->ThenReset();
    } else if (entry.what == TranscriptWhat::kShutdown) {
      step = server.ExpectEnd();
    } else if (entry.what == TranscriptWhat::kWrite) {
      const absl::Status status =
          requests.Add(entry.bytes, [&](absl::string_view payload) {
            CommandRequest request;
            const absl::Status parsed = coffer::ParseMessage(payload, &request);
            EXPECT_TRUE(parsed.ok()) << parsed;
            step = server.Expect(
                options.ignored_fields.empty()
                    ? ::testing::Matcher<const CommandRequest&>(
                          EqualsProto(request))
                    : ::testing::Matcher<const CommandRequest&>(IgnoringFields(
                          options.ignored_fields, EqualsProto(request))));
          });
      EXPECT_TRUE(status.ok()) << status;
    }
  }
  EXPECT_TRUE(found) << "the transcript has no stream \"" << stream << "\"";
}

}  // namespace coffer_testing
