#include "coffer/tools/cli/transaction_text.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/tools/cli/command.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/line_splitter.h"
#include "coffer/tools/cli/utf8.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

using Words = absl::Span<const std::string>;

template <class... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

constexpr char kComparisons[] =
    "a comparison is `version TABLE KEY =|!=|<|> N`, `value TABLE KEY =|!= "
    "VALUE`, `absent TABLE KEY` or `present TABLE KEY`";

const struct {
  absl::string_view sign;
  v1::Relation relation;
  bool of_values;
} kRelations[] = {{"=", v1::EQUAL, true},
                  {"!=", v1::NOT_EQUAL, true},
                  {"<", v1::LESS, false},
                  {">", v1::GREATER, false}};

absl::StatusOr<v1::Compare> ParseComparison(Words words) {
  if (words.size() == 3 && words[0] == "absent") {
    return CompareVersion(words[1], words[2], v1::EQUAL, 0);
  }
  if (words.size() == 3 && words[0] == "present") {
    return CompareVersion(words[1], words[2], v1::NOT_EQUAL, 0);
  }
  const bool of_value = words[0] == "value";
  if (words.size() != 5 || (!of_value && words[0] != "version")) {
    return Wrong(kComparisons);
  }
  for (const auto& known : kRelations) {
    if (words[3] != known.sign || (of_value && !known.of_values)) continue;
    if (of_value) {
      absl::StatusOr<v1::Value> value = ParseValue(words[4]);
      if (!value.ok()) return value.status();
      return CompareValue(words[1], words[2], known.relation,
                          *std::move(value));
    }
    std::uint64_t version = 0;
    if (!absl::SimpleAtoi(words[4], &version)) {
      return Wrong(Quoted(words[4]), " is no version");
    }
    return CompareVersion(words[1], words[2], known.relation, version);
  }
  return Wrong(kComparisons);
}

absl::StatusOr<v1::Operation> ParseOperation(Words words) {
  absl::StatusOr<Command> command = ParseCommand(words);
  if (!command.ok()) return command.status();
  v1::Operation operation = ToOperation(std::move(command->request));
  if (operation.operation_case() == v1::Operation::OPERATION_NOT_SET) {
    return Wrong(Quoted(words[0]),
                 " is no operation of a transaction: there are read, ttl, put, "
                 "remove, incr, append, expire and persist");
  }
  return operation;
}

}  // namespace

absl::StatusOr<bool> TransactionReader::Read(absl::string_view line) {
  const absl::StatusOr<std::vector<std::string>> words = SplitLine(line);
  if (!words.ok()) return words.status();
  if (words->empty()) return false;
  if (words->size() == 1) {
    const std::string& word = words->front();
    if (word == "commit") return true;
    if (word == "if" || word == "then" || word == "else") {
      section_ = word == "if"     ? Section::kIf
                 : word == "then" ? Section::kThen
                                  : Section::kElse;
      return false;
    }
  }
  absl::Status read = ReadWords(*words);
  if (!read.ok()) return read;
  return false;
}

absl::Status TransactionReader::ReadWords(Words words) {
  for (const std::string& word : words) {
    if (!IsUtf8(word)) return Wrong(Quoted(word), " is not UTF-8");
  }
  v1::Transaction& transaction = *request_.mutable_transaction();
  if (section_ == Section::kIf) {
    absl::StatusOr<v1::Compare> compare = ParseComparison(words);
    if (!compare.ok()) return compare.status();
    *transaction.add_compares() = *std::move(compare);
    return absl::OkStatus();
  }
  absl::StatusOr<v1::Operation> operation = ParseOperation(words);
  if (!operation.ok()) return operation.status();
  v1::Operation& added = section_ == Section::kThen
                             ? *transaction.add_then()
                             : *transaction.add_otherwise();
  added = *std::move(operation);
  return absl::OkStatus();
}

absl::StatusOr<v1::CommandRequest> TransactionReader::Finish() const {
  if (!request_.has_transaction()) {
    return Wrong("there is nothing in the transaction");
  }
  return request_;
}

v1::CommandRequest ToRequest(const v1::Operation& operation) {
  v1::CommandRequest request;
  switch (operation.operation_case()) {
    case v1::Operation::kRead:
      *request.mutable_read() = operation.read();
      break;
    case v1::Operation::kPut:
      *request.mutable_put() = operation.put();
      break;
    case v1::Operation::kRemove:
      *request.mutable_remove() = operation.remove();
      break;
    case v1::Operation::kIncrement:
      *request.mutable_increment() = operation.increment();
      break;
    case v1::Operation::kAppend:
      *request.mutable_append() = operation.append();
      break;
    case v1::Operation::kExpire:
      *request.mutable_expire() = operation.expire();
      break;
    case v1::Operation::OPERATION_NOT_SET:
      break;
  }
  return request;
}

}  // namespace coffer::cli
