// What the functions that build answers have in common. For answer.cc and
// states.cc only.

#ifndef COFFER_SERVER_SERVICE_ANSWER_PARTS_H_
#define COFFER_SERVER_SERVICE_ANSWER_PARTS_H_

#include <cstddef>
#include <cstdint>

#include "coffer/server/service/answer.h"
#include "coffer/server/storage/shared_bytes.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/io/coded_stream.h"

namespace coffer::server {

inline constexpr uint32_t kOk = 200;

// A length-delimited field with a number below 16, on the wire.
inline size_t FieldBytes(size_t content_bytes) {
  return 1 +
         google::protobuf::io::CodedOutputStream::VarintSize64(content_bytes) +
         content_bytes;
}

// Whether an answer of so many bytes may be built; if not, the 413 is.
bool Fits(const AnswerContext& context, size_t bytes);

// Whether `bytes` were a value; if not, the 500 is built.
bool Parse(const AnswerContext& context, const SharedBytes& bytes,
           v1::Value* value);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_ANSWER_PARTS_H_
