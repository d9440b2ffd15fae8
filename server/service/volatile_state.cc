#include "coffer/server/service/volatile_state.h"

#include "absl/random/random.h"

namespace coffer::server {

std::uint64_t NewEpoch() {
  absl::BitGen random;
  return absl::Uniform<std::uint64_t>(absl::IntervalClosed, random, 1,
                                      ~std::uint64_t{0});
}

}  // namespace coffer::server
