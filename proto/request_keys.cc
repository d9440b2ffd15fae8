#include "coffer/proto/request_keys.h"

#include <algorithm>

namespace coffer {
namespace {

using v1::CommandRequest;
using Visit = absl::FunctionRef<void(const TouchedName&)>;

constexpr bool kReads = false;
constexpr bool kWrites = true;

template <class Command>
void VisitTable(const Command& command, bool writes, Visit visit) {
  visit({.table = &command.table(), .key = nullptr, .writes = writes});
}

template <class Command>
void VisitKey(const Command& command, bool writes, Visit visit) {
  visit({.table = &command.table(), .key = &command.key(), .writes = writes});
}

template <class Command>
void VisitKeys(const Command& command, bool writes, Visit visit) {
  for (const std::string& key : command.keys()) {
    visit({.table = &command.table(), .key = &key, .writes = writes});
  }
}

void VisitOperation(const v1::Operation& operation, Visit visit) {
  switch (operation.operation_case()) {
    case v1::Operation::kRead:
      return VisitKeys(operation.read(), kReads, visit);
    case v1::Operation::kPut:
      return VisitKey(operation.put(), kWrites, visit);
    case v1::Operation::kRemove:
      return VisitKey(operation.remove(), kWrites, visit);
    case v1::Operation::kIncrement:
      return VisitKey(operation.increment(), kWrites, visit);
    case v1::Operation::kAppend:
      return VisitKey(operation.append(), kWrites, visit);
    case v1::Operation::kExpire:
      return VisitKey(operation.expire(), kWrites, visit);
    case v1::Operation::OPERATION_NOT_SET:
      return;
  }
}

void VisitTransaction(const v1::Transaction& transaction, Visit visit) {
  for (const v1::Compare& compare : transaction.compares()) {
    VisitKey(compare, kReads, visit);
  }
  for (const v1::Operation& operation : transaction.then()) {
    VisitOperation(operation, visit);
  }
  for (const v1::Operation& operation : transaction.otherwise()) {
    VisitOperation(operation, visit);
  }
}

void VisitRename(const v1::RenameTable& rename, Visit visit) {
  VisitTable(rename, kWrites, visit);
  visit({.table = &rename.new_name(), .key = nullptr, .writes = kWrites});
}

void VisitWatch(const v1::OpenWatch& watch, Visit visit) {
  const bool one_key = watch.keys_case() == v1::OpenWatch::kKey;
  visit({.table = &watch.table(),
         .key = one_key ? &watch.key() : nullptr,
         .writes = kReads});
}

bool Writes(const v1::Operation& operation) {
  return operation.operation_case() != v1::Operation::kRead &&
         operation.operation_case() != v1::Operation::OPERATION_NOT_SET;
}

}  // namespace

void ForEachKey(const CommandRequest& r, Visit visit) {
  switch (r.request_data_case()) {
    case CommandRequest::kHget:
      return VisitKey(r.hget(), kReads, visit);
    case CommandRequest::kHgetall:
      return VisitTable(r.hgetall(), kReads, visit);
    case CommandRequest::kHmget:
      return VisitKeys(r.hmget(), kReads, visit);
    case CommandRequest::kHset:
      return visit({.table = &r.hset().table(),
                    .key = &r.hset().pair().key(),
                    .writes = kWrites});
    case CommandRequest::kHmset:
      for (const v1::Kvpair& pair : r.hmset().pairs()) {
        visit({.table = &r.hmset().table(),
               .key = &pair.key(),
               .writes = kWrites});
      }
      return;
    case CommandRequest::kHdel:
      return VisitKey(r.hdel(), kWrites, visit);
    case CommandRequest::kHmdel:
      return VisitKeys(r.hmdel(), kWrites, visit);
    case CommandRequest::kHexist:
      return VisitKey(r.hexist(), kReads, visit);
    case CommandRequest::kHmexist:
      return VisitKeys(r.hmexist(), kReads, visit);
    case CommandRequest::kListTables:
      return visit({});
    case CommandRequest::kCountKeys:
      return VisitTable(r.count_keys(), kReads, visit);
    case CommandRequest::kDropTable:
      return VisitTable(r.drop_table(), kWrites, visit);
    case CommandRequest::kRenameTable:
      return VisitRename(r.rename_table(), visit);
    case CommandRequest::kScan:
      return VisitTable(r.scan(), kReads, visit);
    case CommandRequest::kRead:
      return VisitKeys(r.read(), kReads, visit);
    case CommandRequest::kPut:
      return VisitKey(r.put(), kWrites, visit);
    case CommandRequest::kRemove:
      return VisitKey(r.remove(), kWrites, visit);
    case CommandRequest::kIncrement:
      return VisitKey(r.increment(), kWrites, visit);
    case CommandRequest::kAppend:
      return VisitKey(r.append(), kWrites, visit);
    case CommandRequest::kExpire:
      return VisitKey(r.expire(), kWrites, visit);
    case CommandRequest::kTransaction:
      return VisitTransaction(r.transaction(), visit);
    case CommandRequest::kOpenWatch:
      return VisitWatch(r.open_watch(), visit);
    default:
      return;
  }
}

bool WritesKeys(const CommandRequest& request) {
  switch (request.request_data_case()) {
    case CommandRequest::kHset:
    case CommandRequest::kHmset:
    case CommandRequest::kHdel:
    case CommandRequest::kHmdel:
    case CommandRequest::kDropTable:
    case CommandRequest::kRenameTable:
    case CommandRequest::kPut:
    case CommandRequest::kRemove:
    case CommandRequest::kIncrement:
    case CommandRequest::kAppend:
    case CommandRequest::kExpire:
      return true;
    case CommandRequest::kTransaction: {
      const v1::Transaction& transaction = request.transaction();
      return std::any_of(transaction.then().begin(), transaction.then().end(),
                         Writes) ||
             std::any_of(transaction.otherwise().begin(),
                         transaction.otherwise().end(), Writes);
    }
    default:
      return false;
  }
}

}  // namespace coffer
