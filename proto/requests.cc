#include "coffer/proto/requests.h"

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
    default:
      return 1;
  }
}

}  // namespace coffer
