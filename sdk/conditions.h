// What a write may ask for beside its value: a condition that has to hold of
// the key, and when the key is to expire. For PutOptions, RemoveOptions and the
// operations of a transaction (transaction.h):
//
//   coffer::PutOptions options;
//   options.condition = coffer::IfVersion(ada.version);
//   options.expiry = coffer::ExpiresAfter(std::chrono::minutes(10));
//
// Pure; any thread.

#ifndef COFFER_SDK_CONDITIONS_H_
#define COFFER_SDK_CONDITIONS_H_

#include <cstdint>

#include "absl/time/time.h"
#include "coffer/sdk/clock.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

// There is no such key. There is one. It has this version, of which 0 is that
// of none.
v1::Condition IfAbsent();
v1::Condition IfPresent();
v1::Condition IfVersion(std::uint64_t version);

// In whole milliseconds, the next one. What is past already, or no time at all,
// removes the key at once; what is infinite is never.
v1::Expiry ExpiresAt(absl::Time time);
// From the execution on.
v1::Expiry ExpiresAfter(Clock::Duration duration);
// As the key had it before.
v1::Expiry KeepsExpiry();
v1::Expiry NeverExpires();

struct PutOptions {
  PutOptions() {}

  v1::Condition condition;  // nothing set: none
  v1::Expiry expiry;        // nothing set: never
  bool want_previous = false;
};

struct RemoveOptions {
  RemoveOptions() {}

  v1::Condition condition;
  bool want_previous = false;
};

}  // namespace coffer

#endif  // COFFER_SDK_CONDITIONS_H_
