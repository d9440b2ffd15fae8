// Mix: a number that depends on every bit of two others, for choices that are
// to be the same on every machine and in every run: SplitMix64's finalizer
// (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
// 2014).

#ifndef COFFER_TESTING_FAULT_MIX_H_
#define COFFER_TESTING_FAULT_MIX_H_

#include <cstdint>

namespace coffer_testing::internal {

inline uint64_t Mix(uint64_t seed, uint64_t number) {
  uint64_t mixed = seed + (number + 1) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_FAULT_MIX_H_
