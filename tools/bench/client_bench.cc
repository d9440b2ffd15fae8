// What a call costs the client: the SDK's Client, with the options that a
// connection has by default (deadlines, retries), against a running server.
//
// usage: client_bench --server=HOST:PORT [flags of Google Benchmark]
//
// tools/bench/compare_clients starts what it needs and shows the result beside
// hiredis_bench's.

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/tools/bench/bench_run.h"

namespace coffer::bench {
namespace {

namespace asio = boost::asio;

absl::Status CheckValue(const absl::StatusOr<std::string>& value) {
  if (!value.ok()) return value.status();
  if (*value != kValue)
    return absl::DataLossError("not the value that was set");
  return absl::OkStatus();
}

class Calls {
 public:
  Calls(asio::io_context* io, Client client)
      : io_(*io), client_(std::move(client)) {}

  // Each completion starts the next call.
  template <bool kGet>
  std::string Callbacks(int64_t calls, int64_t in_flight) {
    Begin(calls);
    for (int64_t i = 0; i < std::min(calls, in_flight); ++i) StartCall<kGet>();
    return Finish();
  }

  // As many coroutines as calls in flight.
  template <bool kGet>
  std::string Coroutines(int64_t calls, int64_t in_flight) {
    Begin(calls);
    for (int64_t i = 0; i < std::min(calls, in_flight); ++i) {
      asio::co_spawn(io_, CallByCall<kGet>(), asio::detached);
    }
    return Finish();
  }

 private:
  void Begin(int64_t calls) {
    to_start_ = calls;
    to_end_ = calls;
    error_.clear();
  }

  std::string Finish() {
    while (to_end_ > 0 && error_.empty()) io_.run_one();
    return error_;
  }

  void End(const absl::Status& status) {
    --to_end_;
    if (!status.ok()) error_ = std::string(status.message());
  }

  template <bool kGet>
  void StartCall() {
    if (to_start_ == 0) return;
    --to_start_;
    if constexpr (kGet) {
      client_.Get<std::string>(
          kTable, kKey, [this](const absl::StatusOr<std::string>& value) {
            End(CheckValue(value));
            StartCall<kGet>();
          });
    } else {
      client_.Set(kTable, kKey, kValue, [this](const absl::Status& stored) {
        End(stored);
        StartCall<kGet>();
      });
    }
  }

  template <bool kGet>
  asio::awaitable<void> CallByCall() {
    while (to_start_ > 0) {
      --to_start_;
      if constexpr (kGet) {
        const auto value = co_await client_.Get<std::string>(kTable, kKey);
        End(CheckValue(value));
      } else {
        const absl::Status stored = co_await client_.Set(kTable, kKey, kValue);
        End(stored);
      }
    }
  }

  asio::io_context& io_;
  Client client_;
  int64_t to_start_ = 0;
  int64_t to_end_ = 0;
  std::string error_;
};

int Main(int argc, char** argv) {
  const std::string server = TakeFlag("server", &argc, argv);
  benchmark::Initialize(&argc, argv);
  if (server.empty() || benchmark::ReportUnrecognizedArguments(argc, argv)) {
    std::cerr << "usage: client_bench --server=HOST:PORT "
                 "[flags of Google Benchmark]\n";
    return 2;
  }
  asio::io_context io(1);
  Client client(MakeConnection(io.get_executor(), MakeTcpDialer(server)));
  Calls calls(&io, client);

  absl::Status ready = absl::UnknownError("");
  client.Set(kTable, kKey, kValue, [&](const absl::Status& stored) {
    ready = stored;
    io.stop();
  });
  io.run();
  if (!ready.ok()) {
    std::cerr << "client_bench: " << ready.message() << "\n";
    return 1;
  }
  io.restart();

  const auto add = [&](const char* name, auto run) {
    RegisterCalls(name, [&calls, run](int64_t count, int64_t in_flight) {
      return (calls.*run)(count, in_flight);
    });
  };
  add("get/callback", &Calls::Callbacks<true>);
  add("set/callback", &Calls::Callbacks<false>);
  add("get/coroutine", &Calls::Coroutines<true>);
  add("set/coroutine", &Calls::Coroutines<false>);
  return benchmark::RunSpecifiedBenchmarks() == 0 ? 1 : 0;
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) { return coffer::bench::Main(argc, argv); }
