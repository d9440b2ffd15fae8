// The pairs of an answer in the order of the bytes of their keys: a server
// sends them in any.

#ifndef COFFER_TOOLS_CLI_PAIRS_IN_ORDER_H_
#define COFFER_TOOLS_CLI_PAIRS_IN_ORDER_H_

#include <algorithm>
#include <vector>

#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// Pointers into `response`. Equal keys stay in the order they came in.
inline std::vector<const v1::Kvpair*> PairsInOrder(
    const v1::CommandResponse& response) {
  std::vector<const v1::Kvpair*> pairs;
  pairs.reserve(response.pairs_size());
  for (const v1::Kvpair& pair : response.pairs()) pairs.push_back(&pair);
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const v1::Kvpair* a, const v1::Kvpair* b) {
                     return a->key() < b->key();
                   });
  return pairs;
}

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_PAIRS_IN_ORDER_H_
