// Answers of a server, in a line each, for the doubles of a connection:
//
//   MakeAnswer()              200, nothing more
//   MakeAnswer(36)            200, with a value; what ToValue takes
//   MakeAnswer(36, Value())   200, with two, the second of them empty
//   MakeErrorAnswer(404, "no such key")
//
// To the data commands, of states and tables:
//
//   MakeStateAnswer({MakeState(7, "ada")})      of version 7, with a value
//   MakeStateAnswer({MakeState(7)})             as after a Put
//   MakeStateAnswer({MakeState(0)})             no such key
//   MakeConflictAnswer(MakeState(8, "eve"))     409, how the key is instead
//   MakeTransactionAnswer(true, {MakeState(7)})
//   MakeStateAnswer({MakeEntry("k", 7, 36)}, "c")  a page, and its cursor
//   MakeTableAnswer({MakeTable("users", 2)})
//
// Pure; any thread.

#ifndef COFFER_SDK_MOCKS_MAKE_ANSWER_H_
#define COFFER_SDK_MOCKS_MAKE_ANSWER_H_

#include <cstdint>
#include <initializer_list>
#include <utility>

#include "coffer/proto/text_arg.h"
#include "coffer/proto/value.h"
#include "coffer/v1/kv.pb.h"

namespace coffer_testing {

template <coffer::ConvertibleToValue... Values>
coffer::v1::CommandResponse MakeAnswer(Values&&... values) {
  coffer::v1::CommandResponse answer;
  answer.set_status(200);
  ((*answer.add_values() = coffer::ToValue(std::forward<Values>(values))), ...);
  return answer;
}

inline coffer::v1::CommandResponse MakeErrorAnswer(std::uint32_t status,
                                                   coffer::TextArg message) {
  coffer::v1::CommandResponse answer;
  answer.set_status(status);
  answer.set_message(message.data(), message.size());
  return answer;
}

inline coffer::v1::KeyState MakeState(std::uint64_t version) {
  coffer::v1::KeyState state;
  state.set_version(version);
  return state;
}

template <coffer::ConvertibleToValue V>
coffer::v1::KeyState MakeState(std::uint64_t version, V&& value) {
  coffer::v1::KeyState state = MakeState(version);
  *state.mutable_value() = coffer::ToValue(std::forward<V>(value));
  return state;
}

template <coffer::ConvertibleToValue V>
coffer::v1::KeyState MakeEntry(coffer::TextArg key, std::uint64_t version,
                               V&& value) {
  coffer::v1::KeyState state = MakeState(version, std::forward<V>(value));
  state.set_key(key.data(), key.size());
  return state;
}

inline coffer::v1::CommandResponse MakeStateAnswer(
    std::initializer_list<coffer::v1::KeyState> states,
    coffer::TextArg cursor = "") {
  coffer::v1::CommandResponse answer;
  answer.set_status(200);
  for (const auto& state : states) *answer.add_states() = state;
  answer.set_cursor(cursor.data(), cursor.size());
  return answer;
}

inline coffer::v1::CommandResponse MakeConflictAnswer(
    const coffer::v1::KeyState& present) {
  auto answer = MakeErrorAnswer(409, "the condition does not hold");
  answer.set_outcome(coffer::v1::NOT_EXECUTED);
  *answer.add_states() = present;
  return answer;
}

inline coffer::v1::CommandResponse MakeTransactionAnswer(
    bool held, std::initializer_list<coffer::v1::KeyState> states) {
  auto answer = MakeStateAnswer(states);
  answer.set_held(held);
  return answer;
}

inline coffer::v1::TableInfo MakeTable(coffer::TextArg name, std::uint64_t keys,
                                       std::uint64_t bytes = 0) {
  coffer::v1::TableInfo table;
  table.set_name(name.data(), name.size());
  table.set_keys(keys);
  table.set_bytes(bytes);
  return table;
}

inline coffer::v1::CommandResponse MakeTableAnswer(
    std::initializer_list<coffer::v1::TableInfo> tables,
    coffer::TextArg cursor = "") {
  auto answer = MakeStateAnswer({}, cursor);
  for (const auto& table : tables) *answer.add_tables() = table;
  return answer;
}

}  // namespace coffer_testing

#endif  // COFFER_SDK_MOCKS_MAKE_ANSWER_H_
