#include "coffer/server/service/states.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "coffer/server/service/answer_parts.h"
#include "google/protobuf/io/coded_stream.h"

namespace coffer::server {
namespace {

size_t VarintBytes(uint64_t number) {
  return google::protobuf::io::CodedOutputStream::VarintSize64(number);
}

// A number in a field below 16: left out if it is 0.
size_t NumberBytes(uint64_t number) {
  return number == 0 ? 0 : 1 + VarintBytes(number);
}

size_t TextBytes(size_t bytes) { return bytes == 0 ? 0 : FieldBytes(bytes); }

// `states` and `tables` have numbers of two bytes.
size_t ElementBytes(size_t content_bytes) {
  return 1 + FieldBytes(content_bytes);
}

// The time at which an answer is made, looked at only if it is asked for.
class AnswerTime {
 public:
  explicit AnswerTime(const Clock& clock) : clock_(clock) {}

  // What is left; 0 for what does not expire.
  uint64_t LeftMs(uint64_t expires_at_ms) {
    if (expires_at_ms == 0) return 0;
    if (!now_ms_.has_value()) {
      now_ms_ = static_cast<uint64_t>(
          std::max<int64_t>(absl::ToUnixMillis(clock_.WallNow()), 0));
    }
    return expires_at_ms > *now_ms_ ? expires_at_ms - *now_ms_ : 1;
  }

 private:
  const Clock& clock_;
  std::optional<uint64_t> now_ms_;
};

size_t PreviousBytes(const StateParts& parts) {
  return NumberBytes(parts.previous_version) +
         (parts.previous_value == nullptr
              ? 0
              : FieldBytes(parts.previous_value->size()));
}

size_t StateBytes(const StateParts& parts, uint64_t left_ms) {
  return NumberBytes(parts.version) + NumberBytes(parts.expires_at_ms) +
         NumberBytes(left_ms) + TextBytes(parts.key.size()) +
         NumberBytes(parts.value_bytes) +
         (parts.value == nullptr ? 0 : FieldBytes(parts.value->size())) +
         (parts.has_previous ? FieldBytes(PreviousBytes(parts)) : 0);
}

bool Fill(const AnswerContext& context, const StateParts& parts,
          uint64_t left_ms, v1::KeyState* state) {
  state->set_version(parts.version);
  state->set_expires_at_ms(parts.expires_at_ms);
  state->set_expires_in_ms(left_ms);
  state->set_key(parts.key.data(), parts.key.size());
  state->set_value_bytes(parts.value_bytes);
  if (parts.value != nullptr &&
      !Parse(context, *parts.value, state->mutable_value())) {
    return false;
  }
  if (!parts.has_previous) return true;
  v1::KeyState& previous = *state->mutable_previous();
  previous.set_version(parts.previous_version);
  return parts.previous_value == nullptr ||
         Parse(context, *parts.previous_value, previous.mutable_value());
}

size_t TableBytes(const TableStats& table) {
  return TextBytes(table.name.size()) + NumberBytes(table.keys) +
         NumberBytes(table.bytes);
}

}  // namespace

void AnswerStates(const AnswerContext& context, StateSource source) {
  v1::CommandResponse& response = *context.response;
  AnswerTime time(context.clock);
  response.set_status(kOk);
  size_t bytes = response.ByteSizeLong();
  int count = 0;
  const auto measure = [&](const StateParts& parts) {
    ++count;
    bytes += ElementBytes(StateBytes(parts, time.LeftMs(parts.expires_at_ms)));
  };
  source(measure);
  if (!Fits(context, bytes)) return;
  response.mutable_states()->Reserve(count);
  bool filled = true;
  const auto add = [&](const StateParts& parts) {
    filled = filled && Fill(context, parts, time.LeftMs(parts.expires_at_ms),
                            response.add_states());
  };
  source(add);
}

void AnswerTables(const AnswerContext& context,
                  absl::Span<const TableStats> tables) {
  v1::CommandResponse& response = *context.response;
  response.set_status(kOk);
  size_t bytes = response.ByteSizeLong();
  for (const TableStats& table : tables) {
    bytes += ElementBytes(TableBytes(table));
  }
  if (!Fits(context, bytes)) return;
  for (const TableStats& table : tables) {
    v1::TableInfo& info = *response.add_tables();
    info.set_name(table.name);
    info.set_keys(table.keys);
    info.set_bytes(table.bytes);
  }
}

void AddPresentState(const AnswerContext& context, const Op& op) {
  v1::CommandResponse& response = *context.response;
  AnswerTime time(context.clock);
  StateParts parts{.version = op.version, .expires_at_ms = op.expires_at_ms};
  const uint64_t left_ms = time.LeftMs(op.expires_at_ms);
  const size_t room =
      context.bytes_max - std::min(context.bytes_max, response.ByteSizeLong());
  if (op.value_out) parts.value = &op.value_out;
  if (ElementBytes(StateBytes(parts, left_ms)) > room) parts.value = nullptr;
  if (ElementBytes(StateBytes(parts, left_ms)) > room) return;
  // What does not parse makes it another answer, without states.
  Fill(context, parts, left_ms, response.add_states());
}

}  // namespace coffer::server
