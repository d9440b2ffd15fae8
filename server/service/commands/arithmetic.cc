// Increment and Append: changes that depend on the value, made by the engine
// where nobody writes the key meanwhile.

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/server/service/commands/commands.h"
#include "coffer/server/service/commands/operation.h"
#include "coffer/server/service/commands/stored_value.h"

namespace coffer::server {
namespace {

// A change of the value of one key. The names are views of the request.
class ValueOfKey : public ValueChange {
 public:
  ValueOfKey(absl::string_view table, absl::string_view key)
      : table_(table), key_(key) {}

 protected:
  // The value is of another type than it has to be.
  absl::Status IsNot(ValueCase type, absl::string_view wanted) const {
    return absl::InvalidArgumentError(absl::StrCat("value of ", table_, "/",
                                                   key_, " is ", TypeName(type),
                                                   ", not ", wanted));
  }

  // A number as it is stored. Errors: IsNot, if it is of neither type;
  // DataLoss.
  absl::StatusOr<v1::Value> Number(absl::string_view present,
                                   absl::string_view wanted) const {
    const absl::StatusOr<ValueCase> type = TypeOf(present);
    if (!type.ok()) return type.status();
    if (*type != v1::Value::kInteger && *type != v1::Value::kFloat) {
      return IsNot(*type, wanted);
    }
    v1::Value value;
    if (!value.ParseFromArray(present.data(),
                              static_cast<int>(present.size()))) {
      return absl::DataLossError(absl::StrCat(
          "stored value of ", present.size(), " bytes does not parse"));
    }
    return value;
  }

 private:
  const absl::string_view table_;
  const absl::string_view key_;
};

class AddInteger final : public ValueOfKey {
 public:
  AddInteger(const v1::Increment& increment)
      : ValueOfKey(increment.table(), increment.key()),
        amount_(increment.integer()) {}

  absl::Status Apply(absl::optional<absl::string_view> present,
                     absl::Span<const Op>,
                     std::string* changed) const override {
    int64_t before = 0;
    if (present.has_value()) {
      const absl::StatusOr<v1::Value> number = Number(*present, "an integer");
      if (!number.ok()) return number.status();
      if (!number->has_integer()) {
        return IsNot(v1::Value::kFloat, "an integer");
      }
      before = number->integer();
    }
    int64_t sum = 0;
    if (__builtin_add_overflow(before, amount_, &sum)) {
      return absl::OutOfRangeError(
          absl::StrCat(before, " + ", amount_, " is out of range"));
    }
    v1::Value value;
    value.set_integer(sum);
    value.SerializeToString(changed);
    return absl::OkStatus();
  }

 private:
  const int64_t amount_;
};

class AddFloat final : public ValueOfKey {
 public:
  AddFloat(const v1::Increment& increment)
      : ValueOfKey(increment.table(), increment.key()),
        amount_(increment.float_()) {}

  absl::Status Apply(absl::optional<absl::string_view> present,
                     absl::Span<const Op>,
                     std::string* changed) const override {
    double before = 0;
    if (present.has_value()) {
      const absl::StatusOr<v1::Value> number = Number(*present, "a number");
      if (!number.ok()) return number.status();
      before = number->has_integer() ? static_cast<double>(number->integer())
                                     : number->float_();
    }
    const double sum = before + amount_;
    if (!std::isfinite(sum)) {
      return absl::OutOfRangeError(
          absl::StrFormat("%.17g + %.17g is not finite", before, amount_));
    }
    v1::Value value;
    value.set_float_(sum);
    value.SerializeToString(changed);
    return absl::OkStatus();
  }

 private:
  const double amount_;
};

class AppendText final : public ValueOfKey {
 public:
  AppendText(const v1::Append& append, size_t value_bytes_max)
      : ValueOfKey(append.table(), append.key()),
        type_(append.value().value_case()),
        text_(type_ == v1::Value::kString ? append.value().string()
                                          : append.value().binary()),
        value_bytes_max_(value_bytes_max) {}

  absl::Status Apply(absl::optional<absl::string_view> present,
                     absl::Span<const Op>,
                     std::string* changed) const override {
    absl::string_view before;
    if (present.has_value()) {
      const absl::StatusOr<ValueCase> type = TypeOf(*present);
      if (!type.ok()) return type.status();
      if (*type != type_) return IsNot(*type, TypeName(type_));
      const absl::StatusOr<absl::string_view> text = TextOf(*present);
      if (!text.ok()) return text.status();
      before = *text;
    }
    const size_t bytes = TextValueBytes(before.size() + text_.size());
    if (bytes > value_bytes_max_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("value of ", bytes, " bytes exceeds the limit of ",
                       value_bytes_max_));
    }
    MakeText(type_, before, text_, changed);
    return absl::OkStatus();
  }

  size_t bytes() const override { return text_.size(); }

 private:
  const ValueCase type_;
  const absl::string_view text_;
  const size_t value_bytes_max_;
};

template <class Operation>
void AddChange(const Operation& operation, const ValueChange* change,
               Place place, Planner& planner) {
  Batch& batch = planner.batch();
  const size_t i =
      batch.Change(operation.table(), operation.key(), change, place.group);
  batch.op(i).branch = place.branch;
}

}  // namespace

// --- Increment

absl::Status Check(const v1::Increment& increment) {
  switch (increment.amount_case()) {
    case v1::Increment::kInteger:
      return absl::OkStatus();
    case v1::Increment::kFloat:
      if (std::isfinite(increment.float_())) return absl::OkStatus();
      return absl::InvalidArgumentError("the amount is not finite");
    case v1::Increment::AMOUNT_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no amount is set");
}

void Add(const v1::Increment& increment, Place place, Planner& planner) {
  const ValueChange* change = nullptr;
  if (increment.has_integer()) {
    change = planner.Make<AddInteger>(increment);
  } else {
    change = planner.Make<AddFloat>(increment);
  }
  AddChange(increment, change, place, planner);
}

void VisitStates(const v1::Increment&, Ops ops, StateVisitor visit) {
  visit({.version = ops[0].version,
         .expires_at_ms = ops[0].expires_at_ms,
         .value = &ops[0].value_out});
}

absl::Status PlanIncrement(const v1::CommandRequest& request,
                           Planner& planner) {
  return PlanAlone(request.increment(), planner);
}

void AnswerIncrement(const AnswerContext& context) {
  AnswerAlone(context.request.increment(), context);
}

// --- Append

absl::Status Check(const v1::Append& append) {
  if (append.value().has_string() || append.value().has_binary()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "what to append is neither string nor binary");
}

void Add(const v1::Append& append, Place place, Planner& planner) {
  AddChange(append,
            planner.Make<AppendText>(append, planner.limits().value_bytes_max),
            place, planner);
}

// Not the value: it may be much larger than what was added to it.
void VisitStates(const v1::Append&, Ops ops, StateVisitor visit) {
  const absl::StatusOr<absl::string_view> text =
      TextOf(ops[0].value_out.view());
  visit({.version = ops[0].version,
         .expires_at_ms = ops[0].expires_at_ms,
         .value_bytes = text.ok() ? text->size() : 0});
}

absl::Status PlanAppend(const v1::CommandRequest& request, Planner& planner) {
  return PlanAlone(request.append(), planner);
}

void AnswerAppend(const AnswerContext& context) {
  AnswerAlone(context.request.append(), context);
}

}  // namespace coffer::server
