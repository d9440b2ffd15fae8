// Replay: the other side of a recorded conversation, as a ScriptedPeer: what
// the recorded client wrote is expected of the one under test, and what it read
// is said again, byte for byte and at once.
//
//   auto entries = Transcript::Parse(text);
//   ScriptedPeer<CommandRequest, CommandResponse> server("server", ...);
//   ReplayServer(*entries, "client", server,
//                {.ignored_fields = {"coffer.v1.Hello.client_id"}});
//
// So a session that was recorded once against a live server is a test without
// one, of a client that must go on asking the same. How the client divides its
// bytes does not matter.

#ifndef COFFER_TESTING_TRANSCRIPT_REPLAY_H_
#define COFFER_TESTING_TRANSCRIPT_REPLAY_H_

#include <string>
#include <vector>

#include "coffer/testing/script/scripted_peer.h"
#include "coffer/testing/transcript/transcript.h"
#include "coffer/v1/kv.pb.h"

namespace coffer_testing {

struct ReplayOptions {
  // Fields of requests that may differ, as IgnoringFields takes them.
  std::vector<std::string> ignored_fields = {};
};

// Adds the steps for what the stream `stream` of a transcript has done. A test
// failure if it has done nothing, or has written what are no requests.
void ReplayServer(const std::vector<TranscriptEntry>& entries,
                  const std::string& stream,
                  ScriptedPeer<coffer::v1::CommandRequest,
                               coffer::v1::CommandResponse>& server,
                  const ReplayOptions& options = {});

}  // namespace coffer_testing

#endif  // COFFER_TESTING_TRANSCRIPT_REPLAY_H_
