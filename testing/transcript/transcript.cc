#include "coffer/testing/transcript/transcript.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coffer/sdk/frame/message_parser.h"
#include "coffer/testing/fault/error_names.h"
#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/transcript/frame_reader.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

constexpr const char* kWhatNames[] = {"read", "write", "shutdown", "close"};

// In one line, and always the same: what DebugString prints may vary from run
// to run.
std::string Text(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

// The lines that say what is in an entry's bytes.
template <class Message>
std::string Decoded(internal::FrameReader& reader, absl::string_view bytes) {
  std::string lines;
  const absl::Status status = reader.Add(bytes, [&](absl::string_view payload) {
    Message message;
    const absl::Status parsed = coffer::ParseMessage(payload, &message);
    absl::StrAppend(&lines, "# ",
                    parsed.ok() ? Text(message) : std::string(parsed.message()),
                    "\n");
  });
  if (!status.ok()) {
    absl::StrAppend(&lines, "# no frame: ", status.message(), "\n");
  } else if (reader.pending_bytes() > 0) {
    absl::StrAppend(&lines, "# ... and ", reader.pending_bytes(),
                    " bytes of a frame\n");
  }
  return lines;
}

std::string Line(const TranscriptEntry& entry) {
  return absl::StrCat(
      entry.time.count(), " ", entry.stream, " ",
      kWhatNames[static_cast<int>(entry.what)], " ", entry.bytes.size(), " ",
      entry.bytes.empty() ? "-" : absl::BytesToHexString(entry.bytes),
      entry.error == "ok" ? "" : " " + entry.error, "\n");
}

absl::StatusOr<TranscriptEntry> ParseLine(absl::string_view line) {
  const std::vector<std::string> parts = absl::StrSplit(line, ' ');
  TranscriptEntry entry;
  int64_t time = 0;
  size_t bytes = 0;
  if (parts.size() < 5 || parts.size() > 6 ||
      !absl::SimpleAtoi(parts[0], &time) ||
      !absl::SimpleAtoi(parts[3], &bytes)) {
    return absl::InvalidArgumentError(
        "not: NANOSECONDS STREAM WHAT BYTES HEX [ERROR]");
  }
  entry.time = coffer::Clock::Duration(time);
  entry.stream = parts[1];
  int what = 0;
  while (what < 4 && parts[2] != kWhatNames[what]) ++what;
  if (what == 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("no operation is \"", parts[2], "\""));
  }
  entry.what = static_cast<TranscriptWhat>(what);
  if (parts[4] != "-") entry.bytes = absl::HexStringToBytes(parts[4]);
  const std::string again =
      entry.bytes.empty() ? "-" : absl::BytesToHexString(entry.bytes);
  if (again != parts[4] || entry.bytes.size() != bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("not the hex of ", bytes, " bytes"));
  }
  if (parts.size() == 6) entry.error = parts[5];
  return entry;
}

}  // namespace

namespace internal {

void TranscriptLog::Add(const std::string& stream, TranscriptWhat what,
                        std::string bytes,
                        const boost::system::error_code& error) {
  std::lock_guard lock(mutex_);
  entries_.push_back({clock_.Now() - start_, stream, what, std::move(bytes),
                      ErrorName(error)});
}

void TranscriptLog::Begin(const std::string& stream, TranscriptWhat what) {
  std::lock_guard lock(mutex_);
  ++pending_[{stream, what}];
}

void TranscriptLog::End(const std::string& stream, TranscriptWhat what) {
  std::lock_guard lock(mutex_);
  --pending_[{stream, what}];
}

std::string TranscriptLog::Pending() const {
  std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [operation, count] : pending_) {
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&text, "# pending: ", operation.first, " ",
                      kWhatNames[static_cast<int>(operation.second)], "\n");
    }
  }
  return text;
}

std::vector<TranscriptEntry> TranscriptLog::entries() const {
  std::lock_guard lock(mutex_);
  return entries_;
}

}  // namespace internal

Transcript::Transcript(coffer::Clock& clock)
    : log_(std::make_shared<internal::TranscriptLog>(clock)) {}

Transcript::~Transcript() {
  if (::testing::Test::HasFailure()) {
    std::cout << "What happened:\n" << ToString() << Pending() << std::flush;
  }
}

TranscriptName Transcript::Name(std::string stream, Kind kind) {
  if (stream.empty() || stream.find_first_of(" \n#") != std::string::npos) {
    ADD_FAILURE() << "\"" << stream << "\" is no name for a transcript";
  }
  kinds_.emplace_back(stream, kind);
  return {log_, std::move(stream)};
}

TranscriptName Transcript::Client(std::string stream) {
  return Name(std::move(stream), Kind::kClient);
}
TranscriptName Transcript::Server(std::string stream) {
  return Name(std::move(stream), Kind::kServer);
}
TranscriptName Transcript::Bytes(std::string stream) {
  return Name(std::move(stream), Kind::kBytes);
}

std::string Transcript::ToString() const {
  const std::map<std::string, Kind> kinds(kinds_.begin(), kinds_.end());
  std::map<std::pair<std::string, TranscriptWhat>, internal::FrameReader>
      readers;
  std::string text;
  for (const TranscriptEntry& entry : entries()) {
    text += Line(entry);
    const auto kind = kinds.find(entry.stream);
    if (kind == kinds.end() || kind->second == Kind::kBytes ||
        entry.bytes.empty()) {
      continue;
    }
    internal::FrameReader& reader = readers[{entry.stream, entry.what}];
    const bool request = (kind->second == Kind::kClient) ==
                         (entry.what == TranscriptWhat::kWrite);
    text += request ? Decoded<coffer::v1::CommandRequest>(reader, entry.bytes)
                    : Decoded<coffer::v1::CommandResponse>(reader, entry.bytes);
  }
  return text;
}

absl::StatusOr<std::vector<TranscriptEntry>> Transcript::Parse(
    absl::string_view text) {
  std::vector<TranscriptEntry> entries;
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    absl::StatusOr<TranscriptEntry> entry = ParseLine(line);
    if (!entry.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", number, " of a transcript: ", entry.status().message()));
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

void ExpectGolden(const Transcript& transcript, const std::string& path,
                  std::source_location where) {
  const std::string text = transcript.ToString();
  const auto fail = [&](const std::string& what) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "the golden transcript " << path << ": " << what;
  };
  if (ReplayFlag("update_golden")) {
    const char* const root = std::getenv("BUILD_WORKSPACE_DIRECTORY");
    std::ofstream out(absl::StrCat(root == nullptr ? "" : root, "/", path));
    out << text;
    if (root == nullptr || !out.flush()) {
      fail("cannot be written; is this bazel run?");
    }
    return;
  }
  std::ifstream in(path);
  std::stringstream golden;
  golden << in.rdbuf();
  if (!in) return fail("cannot be read; is it among the test's data?");
  const std::vector<std::string> was = absl::StrSplit(golden.str(), '\n');
  const std::vector<std::string> is = absl::StrSplit(text, '\n');
  for (size_t i = 0; i < std::max(was.size(), is.size()); ++i) {
    const std::string before = i < was.size() ? was[i] : "(nothing)";
    const std::string now = i < is.size() ? is[i] : "(nothing)";
    if (before == now) continue;
    return fail(absl::StrCat("line ", i + 1, " differs\n  it was: ", before,
                             "\n  it is:  ", now,
                             "\nIf it should be: bazel run THIS_TEST -- "
                             "--update_golden=1"));
  }
}

}  // namespace coffer_testing
