// RunAtOnce: runs functions on threads of their own, all from when every thread
// is there, and waits for their end.

#ifndef COFFER_TESTING_STORAGE_RUN_AT_ONCE_H_
#define COFFER_TESTING_STORAGE_RUN_AT_ONCE_H_

#include <cstddef>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

namespace coffer_testing {

inline void RunAtOnce(const std::vector<std::function<void()>>& bodies) {
  std::latch start(static_cast<std::ptrdiff_t>(bodies.size()));
  std::vector<std::thread> threads;
  for (const auto& body : bodies) {
    threads.emplace_back([&start, &body] {
      start.arrive_and_wait();
      body();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_RUN_AT_ONCE_H_
