// FaultPlan: what is to go wrong with the operations of a stream, and how they
// are divided. A value, which prints itself and is read back:
//
//   const FaultPlan plan =
//       FaultPlan()
//           .SplitReads(SplitPolicy::OneByte())
//           .FailAt(FaultOp::kWrite, 17, asio::error::connection_reset);
//   plan.ToString();  // "read:split=1;write:fail=17:connection_reset:one_shot"
//
// A plan does nothing; a FaultStream (fault_stream.h) carries it out, and a
// FaultInjector (fault_injector.h) keeps count for one or several streams.
//
// Operations are numbered from 0, bytes are counted from the first one. Those
// with empty buffers, and those on a closed stream, do not count. Where several
// clauses meet in one operation, a failure comes before a stall, the smallest
// split wins, and delays add up.
//
// Nothing here doubles bytes or changes their order: no stream does so, and one
// that did would only test the checksums of its user. Messages that come twice
// or in another order are a ScriptedPeer's (script/scripted_peer.h).

#ifndef COFFER_TESTING_FAULT_FAULT_PLAN_H_
#define COFFER_TESTING_FAULT_FAULT_PLAN_H_

#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/fault/split_policy.h"

namespace coffer_testing {

// Which operations a clause is about; kAny numbers both kinds together.
enum class FaultOp { kRead, kWrite, kAny };

enum class FaultMode {
  kOneShot,  // that operation; later ones succeed
  kSticky,   // that operation and all later ones
};

class FaultPlan {
 public:
  using Duration = std::chrono::nanoseconds;

  FaultPlan& SplitReads(SplitPolicy policy);
  FaultPlan& SplitWrites(SplitPolicy policy);

  // The n-th operation moves nothing and fails. With asio's would_block or
  // try_again: a spurious wake-up; with a default error_code: success, 0 bytes.
  FaultPlan& FailAt(FaultOp kind, uint64_t n, boost::system::error_code error,
                    FaultMode mode = FaultMode::kOneShot);

  // Reads give n bytes in all, and then eof.
  FaultPlan& EofAfterBytes(uint64_t n);

  // Once n bytes have passed, operations of both kinds fail with
  // connection_reset, and the stream below is reset, or closed if it cannot be.
  FaultPlan& ResetAfterBytes(FaultOp kind, uint64_t n);

  // The n-th operation waits for Release(), cancellation or close.
  FaultPlan& StallAt(FaultOp kind, uint64_t n);
  // All do.
  FaultPlan& StallReads();
  FaultPlan& StallWrites();

  // Each operation starts so much later, by chance between the two. Needs a
  // clock, as Bandwidth does.
  FaultPlan& Delay(Duration min, Duration max, uint64_t seed = 0);

  // Each direction passes so much, in pieces of 10 ms.
  FaultPlan& Bandwidth(uint64_t bytes_per_second);

  // The byte there is changed: xor `bits`. With kAny, in both directions.
  FaultPlan& CorruptByte(FaultOp kind, uint64_t offset, uint8_t bits = 0xff);

  // The bytes before a failure of this plan come with it, in one completion:
  // the operation that fails moves what it can first, and the last bytes before
  // an end come with the end.
  FaultPlan& ErrorWithData();

  // Parse reads what ToString writes; InvalidArgument, with the clause and what
  // is wrong with it, for the rest. The empty plan is "".
  std::string ToString() const;
  static absl::StatusOr<FaultPlan> Parse(absl::string_view text);

  bool operator==(const FaultPlan&) const = default;

  // One clause; which fields mean something depends on `what`. For the
  // injector: use the functions above.
  struct Clause {
    enum class What {
      kSplit,
      kFail,
      kEof,
      kReset,
      kStall,
      kStallAll,
      kDelay,
      kBandwidth,
      kCorrupt,
      kErrorWithData,
    };

    What what;
    FaultOp kind = FaultOp::kAny;
    uint64_t n = 0;  // operation, bytes, bytes a second, offset or seed
    boost::system::error_code error = {};
    FaultMode mode = FaultMode::kOneShot;
    SplitPolicy split = SplitPolicy::Whole();
    Duration min = {};
    Duration max = {};
    uint8_t bits = 0;

    bool operator==(const Clause&) const = default;
  };
  const std::vector<Clause>& clauses() const { return clauses_; }

 private:
  std::vector<Clause> clauses_;
};

// The plan of --fault=PLAN among the test's arguments, else `otherwise`: so
// that bazel test ... --test_arg=--fault=PLAN tries another one. A flag that
// cannot be read is a test failure.
FaultPlan FaultPlanFromFlag(FaultPlan otherwise);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_FAULT_FAULT_PLAN_H_
