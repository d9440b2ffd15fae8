// DataCalls: the part of Client (client.h) that is about more than a key and
// its value: versions and conditions, expiry, counters, transactions, scans,
// tables. What client.h says of its functions holds for these.
//
//   auto ada = co_await client.Read<int64_t>("users", "ada");
//   auto put = co_await client.CompareAndSet("users", "ada", ada->version, 37);
//   if (absl::IsFailedPrecondition(put.status())) {
//     auto now = coffer::PresentStateOf(put.status());  // what it is instead
//   }
//
// A write that has a condition which does not hold does nothing and fails with
// FailedPrecondition, of which PresentStateOf (key_state.h) tells how the key
// is. A server that does not know these commands (ServerFeatures::data_commands
// of server_info()) is not sent them: Unimplemented.

#ifndef COFFER_SDK_DATA_CALLS_H_
#define COFFER_SDK_DATA_CALLS_H_

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/client_calls.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/conditions.h"
#include "coffer/sdk/connection/decode_state.h"
#include "coffer/sdk/key_state.h"
#include "coffer/sdk/scan.h"
#include "coffer/sdk/transaction.h"

namespace coffer {

class DataCalls : public ClientCalls {
 public:
  using ClientCalls::ClientCalls;

  // --- Reading with the version

  // Versioned<T>: of version 0 if there is no such key. T is as for Get; a
  // value of another type is InvalidArgument.
  template <class T = Value, class... Extra>
  auto Read(TextArg table, TextArg key, Extra&&... extra) {
    return Call<absl::StatusOr<Versioned<T>>>(
        MakeRead(table, {key}),
        internal::DecodeState(internal::VersionedOfState<T>),
        std::forward<Extra>(extra)...);
  }

  // In the order of the keys, all as they were at one moment if the server's
  // engine can do that (docs/guarantees.md).
  template <class T = Value, KeyRange Keys, class... Extra>
  auto MultiRead(TextArg table, const Keys& keys, Extra&&... extra) {
    return MultiReadOf<T>(MakeRead(table, keys), std::forward<Extra>(extra)...);
  }
  template <class T = Value, class... Extra>
  auto MultiRead(TextArg table, KeyList keys, Extra&&... extra) {
    return MultiReadOf<T>(MakeRead(table, keys), std::forward<Extra>(extra)...);
  }

  // --- Writing on conditions

  // Stores `value`; `options` (conditions.h) has a condition and when the key
  // expires. StatusOr<PutResult>.
  template <ConvertibleToValue V, class... Extra>
  auto Put(TextArg table, TextArg key, V&& value,
           const PutOptions& options = PutOptions(), Extra&&... extra) {
    CommandRequest request = MakePut(table, key, std::forward<V>(value),
                                     options.condition, options.expiry);
    request.mutable_put()->set_want_previous(options.want_previous);
    return Call<absl::StatusOr<PutResult>>(
        std::move(request), internal::DecodeState(internal::PutOfState),
        std::forward<Extra>(extra)...);
  }

  template <ConvertibleToValue V, class... Extra>
  auto SetIfAbsent(TextArg table, TextArg key, V&& value, Extra&&... extra) {
    return PutIf(table, key, std::forward<V>(value), IfAbsent(),
                 std::forward<Extra>(extra)...);
  }
  template <ConvertibleToValue V, class... Extra>
  auto SetIfPresent(TextArg table, TextArg key, V&& value, Extra&&... extra) {
    return PutIf(table, key, std::forward<V>(value), IfPresent(),
                 std::forward<Extra>(extra)...);
  }
  // `version`: the one that was seen; 0: there was no such key.
  template <ConvertibleToValue V, class... Extra>
  auto CompareAndSet(TextArg table, TextArg key, std::uint64_t version,
                     V&& value, Extra&&... extra) {
    return PutIf(table, key, std::forward<V>(value), IfVersion(version),
                 std::forward<Extra>(extra)...);
  }

  // Removes the key; without a condition, whether there is one or not.
  // StatusOr<RemoveResult>.
  template <class... Extra>
  auto Remove(TextArg table, TextArg key,
              const RemoveOptions& options = RemoveOptions(),
              Extra&&... extra) {
    CommandRequest request = MakeRemove(table, key, options.condition);
    request.mutable_remove()->set_want_previous(options.want_previous);
    return Call<absl::StatusOr<RemoveResult>>(
        std::move(request), internal::DecodeState(internal::RemoveOfState),
        std::forward<Extra>(extra)...);
  }
  template <class... Extra>
  auto DeleteIf(TextArg table, TextArg key, std::uint64_t version,
                Extra&&... extra) {
    return Call<absl::Status>(MakeRemove(table, key, IfVersion(version)),
                              internal::DecodeWritten,
                              std::forward<Extra>(extra)...);
  }

  // --- Changing a value where it is. A key that is not there counts as 0, or
  // as empty; InvalidArgument if its value is of another type. Its expiry
  // stays.

  // The sum: StatusOr<int64_t>; InvalidArgument if it is out of range.
  template <Integer N, class... Extra>
  auto Increment(TextArg table, TextArg key, N amount, Extra&&... extra) {
    return Call<absl::StatusOr<std::int64_t>>(
        MakeIncrement(table, key, amount),
        internal::DecodeState(internal::IntegerOfState),
        std::forward<Extra>(extra)...);
  }
  // To a float, or to an integer, which becomes one: StatusOr<double>.
  template <std::floating_point N, class... Extra>
  auto Increment(TextArg table, TextArg key, N amount, Extra&&... extra) {
    return Call<absl::StatusOr<double>>(
        MakeIncrement(table, key, amount),
        internal::DecodeState(internal::FloatOfState),
        std::forward<Extra>(extra)...);
  }

  // Adds text to text, or bytes (BytesValue) to bytes. StatusOr<uint64_t>: the
  // bytes of the whole.
  template <ConvertibleToValue V, class... Extra>
  auto Append(TextArg table, TextArg key, V&& value, Extra&&... extra) {
    return Call<absl::StatusOr<std::uint64_t>>(
        MakeAppend(table, key, std::forward<V>(value)),
        internal::DecodeState(internal::BytesOfState),
        std::forward<Extra>(extra)...);
  }

  // --- Expiry. NotFound if there is no such key. Each but TimeToLive changes
  // the key's version.

  template <class... Extra>
  auto ExpireAfter(TextArg table, TextArg key, Clock::Duration duration,
                   Extra&&... extra) {
    return Expire(table, key, ExpiresAfter(duration),
                  std::forward<Extra>(extra)...);
  }
  template <class... Extra>
  auto ExpireAt(TextArg table, TextArg key, absl::Time time, Extra&&... extra) {
    return Expire(table, key, ExpiresAt(time), std::forward<Extra>(extra)...);
  }
  // It does not expire any more.
  template <class... Extra>
  auto Persist(TextArg table, TextArg key, Extra&&... extra) {
    return Expire(table, key, NeverExpires(), std::forward<Extra>(extra)...);
  }
  // StatusOr<std::optional<Clock::Duration>>; nullopt: it does not expire.
  template <class... Extra>
  auto TimeToLive(TextArg table, TextArg key, Extra&&... extra) {
    CommandRequest request = MakeRead(table, {key});
    request.mutable_read()->set_without_values(true);
    internal::DecodeTimeToLive decode{request.read().table(),
                                      request.read().keys(0)};
    return Call<absl::StatusOr<std::optional<Clock::Duration>>>(
        std::move(request), std::move(decode), std::forward<Extra>(extra)...);
  }

  // --- Several keys at one moment (transaction.h)

  // StatusOr<TransactionResult>, with the types of the operations. That the
  // comparisons do not hold is no error.
  template <class T, class E, class... Extra>
  auto Commit(Transaction<T, E> transaction, Extra&&... extra) {
    CommandRequest request;
    *request.mutable_transaction() = transaction.message();
    auto decode = [kept = std::make_shared<const Transaction<T, E>>(
                       std::move(transaction))](internal::Answer answer) {
      return kept->Decode(std::move(answer));
    };
    return Call<absl::StatusOr<typename Transaction<T, E>::Result>>(
        std::move(request), std::move(decode), std::forward<Extra>(extra)...);
  }

  // --- Tables of any size (scan.h)

  // Not a call: the calls are those of its Next, each with `call`.
  template <class T = Value>
  BasicScanner<ScanEntry<T>> Scan(TextArg table,
                                  const ScanOptions& options = ScanOptions(),
                                  CallOptions call = CallOptions()) {
    return BasicScanner<ScanEntry<T>>(connection(),
                                      internal::ToRequest(table, options),
                                      std::move(call), options.prefetch);
  }
  // One page, the first or that of options.cursor: StatusOr<Page<ScanEntry>>.
  // It may be empty and not be the last.
  template <class T = Value, class... Extra>
  auto ScanPage(TextArg table, const ScanOptions& options, Extra&&... extra) {
    return PageOf<ScanEntry<T>>(internal::ToRequest(table, options),
                                std::forward<Extra>(extra)...);
  }

  // By name.
  TableScanner ListTables(const TablesOptions& options = TablesOptions(),
                          CallOptions call = CallOptions()) {
    return TableScanner(connection(), internal::ToRequest(options),
                        std::move(call), options.prefetch);
  }
  template <class... Extra>
  auto ListTablesPage(const TablesOptions& options, Extra&&... extra) {
    return PageOf<TableInfo>(internal::ToRequest(options),
                             std::forward<Extra>(extra)...);
  }

  // The three below: StatusOr<TableInfo>; NotFound if there is no such table,
  // which is one without keys.
  template <class... Extra>
  auto CountKeys(TextArg table, Extra&&... extra) {
    return CallTable(MakeCountKeys(table), std::forward<Extra>(extra)...);
  }
  // Removes it with all its keys; gives what it was.
  template <class... Extra>
  auto DropTable(TextArg table, Extra&&... extra) {
    return CallTable(MakeDropTable(table), std::forward<Extra>(extra)...);
  }
  // FailedPrecondition if there is a table of the new name.
  template <class... Extra>
  auto RenameTable(TextArg table, TextArg new_name, Extra&&... extra) {
    return CallTable(MakeRenameTable(table, new_name),
                     std::forward<Extra>(extra)...);
  }

 private:
  template <class T, class... Extra>
  auto MultiReadOf(CommandRequest request, Extra&&... extra) {
    const int keys = request.read().keys_size();
    return Call<absl::StatusOr<std::vector<Versioned<T>>>>(
        std::move(request), internal::DecodeStates<T>(keys),
        std::forward<Extra>(extra)...);
  }

  template <class V, class... Extra>
  auto PutIf(TextArg table, TextArg key, V&& value,
             const v1::Condition& condition, Extra&&... extra) {
    return Call<absl::StatusOr<PutResult>>(
        MakePut(table, key, std::forward<V>(value), condition),
        internal::DecodeState(internal::PutOfState),
        std::forward<Extra>(extra)...);
  }

  template <class... Extra>
  auto Expire(TextArg table, TextArg key, const v1::Expiry& expiry,
              Extra&&... extra) {
    return Call<absl::Status>(MakeExpire(table, key, expiry),
                              internal::DecodeWritten,
                              std::forward<Extra>(extra)...);
  }

  template <class Entry, class... Extra>
  auto PageOf(CommandRequest request, Extra&&... extra) {
    auto decode = [asked = request](
                      internal::Answer answer) -> absl::StatusOr<Page<Entry>> {
      const absl::Status status = internal::CheckPage(asked, answer);
      if (!status.ok()) return status;
      return internal::ToPage<Entry>(*std::move(answer));
    };
    return Call<absl::StatusOr<Page<Entry>>>(
        std::move(request), std::move(decode), std::forward<Extra>(extra)...);
  }

  template <class... Extra>
  auto CallTable(CommandRequest request, Extra&&... extra) {
    return Call<absl::StatusOr<TableInfo>>(std::move(request),
                                           internal::DecodeTable,
                                           std::forward<Extra>(extra)...);
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_DATA_CALLS_H_
