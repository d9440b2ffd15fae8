// Answers of a server, in a line each, for the doubles of a connection:
//
//   MakeAnswer()              200, nothing more
//   MakeAnswer(36)            200, with a value; what ToValue takes
//   MakeAnswer(36, Value())   200, with two, the second of them empty
//   MakeErrorAnswer(404, "no such key")
//
// Pure; any thread.

#ifndef COFFER_SDK_MOCKS_MAKE_ANSWER_H_
#define COFFER_SDK_MOCKS_MAKE_ANSWER_H_

#include <cstdint>
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

}  // namespace coffer_testing

#endif  // COFFER_SDK_MOCKS_MAKE_ANSWER_H_
