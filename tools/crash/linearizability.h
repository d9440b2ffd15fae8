// Whether a history of operations on one object is linearizable: whether each
// can be given a moment between its call and its answer, so that one after
// another they have the results that they had (M. Herlihy, J. Wing, ACM TOPLAS
// 12(3), 1990). The search is that of J. Wing and C. Gong (JPDC 17, 1993), with
// G. Lowe's memory of the configurations that led nowhere (Concurrency and
// Computation 29(4), 2017).
//
// The object is one register, which can be added to. It knows nothing of
// Coffer. Pure.

#ifndef COFFER_TOOLS_CRASH_LINEARIZABILITY_H_
#define COFFER_TOOLS_CRASH_LINEARIZABILITY_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace coffer::crash {

struct Operation {
  enum class Kind {
    kWrite,  // the register becomes `value`; none: it is empty
    kRead,   // it was `value`
    kAdd,  // to a number, an empty register is 0: one more; `value` is the sum
  };
  // Of an operation whose outcome is not known: it may have taken effect at any
  // time from `begin` on, or never. What it gave is not known either.
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  Kind kind = Kind::kRead;
  std::optional<std::string> value;
  // Times of the call and the answer, in any unit.
  uint64_t begin = 0;
  uint64_t end = kNever;
  int client = 0;
};

std::string Describe(const Operation& operation);

// Whether the operations fit, of a register that is `initial` at first.
bool IsLinearizable(const std::vector<Operation>& history,
                    const std::optional<std::string>& initial);

}  // namespace coffer::crash

#endif  // COFFER_TOOLS_CRASH_LINEARIZABILITY_H_
