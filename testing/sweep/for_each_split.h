// ForEachSplit: gives a consumer of bytes the same bytes in every division into
// two pieces, then into three, so that a parser that forgets its state between
// two reads is found out, wherever it does so:
//
//   ForEachSplit(frame, [&](const std::vector<std::string_view>& pieces) {
//     Parser parser;
//     for (const std::string_view piece : pieces) parser.Consume(piece);
//     EXPECT_EQ(parser.message(), expected);
//   });
//
// 40 bytes are 39 runs with one cut and 741 with two. No piece is empty. Where
// most state is kept in the first bytes, header_bytes asks for three cuts
// there.
//
// A failure inside `fn` ends the sweep. It is traced as "--split=3,17", for
// cuts after 3 and 17 bytes, and the command is printed that makes that run
// alone. The pieces live as long as `bytes`. Threads: `fn` runs here.

#ifndef COFFER_TESTING_SWEEP_FOR_EACH_SPLIT_H_
#define COFFER_TESTING_SWEEP_FOR_EACH_SPLIT_H_

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace coffer_testing {

struct ForEachSplitOptions {
  // Up to so many cuts, anywhere. Of n bytes there are n - 1 splits with one
  // cut, (n - 1)(n - 2) / 2 with two, and so on.
  size_t cuts_max = 2;
  // And three, none behind so many bytes.
  size_t header_bytes = 0;
  // More is a failure at once, which says how many it would be.
  uint64_t runs_max = 1'000'000;
};

// Returns the number of runs made. Fewer than two bytes, which cannot be cut,
// are a failure.
uint64_t ForEachSplit(
    std::string_view bytes,
    absl::FunctionRef<void(const std::vector<std::string_view>& pieces)> fn,
    ForEachSplitOptions options = {},
    std::source_location where = std::source_location::current());

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_FOR_EACH_SPLIT_H_
