#include "coffer/testing/storage/check_report.h"

#include <cstddef>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace coffer_testing {
namespace {

constexpr size_t kFailuresKept = 20;

// Short and printable, whatever the bytes are.
std::string Shown(absl::string_view bytes) {
  constexpr size_t kShown = 60;
  if (bytes.size() <= kShown) return absl::CHexEscape(bytes);
  return absl::StrCat(absl::CHexEscape(bytes.substr(0, kShown)), "... (",
                      bytes.size(), " bytes)");
}

}  // namespace

void CheckReport::Fail(std::string what) {
  std::lock_guard lock(mutex_);
  if (failures_.size() < kFailuresKept) failures_.push_back(std::move(what));
}

bool CheckReport::Expect(bool condition, absl::string_view what) {
  if (!condition) Fail(std::string(what));
  return condition;
}

bool CheckReport::ExpectEqual(absl::string_view what, absl::string_view got,
                              absl::string_view want) {
  if (got == want) return true;
  Fail(absl::StrCat(what, ": got \"", Shown(got), "\", want \"", Shown(want),
                    "\""));
  return false;
}

bool CheckReport::ExpectEqual(absl::string_view what, uint64_t got,
                              uint64_t want) {
  if (got == want) return true;
  Fail(absl::StrCat(what, ": got ", got, ", want ", want));
  return false;
}

bool CheckReport::ExpectCode(absl::string_view what, const absl::Status& got,
                             absl::StatusCode want) {
  if (got.code() == want) return true;
  Fail(absl::StrCat(what, ": got ", got.ToString(), ", want ",
                    absl::StatusCodeToString(want)));
  return false;
}

std::vector<std::string> CheckReport::failures() const {
  std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace coffer_testing
