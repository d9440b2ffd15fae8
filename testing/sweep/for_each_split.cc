#include "coffer/testing/sweep/for_each_split.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "coffer/testing/sweep/sweep_driver.h"

namespace coffer_testing {
namespace {

// Ascending; each is the number of bytes before the cut, at least 1.
using Cuts = std::vector<size_t>;

constexpr size_t kHeaderCuts = 3;

// The next one of as many cuts, none behind `last`. False if there is none.
bool Next(Cuts& cuts, size_t last) {
  for (size_t i = cuts.size(); i-- > 0;) {
    if (cuts[i] == last - (cuts.size() - 1 - i)) continue;
    ++cuts[i];
    std::iota(cuts.begin() + i, cuts.end(), cuts[i]);
    return true;
  }
  return false;
}

// Of `places`, `count` at a time; the largest number if it is too large.
uint64_t Choices(uint64_t places, uint64_t count) {
  if (count > places) return 0;
  unsigned __int128 choices = 1;
  for (uint64_t i = 1; i <= count; ++i) {
    choices = choices * (places - count + i) / i;
    if (choices > std::numeric_limits<uint32_t>::max()) {
      return std::numeric_limits<uint32_t>::max();
    }
  }
  return static_cast<uint64_t>(choices);
}

class Splitter {
 public:
  using Fn = absl::FunctionRef<void(const std::vector<std::string_view>&)>;

  Splitter(std::string_view bytes, Fn fn, internal::SweepDriver& driver)
      : bytes_(bytes), fn_(fn), driver_(driver) {}

  bool Run(const Cuts& cuts) {
    std::vector<std::string_view> pieces;
    size_t from = 0;
    for (const size_t cut : cuts) {
      pieces.push_back(bytes_.substr(from, cut - from));
      from = cut;
    }
    pieces.push_back(bytes_.substr(from));
    return driver_.Run(absl::StrJoin(cuts, ","), [&] { fn_(pieces); });
  }

  bool RunAll(size_t count, size_t last) {
    if (count > last) return true;
    Cuts cuts(count);
    std::iota(cuts.begin(), cuts.end(), 1);
    do {
      if (!Run(cuts)) return false;
    } while (Next(cuts, last));
    return true;
  }

  void Replay(const std::string& value) {
    Cuts cuts;
    for (const absl::string_view part : absl::StrSplit(value, ',')) {
      uint64_t cut = 0;
      if (!absl::SimpleAtoi(part, &cut) ||
          cut <= (cuts.empty() ? 0 : cuts.back()) || cut >= bytes_.size()) {
        driver_.FailReplay(value,
                           absl::StrCat("not ascending places, above 0 and "
                                        "below ",
                                        bytes_.size(), ", with commas"));
        return;
      }
      cuts.push_back(cut);
    }
    Run(cuts);
  }

 private:
  const std::string_view bytes_;
  const Fn fn_;
  internal::SweepDriver& driver_;
};

}  // namespace

uint64_t ForEachSplit(std::string_view bytes, Splitter::Fn fn,
                      ForEachSplitOptions options, std::source_location where) {
  internal::SweepDriver driver(
      {.sweep = "ForEachSplit", .flag = "split", .where = where});
  if (bytes.size() < 2 || options.cuts_max == 0) {
    driver.Fail(absl::StrCat("nothing was tested: ", bytes.size(), " bytes, ",
                             options.cuts_max, " cuts at most"));
    return 0;
  }
  const size_t last = bytes.size() - 1;
  const size_t header_last = options.cuts_max >= kHeaderCuts
                                 ? 0
                                 : std::min(last, options.header_bytes);
  Splitter splitter(bytes, fn, driver);
  if (const std::optional<std::string> replay = driver.Replay()) {
    splitter.Replay(*replay);
    return driver.runs();
  }
  uint64_t runs = Choices(header_last, kHeaderCuts);
  for (size_t count = 1; count <= std::min(options.cuts_max, last); ++count) {
    runs += Choices(last, count);
    if (runs > options.runs_max) {
      driver.Fail(
          absl::StrCat(bytes.size(), " bytes with ", count, " cuts are ", runs,
                       " runs or more, and runs_max is ", options.runs_max,
                       ": take fewer bytes or a smaller cuts_max"));
      return 0;
    }
  }
  for (size_t count = 1; count <= std::min(options.cuts_max, last); ++count) {
    if (!splitter.RunAll(count, last)) return driver.runs();
  }
  splitter.RunAll(kHeaderCuts, header_last);
  return driver.runs();
}

}  // namespace coffer_testing
