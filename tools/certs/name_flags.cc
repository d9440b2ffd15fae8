#include "coffer/tools/certs/name_flags.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace coffer::internal {

std::vector<std::string> JoinNameFlags(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> others;
  std::vector<std::string> names;
  size_t i = 0;
  for (; i < arguments.size() && (i == 0 || arguments[i] != "--"); ++i) {
    absl::string_view flag = arguments[i];
    const bool is_flag = i > 0 && absl::ConsumePrefix(&flag, "-");
    absl::ConsumePrefix(&flag, "-");
    if (is_flag && absl::ConsumePrefix(&flag, "name=")) {
      names.push_back(std::string(flag));
    } else if (is_flag && flag == "name" && i + 1 < arguments.size()) {
      names.push_back(arguments[++i]);
    } else {
      others.push_back(arguments[i]);
    }
  }
  others.insert(others.end(), arguments.begin() + i, arguments.end());
  if (!names.empty()) {
    others.insert(others.begin() + 1,
                  absl::StrCat("--name=", absl::StrJoin(names, ",")));
  }
  return others;
}

}  // namespace coffer::internal
