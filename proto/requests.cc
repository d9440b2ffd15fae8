#include "coffer/proto/requests.h"

#include <algorithm>

namespace coffer {
namespace {

// For Hget, Hdel and Hexist.
template <class Command>
void SetTableAndKey(TextArg table, TextArg key, Command* command) {
  command->set_table(table.data(), table.size());
  command->set_key(key.data(), key.size());
}

// For Hmget, Hmdel and Hmexist.
template <class Command>
void SetTableAndKeys(TextArg table, KeyList keys, Command* command) {
  command->set_table(table.data(), table.size());
  for (const TextArg& key : keys) {
    command->add_keys(key.data(), key.size());
  }
}

bool IsSet(const v1::Condition& condition) {
  return condition.condition_case() != v1::Condition::CONDITION_NOT_SET;
}

bool IsSet(const v1::Expiry& expiry) {
  return expiry.expiry_case() != v1::Expiry::EXPIRY_NOT_SET;
}

}  // namespace

Kvpair KeyValue::MakePair(TextArg key, Value value) {
  Kvpair pair;
  pair.set_key(key.data(), key.size());
  *pair.mutable_value() = std::move(value);
  return pair;
}

CommandRequest MakeHget(TextArg table, TextArg key) {
  CommandRequest request;
  SetTableAndKey(table, key, request.mutable_hget());
  return request;
}

CommandRequest MakeHgetall(TextArg table) {
  CommandRequest request;
  request.mutable_hgetall()->set_table(table.data(), table.size());
  return request;
}

CommandRequest MakeHdel(TextArg table, TextArg key) {
  CommandRequest request;
  SetTableAndKey(table, key, request.mutable_hdel());
  return request;
}

CommandRequest MakeHexist(TextArg table, TextArg key) {
  CommandRequest request;
  SetTableAndKey(table, key, request.mutable_hexist());
  return request;
}

CommandRequest MakeHmget(TextArg table, KeyList keys) {
  CommandRequest request;
  SetTableAndKeys(table, keys, request.mutable_hmget());
  return request;
}

CommandRequest MakeHmdel(TextArg table, KeyList keys) {
  CommandRequest request;
  SetTableAndKeys(table, keys, request.mutable_hmdel());
  return request;
}

CommandRequest MakeHmexist(TextArg table, KeyList keys) {
  CommandRequest request;
  SetTableAndKeys(table, keys, request.mutable_hmexist());
  return request;
}

CommandRequest MakeHmset(TextArg table, std::initializer_list<KeyValue> pairs) {
  CommandRequest request;
  request.mutable_hmset()->set_table(table.data(), table.size());
  for (const KeyValue& item : pairs) {
    *request.mutable_hmset()->add_pairs() = item.pair;
  }
  return request;
}

CommandRequest MakeListTables(TextArg prefix) {
  CommandRequest request;
  request.mutable_list_tables()->set_prefix(prefix.data(), prefix.size());
  return request;
}

CommandRequest MakeScan(TextArg table, TextArg prefix) {
  CommandRequest request;
  request.mutable_scan()->set_table(table.data(), table.size());
  request.mutable_scan()->set_prefix(prefix.data(), prefix.size());
  return request;
}

CommandRequest MakeCountKeys(TextArg table) {
  CommandRequest request;
  request.mutable_count_keys()->set_table(table.data(), table.size());
  return request;
}

CommandRequest MakeDropTable(TextArg table) {
  CommandRequest request;
  request.mutable_drop_table()->set_table(table.data(), table.size());
  return request;
}

CommandRequest MakeRenameTable(TextArg table, TextArg new_name) {
  CommandRequest request;
  v1::RenameTable& rename = *request.mutable_rename_table();
  rename.set_table(table.data(), table.size());
  rename.set_new_name(new_name.data(), new_name.size());
  return request;
}

CommandRequest MakeRead(TextArg table, KeyList keys) {
  CommandRequest request;
  SetTableAndKeys(table, keys, request.mutable_read());
  return request;
}

CommandRequest MakePutOf(TextArg table, TextArg key, Value value,
                         const v1::Condition& condition,
                         const v1::Expiry& expiry) {
  CommandRequest request;
  v1::Put& put = *request.mutable_put();
  SetTableAndKey(table, key, &put);
  *put.mutable_value() = std::move(value);
  if (IsSet(condition)) *put.mutable_condition() = condition;
  if (IsSet(expiry)) *put.mutable_expiry() = expiry;
  return request;
}

CommandRequest MakeRemove(TextArg table, TextArg key,
                          const v1::Condition& condition) {
  CommandRequest request;
  v1::Remove& remove = *request.mutable_remove();
  SetTableAndKey(table, key, &remove);
  if (IsSet(condition)) *remove.mutable_condition() = condition;
  return request;
}

CommandRequest MakeExpire(TextArg table, TextArg key, const v1::Expiry& expiry,
                          const v1::Condition& condition) {
  CommandRequest request;
  v1::Expire& expire = *request.mutable_expire();
  SetTableAndKey(table, key, &expire);
  *expire.mutable_expiry() = expiry;
  if (IsSet(condition)) *expire.mutable_condition() = condition;
  return request;
}

CommandRequest MakeAppendOf(TextArg table, TextArg key, Value value) {
  CommandRequest request;
  v1::Append& append = *request.mutable_append();
  SetTableAndKey(table, key, &append);
  *append.mutable_value() = std::move(value);
  return request;
}

v1::Compare CompareVersion(TextArg table, TextArg key, v1::Relation relation,
                           uint64_t version) {
  v1::Compare compare;
  SetTableAndKey(table, key, &compare);
  compare.set_relation(relation);
  compare.set_version(version);
  return compare;
}

v1::Operation ToOperation(CommandRequest request) {
  v1::Operation operation;
  switch (request.request_data_case()) {
    case CommandRequest::kRead:
      operation.mutable_read()->Swap(request.mutable_read());
      break;
    case CommandRequest::kPut:
      operation.mutable_put()->Swap(request.mutable_put());
      break;
    case CommandRequest::kRemove:
      operation.mutable_remove()->Swap(request.mutable_remove());
      break;
    case CommandRequest::kIncrement:
      operation.mutable_increment()->Swap(request.mutable_increment());
      break;
    case CommandRequest::kAppend:
      operation.mutable_append()->Swap(request.mutable_append());
      break;
    case CommandRequest::kExpire:
      operation.mutable_expire()->Swap(request.mutable_expire());
      break;
    default:
      break;
  }
  return operation;
}

CommandRequest MakeTransaction(
    std::initializer_list<v1::Compare> compares,
    std::initializer_list<CommandRequest> then,
    std::initializer_list<CommandRequest> otherwise) {
  CommandRequest request;
  v1::Transaction& transaction = *request.mutable_transaction();
  for (const v1::Compare& compare : compares) {
    *transaction.add_compares() = compare;
  }
  for (const CommandRequest& operation : then) {
    *transaction.add_then() = ToOperation(operation);
  }
  for (const CommandRequest& operation : otherwise) {
    *transaction.add_otherwise() = ToOperation(operation);
  }
  return request;
}

namespace {

// A Read of no keys is an operation all the same.
size_t KeyCount(const v1::Operation& operation) {
  return std::max(operation.read().keys_size(), 1);
}

size_t KeyCount(const v1::Transaction& transaction) {
  size_t keys = transaction.compares_size();
  for (const v1::Operation& operation : transaction.then()) {
    keys += KeyCount(operation);
  }
  for (const v1::Operation& operation : transaction.otherwise()) {
    keys += KeyCount(operation);
  }
  return keys;
}

}  // namespace

size_t KeyCount(const CommandRequest& request) {
  switch (request.request_data_case()) {
    case CommandRequest::kHmget:
      return request.hmget().keys_size();
    case CommandRequest::kHmset:
      return request.hmset().pairs_size();
    case CommandRequest::kHmdel:
      return request.hmdel().keys_size();
    case CommandRequest::kHmexist:
      return request.hmexist().keys_size();
    case CommandRequest::kRead:
      return request.read().keys_size();
    case CommandRequest::kTransaction:
      return KeyCount(request.transaction());
    default:
      return 1;
  }
}

}  // namespace coffer
