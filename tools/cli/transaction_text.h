// A transaction as it is typed, a line each:
//
//   if
//     version accounts ada = 7      # also != < >
//     value flags on = bool:true    # also !=
//     absent locks door
//     present users ada
//   then
//     incr accounts ada -5
//     put locks door ada --expire_after=10s
//   else
//     read accounts ada
//   commit
//
// Words are those of line_splitter.h, values those of value_text.h. Operations
// are the commands read, ttl, put, remove, incr, append, expire and persist.
// Without comparisons `then` need not be said, nor `commit` at the end of a
// file. Pure; any thread.

#ifndef COFFER_TOOLS_CLI_TRANSACTION_TEXT_H_
#define COFFER_TOOLS_CLI_TRANSACTION_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

class TransactionReader {
 public:
  // True: that was `commit`, and nothing more belongs to it. InvalidArgument
  // says what is wrong with the line.
  absl::StatusOr<bool> Read(absl::string_view line);

  // InvalidArgument: there is nothing in it.
  absl::StatusOr<v1::CommandRequest> Finish() const;

 private:
  enum class Section { kIf, kThen, kElse };

  absl::Status ReadWords(absl::Span<const std::string> words);

  Section section_ = Section::kThen;
  v1::CommandRequest request_;
};

// The request that an operation would be on its own.
v1::CommandRequest ToRequest(const v1::Operation& operation);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_TRANSACTION_TEXT_H_
