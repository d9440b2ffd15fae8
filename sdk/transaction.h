// Transaction: comparisons, and what is to be done at one moment if they hold,
// or if they do not; over any keys of any tables, in one request. Nobody sees a
// part of it; if an operation fails (a condition of its own, an overflow),
// nothing is done and its error is that of the transaction.
//
//   auto transfer = coffer::Transaction()
//                       .If(coffer::VersionIs("accounts", "ada", seen.version))
//                       .Then(coffer::op::Increment("accounts", "ada", -5),
//                             coffer::op::Increment("accounts", "bob", 5))
//                       .Else(coffer::op::Read<int64_t>("accounts", "ada"));
//   auto done = co_await client.Commit(transfer);
//   if (!done.ok()) co_return done.status();
//   if (done->held) {
//     auto [ada, bob] = *done->then;           // two sums, int64_t
//   } else {
//     auto [ada] = *done->otherwise;           // Versioned<int64_t>
//   }
//
// Results have the types of their operations. Where the number of operations is
// not known beforehand, a vector of operations with one type of result stands
// in the place of an operation, and a vector of results in that of its result;
// Operation<> takes operations of any kind:
//
//   std::vector<coffer::Operation<>> writes;
//   writes.push_back(coffer::op::Put("users", "ada", 36));
//   writes.push_back(coffer::op::Remove("guests", "ada"));
//   auto all = coffer::Transaction().Then(writes);
//
// A value: copy it, commit it as often as you like. Pure; any thread.

#ifndef COFFER_SDK_TRANSACTION_H_
#define COFFER_SDK_TRANSACTION_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/conditions.h"
#include "coffer/sdk/connection/decode_state.h"
#include "coffer/sdk/key_state.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

// --- Comparisons. A key that is not there has version 0, and is equal to no
// value.

v1::Compare VersionIs(TextArg table, TextArg key, std::uint64_t version);
v1::Compare VersionIsNot(TextArg table, TextArg key, std::uint64_t version);
v1::Compare VersionIsLess(TextArg table, TextArg key, std::uint64_t version);
v1::Compare VersionIsGreater(TextArg table, TextArg key, std::uint64_t version);
v1::Compare IsAbsent(TextArg table, TextArg key);
v1::Compare IsPresent(TextArg table, TextArg key);

template <ConvertibleToValue V>
v1::Compare ValueIs(TextArg table, TextArg key, V&& value) {
  return CompareValue(table, key, v1::EQUAL, std::forward<V>(value));
}
template <ConvertibleToValue V>
v1::Compare ValueIsNot(TextArg table, TextArg key, V&& value) {
  return CompareValue(table, key, v1::NOT_EQUAL, std::forward<V>(value));
}

// --- Operations

namespace internal {
// The states that the answer has of it.
std::size_t StatesOf(const v1::Operation& operation);
using States = absl::Span<v1::KeyState* const>;
}  // namespace internal

using KeyStates = std::vector<KeyState>;

// R: its result. Of KeyStates, those of the keys that it names, whatever kind
// of operation it is.
template <class R = KeyStates>
struct Operation {
  using Result = R;
  using Decode = absl::StatusOr<R> (*)(internal::States states);

  v1::Operation message;
  Decode decode = nullptr;
};

template <>
struct Operation<KeyStates> {
  using Result = KeyStates;

  // Of any other; implicit, so that those of several kinds stand in one list.
  template <class R>
  Operation(Operation<R> other) : message(std::move(other.message)) {}

  static absl::StatusOr<KeyStates> decode(internal::States states);

  v1::Operation message;
};

namespace op {

// As the functions of Client with these names; what those have options for is
// an option here.

template <class T = Value>
Operation<Versioned<T>> Read(TextArg table, TextArg key) {
  return {ToOperation(MakeRead(table, {key})), [](internal::States states) {
            return internal::VersionedOfState<T>(*states[0]);
          }};
}

template <class T = Value, KeyRange Keys>
Operation<std::vector<Versioned<T>>> MultiRead(TextArg table,
                                               const Keys& keys) {
  using Results = std::vector<Versioned<T>>;
  return {ToOperation(MakeRead(table, keys)),
          [](internal::States states) -> absl::StatusOr<Results> {
            Results results;
            results.reserve(states.size());
            for (v1::KeyState* const state : states) {
              auto result = internal::VersionedOfState<T>(*state);
              if (!result.ok()) return result.status();
              results.push_back(*std::move(result));
            }
            return results;
          }};
}

Operation<PutResult> PutOf(TextArg table, TextArg key, Value value,
                           const PutOptions& options);
template <ConvertibleToValue V>
Operation<PutResult> Put(TextArg table, TextArg key, V&& value,
                         const PutOptions& options = PutOptions()) {
  return PutOf(table, key, ToValue(std::forward<V>(value)), options);
}

Operation<RemoveResult> Remove(TextArg table, TextArg key,
                               const RemoveOptions& options = RemoveOptions());

template <Integer N>
Operation<std::int64_t> Increment(TextArg table, TextArg key, N amount) {
  return {ToOperation(MakeIncrement(table, key, amount)),
          [](internal::States states) {
            return internal::IntegerOfState(*states[0]);
          }};
}
template <std::floating_point N>
Operation<double> Increment(TextArg table, TextArg key, N amount) {
  return {ToOperation(MakeIncrement(table, key, amount)),
          [](internal::States states) {
            return internal::FloatOfState(*states[0]);
          }};
}

// The result: the bytes of the whole.
template <ConvertibleToValue V>
Operation<std::uint64_t> Append(TextArg table, TextArg key, V&& value) {
  return {ToOperation(MakeAppend(table, key, std::forward<V>(value))),
          [](internal::States states) {
            return internal::BytesOfState(*states[0]);
          }};
}

// With ExpiresAt, ExpiresAfter or NeverExpires (conditions.h).
Operation<KeyState> Expire(TextArg table, TextArg key, const v1::Expiry& expiry,
                           const v1::Condition& condition = v1::Condition());

}  // namespace op

// --- The transaction

// Then, Else: a tuple with the result of each argument of Then and Else.
template <class Then, class Else>
struct TransactionResult {
  // The comparisons held; always, if there are none.
  bool held = false;
  // Of what was done: `then` if they held, else `otherwise`.
  std::optional<Then> then;
  std::optional<Else> otherwise;
};

namespace internal {

// What an argument of Then or Else is.
template <class Argument>
struct Part;

template <class R>
struct Part<Operation<R>> {
  using Result = R;
  static void Add(const Operation<R>& operation,
                  google::protobuf::RepeatedPtrField<v1::Operation>* to) {
    *to->Add() = operation.message;
  }
  // Takes its states off the front.
  static absl::StatusOr<R> Decode(const Operation<R>& operation,
                                  States* states) {
    const std::size_t own = StatesOf(operation.message);
    const States taken = states->subspan(0, own);
    states->remove_prefix(own);
    return operation.decode(taken);
  }
};

template <class R>
struct Part<std::vector<Operation<R>>> {
  using Result = std::vector<R>;
  static void Add(const std::vector<Operation<R>>& operations,
                  google::protobuf::RepeatedPtrField<v1::Operation>* to) {
    for (const Operation<R>& operation : operations) {
      Part<Operation<R>>::Add(operation, to);
    }
  }
  static absl::StatusOr<Result> Decode(
      const std::vector<Operation<R>>& operations, States* states) {
    Result results;
    results.reserve(operations.size());
    for (const Operation<R>& operation : operations) {
      absl::StatusOr<R> result = Part<Operation<R>>::Decode(operation, states);
      if (!result.ok()) return result.status();
      results.push_back(*std::move(result));
    }
    return results;
  }
};

template <class Argument>
concept TransactionPart = requires {
  typename Part<Argument>::Result;
};

// The parts of one branch.
template <class... Parts>
struct BranchOf {
  using Results = std::tuple<typename Part<Parts>::Result...>;

  std::tuple<Parts...> parts;

  absl::StatusOr<Results> Decode(States states) const {
    absl::Status status;
    auto decode = [&](const auto& part) {
      using ThisPart = Part<std::decay_t<decltype(part)>>;
      typename ThisPart::Result result{};
      if (!status.ok()) return result;
      auto decoded = ThisPart::Decode(part, &states);
      if (!decoded.ok()) {
        status = decoded.status();
        return result;
      }
      return *std::move(decoded);
    };
    // In braces: from left to right.
    Results results = std::apply(
        [&](const auto&... part) { return Results{decode(part)...}; }, parts);
    if (!status.ok()) return status;
    return results;
  }
};

// Success, and the states that the operations of its branch have.
absl::Status CheckTransaction(const v1::Transaction& transaction,
                              const Answer& answer);
std::vector<v1::KeyState*> StatesOf(v1::CommandResponse& answer);
// What can be said of a result that makes no sense to the caller.
absl::Status AfterCommit(const absl::Status& status);

}  // namespace internal

// T, E: what was said by Then and Else.
template <class T = internal::BranchOf<>, class E = internal::BranchOf<>>
class Transaction {
 public:
  using Result = TransactionResult<typename T::Results, typename E::Results>;

  Transaction() = default;

  // All of them have to hold; also those of an earlier If.
  template <std::same_as<v1::Compare>... Compares>
  Transaction If(const Compares&... compares) && {
    (..., (*message_.add_compares() = compares));
    return std::move(*this);
  }
  template <std::same_as<v1::Compare>... Compares>
  Transaction If(const Compares&... compares) const& {
    return Transaction(*this).If(compares...);
  }

  // Once each.
  template <internal::TransactionPart... Parts>
  auto Then(const Parts&... parts) const {
    static_assert(std::is_same_v<T, internal::BranchOf<>>,
                  "Then is said once, with all its operations");
    v1::Transaction message = message_;
    (..., internal::Part<Parts>::Add(parts, message.mutable_then()));
    return Transaction<internal::BranchOf<Parts...>, E>(
        std::move(message), {std::tuple<Parts...>(parts...)}, else_);
  }
  template <internal::TransactionPart... Parts>
  auto Else(const Parts&... parts) const {
    static_assert(std::is_same_v<E, internal::BranchOf<>>,
                  "Else is said once, with all its operations");
    v1::Transaction message = message_;
    (..., internal::Part<Parts>::Add(parts, message.mutable_otherwise()));
    return Transaction<T, internal::BranchOf<Parts...>>(
        std::move(message), then_, {std::tuple<Parts...>(parts...)});
  }

  const v1::Transaction& message() const { return message_; }

  // What Client::Commit makes of the answer.
  absl::StatusOr<Result> Decode(internal::Answer answer) const {
    const absl::Status status = internal::CheckTransaction(message_, answer);
    if (!status.ok()) return status;
    const std::vector<v1::KeyState*> states = internal::StatesOf(*answer);
    Result result;
    result.held = answer->held();
    if (result.held) {
      auto then = then_.Decode(states);
      if (!then.ok()) return internal::AfterCommit(then.status());
      result.then = *std::move(then);
    } else {
      auto otherwise = else_.Decode(states);
      if (!otherwise.ok()) return internal::AfterCommit(otherwise.status());
      result.otherwise = *std::move(otherwise);
    }
    return result;
  }

 private:
  template <class, class>
  friend class Transaction;

  Transaction(v1::Transaction message, T then, E otherwise)
      : message_(std::move(message)),
        then_(std::move(then)),
        else_(std::move(otherwise)) {}

  v1::Transaction message_;
  T then_;
  E else_;
};

}  // namespace coffer

#endif  // COFFER_SDK_TRANSACTION_H_
