// Changes of values, for checks and tests of storage engines: made of a
// function, and two that come up again and again.

#ifndef COFFER_TESTING_STORAGE_VALUE_CHANGES_H_
#define COFFER_TESTING_STORAGE_VALUE_CHANGES_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/server/storage/batch.h"

namespace coffer_testing {

// Does what the function does, which any thread may call.
class FunctionChange final : public coffer::server::ValueChange {
 public:
  using Function = std::function<absl::Status(
      absl::optional<absl::string_view> present,
      absl::Span<const coffer::server::Op> before, std::string* changed)>;

  explicit FunctionChange(Function function) : function_(std::move(function)) {}
  absl::Status Apply(absl::optional<absl::string_view> present,
                     absl::Span<const coffer::server::Op> before,
                     std::string* changed) const override {
    return function_(present, before, changed);
  }

 private:
  const Function function_;
};

// Puts `text` behind what is there.
inline FunctionChange AppendText(std::string text) {
  return FunctionChange(
      [text = std::move(text)](absl::optional<absl::string_view> present,
                               absl::Span<const coffer::server::Op>,
                               std::string* changed) {
        *changed = absl::StrCat(present.value_or(""), text);
        return absl::OkStatus();
      });
}

inline FunctionChange RefuseChange(absl::Status status) {
  return FunctionChange(
      [status = std::move(status)](absl::optional<absl::string_view>,
                                   absl::Span<const coffer::server::Op>,
                                   std::string*) { return status; });
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_VALUE_CHANGES_H_
