#include "coffer/server/service/answer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/server/service/answer_parts.h"
#include "coffer/server/service/states.h"

namespace coffer::server {
namespace {

// `status: 200` on the wire: one byte of tag, two of number.
constexpr size_t kStatusBytes = 3;

size_t PairBytes(const TableEntry& entry) {
  // Of a Kvpair: an empty key is left out, an empty value is not.
  const size_t key = entry.key.size() == 0 ? 0 : FieldBytes(entry.key.size());
  return key + FieldBytes(entry.value.size());
}

// Whether the operation has changed something, or may have.
bool HasEffect(const Op& op) {
  if (!IsWrite(op.kind) || op.skipped) return false;
  if (!op.status.ok()) return op.outcome_unknown;
  switch (op.kind) {
    case OpKind::kDelete:
    case OpKind::kExpire:
    case OpKind::kDropTable:
    case OpKind::kRenameTable:
      return op.found;
    default:
      return true;
  }
}

v1::Outcome OutcomeOf(absl::Span<const Op> ops) {
  return std::any_of(ops.begin(), ops.end(), HasEffect) ? v1::UNKNOWN
                                                        : v1::NOT_EXECUTED;
}

// The one with the reason: in a group the others are Aborted. Past the end if
// there is none.
size_t FindFailed(absl::Span<const Op> ops) {
  size_t failed = ops.size();
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].status.ok()) continue;
    if (!absl::IsAborted(ops[i].status)) return i;
    if (failed == ops.size()) failed = i;
  }
  return failed;
}

bool IsConditionFailed(const Op& op) {
  return absl::IsFailedPrecondition(op.status) && !IsTableOp(op.kind) &&
         op.condition.kind != Condition::Kind::kNone;
}

bool IsMissing(const Op& op) {
  return IsConditionFailed(op) && op.condition.kind == kMustExist.kind &&
         op.condition.version == kMustExist.version;
}

absl::Status WithAdvice(const absl::Status& error, absl::string_view advice) {
  if (advice.empty()) return error;
  return absl::Status(error.code(),
                      absl::StrCat(error.message(), ": ", advice));
}

}  // namespace

bool Fits(const AnswerContext& context, size_t bytes) {
  if (bytes <= context.bytes_max) return true;
  const absl::Status error = absl::ResourceExhaustedError(absl::StrCat(
      "answer of ", bytes, " bytes exceeds the limit of ", context.bytes_max));
  AnswerError(context, WithAdvice(error, context.advice));
  return false;
}

bool Parse(const AnswerContext& context, const SharedBytes& bytes,
           v1::Value* value) {
  if (value->ParseFromArray(bytes.view().data(),
                            static_cast<int>(bytes.size()))) {
    return true;
  }
  AnswerError(context,
              absl::DataLossError(absl::StrCat("stored value of ", bytes.size(),
                                               " bytes does not parse")));
  return false;
}

namespace {

// Of an answer that has them all.
size_t BytesOfValues(const AnswerContext& context) {
  size_t bytes = kStatusBytes;
  for (const Op& op : context.ops) bytes += FieldBytes(op.value_out.size());
  return bytes;
}

// The longest beginning of at most `bytes` bytes that ends between characters.
size_t WholeCharacters(const std::string& text, size_t bytes) {
  if (bytes >= text.size()) return text.size();
  while (bytes > 0 && (text[bytes] & 0xC0) == 0x80) --bytes;
  return bytes;
}

void CutMessageToFit(size_t bytes_max, v1::CommandResponse* response) {
  const size_t bytes = response->ByteSizeLong();
  if (bytes <= bytes_max) return;
  static constexpr absl::string_view kCut = "...";
  std::string& message = *response->mutable_message();
  const size_t excess = bytes - bytes_max + kCut.size();
  const size_t kept = message.size() > excess ? message.size() - excess : 0;
  message.resize(WholeCharacters(message, kept));
  absl::StrAppend(&message, kCut);
}

}  // namespace

void AnswerValues(const AnswerContext& context) {
  if (!Fits(context, BytesOfValues(context))) return;
  context.response->set_status(kOk);
  auto& values = *context.response->mutable_values();
  values.Reserve(static_cast<int>(context.ops.size()));
  for (const Op& op : context.ops) {
    if (!Parse(context, op.value_out, values.Add())) return;
  }
}

void AnswerFound(const AnswerContext& context) {
  constexpr size_t kBoolBytes = 2;  // of a Value
  const size_t bytes =
      kStatusBytes + context.ops.size() * FieldBytes(kBoolBytes);
  if (!Fits(context, bytes)) return;
  context.response->set_status(kOk);
  auto& values = *context.response->mutable_values();
  values.Reserve(static_cast<int>(context.ops.size()));
  for (const Op& op : context.ops) values.Add()->set_bool_(op.found);
}

void AnswerPairs(const AnswerContext& context) {
  const std::vector<TableEntry>& entries = context.ops[0].entries;
  size_t bytes = kStatusBytes;
  for (const TableEntry& entry : entries) {
    bytes += FieldBytes(PairBytes(entry));
  }
  if (!Fits(context, bytes)) return;
  context.response->set_status(kOk);
  auto& pairs = *context.response->mutable_pairs();
  pairs.Reserve(static_cast<int>(entries.size()));
  for (const TableEntry& entry : entries) {
    v1::Kvpair& pair = *pairs.Add();
    pair.set_key(entry.key.view().data(), entry.key.size());
    if (!Parse(context, entry.value, pair.mutable_value())) return;
  }
}

void AnswerError(const AnswerContext& context, const absl::Status& error) {
  v1::CommandResponse& response = *context.response;
  response.Clear();
  response.set_status(ToWireStatus(error.code()));
  std::string message(error.message());
  if (response.status() == 500) message = "Internal error: " + message;
  response.set_message(std::move(message));
  response.set_outcome(OutcomeOf(context.ops));
  CutMessageToFit(context.bytes_max, &response);
}

bool AnswerStorageError(const AnswerContext& context) {
  const size_t failed = FindFailed(context.unit);
  if (failed == context.unit.size()) return false;
  const Op& op = context.unit[failed];
  absl::Status error = op.status;
  // What was read of it before is too much by itself: no use to send it again.
  if (absl::IsUnavailable(error) && !Fits(context, BytesOfValues(context))) {
    return true;
  }
  if (IsMissing(op)) {
    error = absl::NotFoundError(
        absl::StrCat("Not found: table ", op.table, ", key ", op.key));
  } else if (op.kind == OpKind::kGetTable && absl::IsResourceExhausted(error)) {
    error = WithAdvice(error, context.advice);
  }
  if (context.where != nullptr && failed < context.ops.size()) {
    error = absl::Status(
        error.code(),
        absl::StrCat(context.where(context, failed), error.message()));
  }
  AnswerError(context, error);
  if (IsConditionFailed(op) && !IsMissing(op)) AddPresentState(context, op);
  return true;
}

}  // namespace coffer::server
