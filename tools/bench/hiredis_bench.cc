// What a call costs hiredis, asynchronous, on libevent: the same calls as
// client_bench's, against a running Redis.
//
// usage: hiredis_bench --server=HOST:PORT [flags of Google Benchmark]
//
// tools/bench/compare_clients starts what it needs.

#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "benchmark/benchmark.h"
#include "coffer/tools/bench/bench_run.h"

namespace coffer::bench {
namespace {

class Calls {
 public:
  Calls(event_base* base, redisAsyncContext* redis)
      : base_(base), redis_(redis) {}

  // Each reply starts the next call.
  std::string Get(int64_t calls, int64_t in_flight) {
    Start(calls, in_flight, /*get=*/true);
    return Finish();
  }
  std::string Set(int64_t calls, int64_t in_flight) {
    Start(calls, in_flight, /*get=*/false);
    return Finish();
  }

 private:
  void Start(int64_t calls, int64_t in_flight, bool get) {
    get_ = get;
    to_start_ = calls;
    to_end_ = calls;
    for (int64_t i = 0; i < std::min(calls, in_flight); ++i) StartCall();
  }

  std::string Finish() {
    while (to_end_ > 0 && error_.empty()) {
      if (event_base_loop(base_, EVLOOP_ONCE) != 0) error_ = "no connection";
    }
    return error_;
  }

  void StartCall() {
    if (to_start_ == 0) return;
    --to_start_;
    const char* get[] = {"HGET", kTable, kKey};
    const char* set[] = {"HSET", kTable, kKey, kValue.c_str()};
    const auto on_reply = [](redisAsyncContext*, void* reply, void* calls) {
      static_cast<Calls*>(calls)->OnReply(static_cast<redisReply*>(reply));
    };
    const int result =
        get_ ? redisAsyncCommandArgv(redis_, on_reply, this, 3, get, nullptr)
             : redisAsyncCommandArgv(redis_, on_reply, this, 4, set, nullptr);
    if (result != REDIS_OK) error_ = "not sent";
  }

  void OnReply(const redisReply* reply) {
    --to_end_;
    if (reply == nullptr) {
      error_ = "the connection was lost";
    } else if (reply->type == REDIS_REPLY_ERROR) {
      error_.assign(reply->str, reply->len);
    } else if (get_ && std::string(reply->str, reply->len) != kValue) {
      error_ = "not the value that was set";
    }
    StartCall();
  }

  event_base* base_;
  redisAsyncContext* redis_;
  bool get_ = false;
  int64_t to_start_ = 0;
  int64_t to_end_ = 0;
  std::string error_;
};

int Main(int argc, char** argv) {
  const std::string server = TakeFlag("server", &argc, argv);
  benchmark::Initialize(&argc, argv);
  const std::size_t colon = server.rfind(':');
  if (colon == std::string::npos ||
      benchmark::ReportUnrecognizedArguments(argc, argv)) {
    std::cerr << "usage: hiredis_bench --server=HOST:PORT "
                 "[flags of Google Benchmark]\n";
    return 2;
  }
  event_base* base = event_base_new();
  redisAsyncContext* redis =
      redisAsyncConnect(server.substr(0, colon).c_str(),
                        std::atoi(server.substr(colon + 1).c_str()));
  if (redis == nullptr || redis->err != 0) {
    std::cerr << "hiredis_bench: "
              << (redis == nullptr ? "out of memory" : redis->errstr) << "\n";
    return 1;
  }
  redisLibeventAttach(redis, base);
  Calls calls(base, redis);
  if (const std::string error = calls.Set(1, 1); !error.empty()) {
    std::cerr << "hiredis_bench: " << error << "\n";
    return 1;
  }
  RegisterCalls("get/callback", [&](int64_t count, int64_t in_flight) {
    return calls.Get(count, in_flight);
  });
  RegisterCalls("set/callback", [&](int64_t count, int64_t in_flight) {
    return calls.Set(count, in_flight);
  });
  const bool ran = benchmark::RunSpecifiedBenchmarks() != 0;
  redisAsyncFree(redis);
  event_base_free(base);
  return ran ? 0 : 1;
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) { return coffer::bench::Main(argc, argv); }
