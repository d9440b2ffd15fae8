// TellObserver: calls an observer, and keeps what it throws.

#ifndef COFFER_SDK_CONNECTION_TELL_OBSERVER_H_
#define COFFER_SDK_CONNECTION_TELL_OBSERVER_H_

#include "coffer/sdk/observer.h"

namespace coffer::internal {

// TellObserver(*observer, &Observer::OnSent, info, bytes);
template <class... Parameters, class... Arguments>
void TellObserver(Observer& observer, void (Observer::*what)(Parameters...),
                  const Arguments&... arguments) noexcept {
  try {
    (observer.*what)(arguments...);
  } catch (...) {
    // A call does not fail for being watched.
  }
}

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_TELL_OBSERVER_H_
