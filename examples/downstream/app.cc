// A client in a coroutine: sets a value, and reads it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/make_connection.h"

namespace {

namespace asio = boost::asio;

// [client]
asio::awaitable<absl::Status> Run(asio::any_io_executor ex, std::string to) {
  coffer::Client client(coffer::MakeConnection(ex, coffer::MakeTcpDialer(to)));
  absl::Status stored = co_await client.Set("users", "ada", 36);
  if (!stored.ok()) co_return stored;
  absl::StatusOr<int64_t> age = co_await client.Get<int64_t>("users", "ada");
  if (!age.ok()) co_return age.status();
  std::cout << "ada is " << *age << "\n";
  co_return co_await client.Close();
}
// [/client]

}  // namespace

int main(int argc, char** argv) {
  asio::io_context io(1);
  auto run = Run(io.get_executor(), argc > 1 ? argv[1] : "127.0.0.1:9527");
  auto done = asio::co_spawn(io, std::move(run), asio::use_future);
  io.run();
  const absl::Status status = done.get();
  if (status.ok()) return 0;
  std::cerr << "app: " << status.message() << "\n";
  return 1;
}
