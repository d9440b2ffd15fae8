// SyncDataCalls: the part of SyncClient (sync_client.h) that DataCalls
// (data_calls.h) is of Client: the same names, arguments, results and errors.

#ifndef COFFER_SDK_SYNC_DATA_CALLS_H_
#define COFFER_SDK_SYNC_DATA_CALLS_H_

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/conditions.h"
#include "coffer/sdk/key_state.h"
#include "coffer/sdk/scan.h"
#include "coffer/sdk/sync_calls.h"
#include "coffer/sdk/sync_scanner.h"
#include "coffer/sdk/transaction.h"

namespace coffer {

class SyncDataCalls : public SyncCalls {
 public:
  template <class T = Value>
  absl::StatusOr<Versioned<T>> Read(TextArg table, TextArg key,
                                    CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<Versioned<T>>>([&](auto handler) {
      client().Read<T>(table, key, options, std::move(handler));
    });
  }

  template <class T = Value, KeyRange Keys>
  absl::StatusOr<std::vector<Versioned<T>>> MultiRead(
      TextArg table, const Keys& keys, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::vector<Versioned<T>>>>([&](auto handler) {
      client().MultiRead<T>(table, keys, options, std::move(handler));
    });
  }
  template <class T = Value>
  absl::StatusOr<std::vector<Versioned<T>>> MultiRead(
      TextArg table, KeyList keys, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::vector<Versioned<T>>>>([&](auto handler) {
      client().MultiRead<T>(table, keys, options, std::move(handler));
    });
  }

  template <ConvertibleToValue V>
  absl::StatusOr<PutResult> Put(TextArg table, TextArg key, V&& value,
                                const PutOptions& put = PutOptions(),
                                CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<PutResult>>([&](auto handler) {
      client().Put(table, key, std::forward<V>(value), put, options,
                   std::move(handler));
    });
  }
  template <ConvertibleToValue V>
  absl::StatusOr<PutResult> SetIfAbsent(TextArg table, TextArg key, V&& value,
                                        CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<PutResult>>([&](auto handler) {
      client().SetIfAbsent(table, key, std::forward<V>(value), options,
                           std::move(handler));
    });
  }
  template <ConvertibleToValue V>
  absl::StatusOr<PutResult> SetIfPresent(TextArg table, TextArg key, V&& value,
                                         CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<PutResult>>([&](auto handler) {
      client().SetIfPresent(table, key, std::forward<V>(value), options,
                            std::move(handler));
    });
  }
  template <ConvertibleToValue V>
  absl::StatusOr<PutResult> CompareAndSet(TextArg table, TextArg key,
                                          std::uint64_t version, V&& value,
                                          CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<PutResult>>([&](auto handler) {
      client().CompareAndSet(table, key, version, std::forward<V>(value),
                             options, std::move(handler));
    });
  }

  absl::StatusOr<RemoveResult> Remove(
      TextArg table, TextArg key, const RemoveOptions& remove = RemoveOptions(),
      CallOptions options = CallOptions());
  absl::Status DeleteIf(TextArg table, TextArg key, std::uint64_t version,
                        CallOptions options = CallOptions());

  template <Integer N>
  absl::StatusOr<std::int64_t> Increment(TextArg table, TextArg key, N amount,
                                         CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::int64_t>>([&](auto handler) {
      client().Increment(table, key, amount, options, std::move(handler));
    });
  }
  template <std::floating_point N>
  absl::StatusOr<double> Increment(TextArg table, TextArg key, N amount,
                                   CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<double>>([&](auto handler) {
      client().Increment(table, key, amount, options, std::move(handler));
    });
  }
  template <ConvertibleToValue V>
  absl::StatusOr<std::uint64_t> Append(TextArg table, TextArg key, V&& value,
                                       CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::uint64_t>>([&](auto handler) {
      client().Append(table, key, std::forward<V>(value), options,
                      std::move(handler));
    });
  }

  absl::Status ExpireAfter(TextArg table, TextArg key, Clock::Duration duration,
                           CallOptions options = CallOptions());
  absl::Status ExpireAt(TextArg table, TextArg key, absl::Time time,
                        CallOptions options = CallOptions());
  absl::Status Persist(TextArg table, TextArg key,
                       CallOptions options = CallOptions());
  absl::StatusOr<std::optional<Clock::Duration>> TimeToLive(
      TextArg table, TextArg key, CallOptions options = CallOptions());

  template <class T, class E>
  absl::StatusOr<typename Transaction<T, E>::Result> Commit(
      Transaction<T, E> transaction, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<typename Transaction<T, E>::Result>>(
        [&](auto handler) {
          client().Commit(std::move(transaction), options, std::move(handler));
        });
  }

  template <class T = Value>
  SyncScanner<ScanEntry<T>> Scan(TextArg table,
                                 const ScanOptions& scan = ScanOptions(),
                                 CallOptions options = CallOptions()) {
    return SyncScanner<ScanEntry<T>>(
        loop(), client().Scan<T>(table, scan, std::move(options)));
  }
  template <class T = Value>
  absl::StatusOr<Page<ScanEntry<T>>> ScanPage(
      TextArg table, const ScanOptions& scan,
      CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<Page<ScanEntry<T>>>>([&](auto handler) {
      client().ScanPage<T>(table, scan, options, std::move(handler));
    });
  }

  SyncScanner<TableInfo> ListTables(
      const TablesOptions& tables = TablesOptions(),
      CallOptions options = CallOptions());
  absl::StatusOr<Page<TableInfo>> ListTablesPage(
      const TablesOptions& tables, CallOptions options = CallOptions());
  absl::StatusOr<TableInfo> CountKeys(TextArg table,
                                      CallOptions options = CallOptions());
  absl::StatusOr<TableInfo> DropTable(TextArg table,
                                      CallOptions options = CallOptions());
  absl::StatusOr<TableInfo> RenameTable(TextArg table, TextArg new_name,
                                        CallOptions options = CallOptions());

 protected:
  using SyncCalls::SyncCalls;
  ~SyncDataCalls() = default;
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_DATA_CALLS_H_
