// Transcript: what streams have done: every read and write with its virtual
// time, stream, bytes, error, and the frames in those bytes, readable; shown
// when the test fails, compared with a golden file, or replayed (replay.h).
//
//   Transcript transcript(time.clock());
//   ClientStream client(
//       TranscriptStream(std::move(pipe), transcript.Client("client")));
//   ...
//   ExpectGolden(transcript, "testing/data/session.transcript");
//
// A transcript prints itself, when it is destroyed, if the test has failed by
// then, with the operations that have not completed. Its text has a line for
// each entry,
//
//   1500000 client write 34 0a1f...      (ns, stream, what, bytes, in hex)
//   # hset { table: "t" ... }            (a frame that this completes)
//
// and is read back, comments ignored, by Transcript::Parse.
//
// Threads: thread-safe. Ownership: streams share its entries; it may go first.

#ifndef COFFER_TESTING_TRANSCRIPT_TRANSCRIPT_H_
#define COFFER_TESTING_TRANSCRIPT_TRANSCRIPT_H_

#include <boost/system/error_code.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"

namespace coffer_testing {

enum class TranscriptWhat { kRead, kWrite, kShutdown, kClose };

struct TranscriptEntry {
  coffer::Clock::Duration time = {};  // since the transcript was begun
  std::string stream;
  TranscriptWhat what = TranscriptWhat::kRead;
  std::string bytes = {};
  // As fault plans write them: "ok", "eof", "connection_reset".
  std::string error = "ok";

  bool operator==(const TranscriptEntry&) const = default;
};

namespace internal {

// What the streams of a transcript share.
class TranscriptLog {
 public:
  explicit TranscriptLog(coffer::Clock& clock)
      : clock_(clock), start_(clock.Now()) {}

  void Add(const std::string& stream, TranscriptWhat what, std::string bytes,
           const boost::system::error_code& error);
  std::vector<TranscriptEntry> entries() const;

  // An operation, from its start until it completes or is destroyed.
  void Begin(const std::string& stream, TranscriptWhat what);
  void End(const std::string& stream, TranscriptWhat what);
  // A line for each that has not, such as "# pending: client read".
  std::string Pending() const;

 private:
  coffer::Clock& clock_;
  const coffer::Clock::TimePoint start_;
  mutable std::mutex mutex_;
  std::vector<TranscriptEntry> entries_;
  std::map<std::pair<std::string, TranscriptWhat>, int> pending_;
};

}  // namespace internal

// A stream's name in a transcript, for a TranscriptStream.
struct TranscriptName {
  std::shared_ptr<internal::TranscriptLog> log;
  std::string stream;
};

class Transcript {
 public:
  // `clock` outlives the transcript and its streams.
  explicit Transcript(coffer::Clock& clock);
  Transcript(const Transcript&) = delete;
  Transcript& operator=(const Transcript&) = delete;
  ~Transcript();

  // Names a stream: one whose writes are requests and whose reads are
  // responses, or the other way round, or whose bytes are no frames of Coffer.
  // One name, one stream.
  TranscriptName Client(std::string stream);
  TranscriptName Server(std::string stream);
  TranscriptName Bytes(std::string stream);

  std::vector<TranscriptEntry> entries() const { return log_->entries(); }

  // The text. Of operations that have not completed it says nothing.
  std::string ToString() const;
  // Those, a line each: "# pending: client read". In no golden file.
  std::string Pending() const { return log_->Pending(); }
  // The entries of such a text; InvalidArgument, with line and reason.
  static absl::StatusOr<std::vector<TranscriptEntry>> Parse(
      absl::string_view text);

 private:
  enum class Kind { kClient, kServer, kBytes };

  TranscriptName Name(std::string stream, Kind kind);

  const std::shared_ptr<internal::TranscriptLog> log_;
  std::vector<std::pair<std::string, Kind>> kinds_;
};

// The transcript's text is that of the file, a path in the workspace that is
// among the test's data; else the test fails with the first line that differs.
// bazel run TEST -- --update_golden=1 writes the file anew.
void ExpectGolden(const Transcript& transcript, const std::string& path,
                  std::source_location where = std::source_location::current());

}  // namespace coffer_testing

#endif  // COFFER_TESTING_TRANSCRIPT_TRANSCRIPT_H_
