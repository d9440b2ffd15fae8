#include "coffer/sdk/transaction.h"

#include "absl/strings/str_cat.h"

namespace coffer {

v1::Compare VersionIs(TextArg table, TextArg key, std::uint64_t version) {
  return CompareVersion(table, key, v1::EQUAL, version);
}
v1::Compare VersionIsNot(TextArg table, TextArg key, std::uint64_t version) {
  return CompareVersion(table, key, v1::NOT_EQUAL, version);
}
v1::Compare VersionIsLess(TextArg table, TextArg key, std::uint64_t version) {
  return CompareVersion(table, key, v1::LESS, version);
}
v1::Compare VersionIsGreater(TextArg table, TextArg key,
                             std::uint64_t version) {
  return CompareVersion(table, key, v1::GREATER, version);
}
v1::Compare IsAbsent(TextArg table, TextArg key) {
  return CompareVersion(table, key, v1::EQUAL, 0);
}
v1::Compare IsPresent(TextArg table, TextArg key) {
  return CompareVersion(table, key, v1::NOT_EQUAL, 0);
}

absl::StatusOr<KeyStates> Operation<KeyStates>::decode(
    internal::States states) {
  KeyStates results;
  results.reserve(states.size());
  for (v1::KeyState* const state : states) {
    results.push_back(internal::ToKeyState(std::move(*state)));
  }
  return results;
}

namespace op {

Operation<PutResult> PutOf(TextArg table, TextArg key, Value value,
                           const PutOptions& options) {
  v1::CommandRequest request =
      MakePut(table, key, std::move(value), options.condition, options.expiry);
  request.mutable_put()->set_want_previous(options.want_previous);
  return {ToOperation(std::move(request)), [](internal::States states) {
            return internal::PutOfState(*states[0]);
          }};
}

Operation<RemoveResult> Remove(TextArg table, TextArg key,
                               const RemoveOptions& options) {
  v1::CommandRequest request = MakeRemove(table, key, options.condition);
  request.mutable_remove()->set_want_previous(options.want_previous);
  return {ToOperation(std::move(request)), [](internal::States states) {
            return internal::RemoveOfState(*states[0]);
          }};
}

Operation<KeyState> Expire(TextArg table, TextArg key, const v1::Expiry& expiry,
                           const v1::Condition& condition) {
  return {ToOperation(MakeExpire(table, key, expiry, condition)),
          [](internal::States states) {
            return internal::KeyStateOfState(*states[0]);
          }};
}

}  // namespace op

namespace internal {
namespace {

using Operations = google::protobuf::RepeatedPtrField<v1::Operation>;

}  // namespace

std::size_t StatesOf(const v1::Operation& operation) {
  return operation.has_read() ? operation.read().keys_size() : 1;
}

absl::Status CheckTransaction(const v1::Transaction& transaction,
                              const Answer& answer) {
  const absl::Status status = CheckAnswer(answer, -1);
  if (!status.ok()) return status;
  const Operations& executed =
      answer->held() ? transaction.then() : transaction.otherwise();
  std::size_t states = 0;
  for (const v1::Operation& operation : executed) states += StatesOf(operation);
  return CheckStates(answer, static_cast<int>(states));
}

std::vector<v1::KeyState*> StatesOf(v1::CommandResponse& answer) {
  std::vector<v1::KeyState*> states;
  states.reserve(answer.states_size());
  for (v1::KeyState& state : *answer.mutable_states()) states.push_back(&state);
  return states;
}

absl::Status AfterCommit(const absl::Status& status) {
  return absl::Status(
      status.code(),
      absl::StrCat("the transaction was executed, but of its results: ",
                   status.message()));
}

}  // namespace internal
}  // namespace coffer
