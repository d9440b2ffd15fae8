// Loaded into a server (LD_PRELOAD), makes the disk look slower: fdatasync and
// fsync take COFFER_BENCH_SYNC_DELAY_US microseconds longer, and a little more
// for the timer.

#include <dlfcn.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "coffer/sdk/clock.h"

namespace {

using Sync = int (*)(int);

int DelayedSync(const char* name, int fd) {
  static const char* const delay = std::getenv("COFFER_BENCH_SYNC_DELAY_US");
  if (delay != nullptr) {
    coffer::Clock& clock = coffer::Clock::System();
    boost::asio::io_context io(1);
    const auto timer = clock.MakeTimer(io.get_executor());
    timer->WaitUntil(clock.Now() + std::chrono::microseconds(std::atoi(delay)),
                     [](boost::system::error_code) {});
    io.run();
  }
  const auto next = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, name));
  if (next == nullptr) std::abort();
  return next(fd);
}

}  // namespace

extern "C" int fdatasync(int fd) { return DelayedSync("fdatasync", fd); }
extern "C" int fsync(int fd) { return DelayedSync("fsync", fd); }
