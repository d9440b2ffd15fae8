#include "coffer/sdk/sync_data_calls.h"

namespace coffer {

absl::StatusOr<RemoveResult> SyncDataCalls::Remove(TextArg table, TextArg key,
                                                   const RemoveOptions& remove,
                                                   CallOptions options) {
  return Wait<absl::StatusOr<RemoveResult>>([&](auto handler) {
    client().Remove(table, key, remove, options, std::move(handler));
  });
}

absl::Status SyncDataCalls::DeleteIf(TextArg table, TextArg key,
                                     std::uint64_t version,
                                     CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client().DeleteIf(table, key, version, options, std::move(handler));
  });
}

absl::Status SyncDataCalls::ExpireAfter(TextArg table, TextArg key,
                                        Clock::Duration duration,
                                        CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client().ExpireAfter(table, key, duration, options, std::move(handler));
  });
}

absl::Status SyncDataCalls::ExpireAt(TextArg table, TextArg key,
                                     absl::Time time, CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client().ExpireAt(table, key, time, options, std::move(handler));
  });
}

absl::Status SyncDataCalls::Persist(TextArg table, TextArg key,
                                    CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client().Persist(table, key, options, std::move(handler));
  });
}

absl::StatusOr<std::optional<Clock::Duration>> SyncDataCalls::TimeToLive(
    TextArg table, TextArg key, CallOptions options) {
  return Wait<absl::StatusOr<std::optional<Clock::Duration>>>(
      [&](auto handler) {
        client().TimeToLive(table, key, options, std::move(handler));
      });
}

SyncScanner<TableInfo> SyncDataCalls::ListTables(const TablesOptions& tables,
                                                 CallOptions options) {
  return SyncScanner<TableInfo>(
      loop(), client().ListTables(tables, std::move(options)));
}

absl::StatusOr<Page<TableInfo>> SyncDataCalls::ListTablesPage(
    const TablesOptions& tables, CallOptions options) {
  return Wait<absl::StatusOr<Page<TableInfo>>>([&](auto handler) {
    client().ListTablesPage(tables, options, std::move(handler));
  });
}

absl::StatusOr<TableInfo> SyncDataCalls::CountKeys(TextArg table,
                                                   CallOptions options) {
  return Wait<absl::StatusOr<TableInfo>>([&](auto handler) {
    client().CountKeys(table, options, std::move(handler));
  });
}

absl::StatusOr<TableInfo> SyncDataCalls::DropTable(TextArg table,
                                                   CallOptions options) {
  return Wait<absl::StatusOr<TableInfo>>([&](auto handler) {
    client().DropTable(table, options, std::move(handler));
  });
}

absl::StatusOr<TableInfo> SyncDataCalls::RenameTable(TextArg table,
                                                     TextArg new_name,
                                                     CallOptions options) {
  return Wait<absl::StatusOr<TableInfo>>([&](auto handler) {
    client().RenameTable(table, new_name, options, std::move(handler));
  });
}

}  // namespace coffer
