// Requests in one line each: MakeHset("table", "key", 5). Where several keys or
// pairs are asked for, a braced list or any range of them will do:
//
//   MakeHmget("t", {"a", "b"})             MakeHmget("t", vector_of_strings)
//   MakeHmset("t", {{"a", 1}, {"b", "x"}}) MakeHmset("t", map_from_text)
//
// Names are text of any type (text_arg.h), values what ToValue (value.h) takes.
// The texts are copied; table and key have to be UTF-8 and may be empty.

#ifndef COFFER_PROTO_REQUESTS_H_
#define COFFER_PROTO_REQUESTS_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include "coffer/proto/text_arg.h"
#include "coffer/proto/value.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

using v1::CommandRequest;
using v1::CommandResponse;

// A key and its value, of any type that ToValue takes.
struct KeyValue {
  template <ConvertibleToValue T>
  KeyValue(TextArg key, T&& value)  // NOLINT(runtime/explicit)
      : pair(MakePair(key, ToValue(std::forward<T>(value)))) {}

  static Kvpair MakePair(TextArg key, Value value);

  Kvpair pair;
};

CommandRequest MakeHget(TextArg table, TextArg key);
CommandRequest MakeHgetall(TextArg table);
CommandRequest MakeHdel(TextArg table, TextArg key);
CommandRequest MakeHexist(TextArg table, TextArg key);

template <ConvertibleToValue T>
CommandRequest MakeHset(TextArg table, TextArg key, T&& value) {
  CommandRequest request;
  request.mutable_hset()->set_table(table.data(), table.size());
  *request.mutable_hset()->mutable_pair() =
      KeyValue::MakePair(key, ToValue(std::forward<T>(value)));
  return request;
}

using KeyList = std::initializer_list<TextArg>;

CommandRequest MakeHmget(TextArg table, KeyList keys);
CommandRequest MakeHmdel(TextArg table, KeyList keys);
CommandRequest MakeHmexist(TextArg table, KeyList keys);
CommandRequest MakeHmset(TextArg table, std::initializer_list<KeyValue> pairs);

// What a range gives may be a temporary: the loops below name it.
template <class R>
concept KeyRange = std::ranges::input_range<R> &&
    Text<std::remove_cvref_t<std::ranges::range_reference_t<R>>> &&
    !Text<std::remove_cvref_t<R>>;

// std::pair, std::tuple and the like: of a text and what ToValue takes.
template <class P>
concept PairLike =
    (std::tuple_size<P>::value == 2) &&
    Text<std::remove_cvref_t<std::tuple_element_t<0, P>>>&& ConvertibleToValue<
        const std::tuple_element_t<1, P>&>;

template <class R>
concept PairRange = std::ranges::input_range<R> &&
    PairLike<std::remove_cvref_t<std::ranges::range_reference_t<R>>>;

template <KeyRange R>
CommandRequest MakeHmget(TextArg table, R&& keys) {
  CommandRequest request = MakeHmget(table, KeyList());
  for (auto&& item : keys) {
    const TextArg key = item;
    request.mutable_hmget()->add_keys(key.data(), key.size());
  }
  return request;
}

template <KeyRange R>
CommandRequest MakeHmdel(TextArg table, R&& keys) {
  CommandRequest request = MakeHmdel(table, KeyList());
  for (auto&& item : keys) {
    const TextArg key = item;
    request.mutable_hmdel()->add_keys(key.data(), key.size());
  }
  return request;
}

template <KeyRange R>
CommandRequest MakeHmexist(TextArg table, R&& keys) {
  CommandRequest request = MakeHmexist(table, KeyList());
  for (auto&& item : keys) {
    const TextArg key = item;
    request.mutable_hmexist()->add_keys(key.data(), key.size());
  }
  return request;
}

// `pairs`: a map, or a range of std::pair or the like.
template <PairRange R>
CommandRequest MakeHmset(TextArg table, R&& pairs) {
  CommandRequest request = MakeHmset(table, std::initializer_list<KeyValue>());
  for (auto&& item : pairs) {
    const auto& [key, value] = item;
    *request.mutable_hmset()->add_pairs() =
        KeyValue::MakePair(key, ToValue(value));
  }
  return request;
}

// --- Commands of ours (kv.proto says what they do). What has no argument here
// is set in the request that is made, as in
//
//   CommandRequest page = MakeScan("t");
//   page.mutable_scan()->set_keys_only(true);

// The first page.
CommandRequest MakeListTables(TextArg prefix = "");
CommandRequest MakeScan(TextArg table, TextArg prefix = "");

CommandRequest MakeCountKeys(TextArg table);
CommandRequest MakeDropTable(TextArg table);
CommandRequest MakeRenameTable(TextArg table, TextArg new_name);

CommandRequest MakeRead(TextArg table, KeyList keys);
template <KeyRange R>
CommandRequest MakeRead(TextArg table, R&& keys) {
  CommandRequest request = MakeRead(table, KeyList());
  for (auto&& item : keys) {
    const TextArg key = item;
    request.mutable_read()->add_keys(key.data(), key.size());
  }
  return request;
}

// An Expiry or a Condition in which nothing is set is not there.
CommandRequest MakePutOf(TextArg table, TextArg key, Value value,
                         const v1::Condition& condition,
                         const v1::Expiry& expiry);
template <ConvertibleToValue T>
CommandRequest MakePut(TextArg table, TextArg key, T&& value,
                       const v1::Condition& condition = v1::Condition(),
                       const v1::Expiry& expiry = v1::Expiry()) {
  return MakePutOf(table, key, ToValue(std::forward<T>(value)), condition,
                   expiry);
}
CommandRequest MakeRemove(TextArg table, TextArg key,
                          const v1::Condition& condition = v1::Condition());
CommandRequest MakeExpire(TextArg table, TextArg key, const v1::Expiry& expiry,
                          const v1::Condition& condition = v1::Condition());

// `amount`: an integer or a floating-point number, as for ToValue.
template <class T>
requires(Integer<T> || std::floating_point<T>) CommandRequest
    MakeIncrement(TextArg table, TextArg key, T amount) {
  CommandRequest request;
  v1::Increment& increment = *request.mutable_increment();
  increment.set_table(table.data(), table.size());
  increment.set_key(key.data(), key.size());
  if constexpr (Integer<T>) {
    increment.set_integer(amount);
  } else {
    increment.set_float_(static_cast<double>(amount));
  }
  return request;
}

CommandRequest MakeAppendOf(TextArg table, TextArg key, Value value);
// `value`: text, or BytesValue.
template <ConvertibleToValue T>
CommandRequest MakeAppend(TextArg table, TextArg key, T&& value) {
  return MakeAppendOf(table, key, ToValue(std::forward<T>(value)));
}

// What a transaction is made of. An operation is one of the requests Read, Put,
// Remove, Increment, Append and Expire:
//
//   MakeTransaction({CompareVersion("t", "k", v1::EQUAL, 7)},
//                   {MakePut("t", "k", 8), MakeRemove("t", "old")},
//                   {MakeRead("t", {"k"})})
v1::Compare CompareVersion(TextArg table, TextArg key, v1::Relation relation,
                           uint64_t version);
template <ConvertibleToValue T>
v1::Compare CompareValue(TextArg table, TextArg key, v1::Relation relation,
                         T&& value) {
  v1::Compare compare = CompareVersion(table, key, relation, 0);
  *compare.mutable_value() = ToValue(std::forward<T>(value));
  return compare;
}
// Of any other request: an operation in which nothing is set.
v1::Operation ToOperation(CommandRequest request);
CommandRequest MakeTransaction(
    std::initializer_list<v1::Compare> compares,
    std::initializer_list<CommandRequest> then,
    std::initializer_list<CommandRequest> otherwise = {});

// The keys or pairs that the request names, those of a Transaction's
// comparisons and operations together; 1 if its command names no list.
size_t KeyCount(const CommandRequest& request);

}  // namespace coffer

#endif  // COFFER_PROTO_REQUESTS_H_
