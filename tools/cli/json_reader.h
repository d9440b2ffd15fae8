// JSON (RFC 8259), read: a whole value in memory. Numbers are kept as they are
// written, so that none loses a digit. Pure; any thread.

#ifndef COFFER_TOOLS_CLI_JSON_READER_H_
#define COFFER_TOOLS_CLI_JSON_READER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer::cli {

struct Json {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  struct Member;

  Kind kind = Kind::kNull;
  bool truth = false;
  // kString: what it stands for, UTF-8. kNumber: as it is written.
  std::string text;
  std::vector<Json> items;
  // In their order; no name twice.
  std::vector<Member> members;

  // Null: it has none of that name, or is no object.
  const Json* Find(absl::string_view name) const;
};

struct Json::Member {
  std::string name;
  Json value;
};

// InvalidArgument says what is wrong, and at which byte. More than 32 values
// inside one another are refused.
absl::StatusOr<Json> ParseJson(absl::string_view text);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_JSON_READER_H_
