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

#include <cstddef>
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

// The keys or pairs that the request names; 1 if its command names no list.
size_t KeyCount(const CommandRequest& request);

}  // namespace coffer

#endif  // COFFER_PROTO_REQUESTS_H_
