// A client in a coroutine: connects, stores a value, reads it back, prints it.
//
//   app [HOST:PORT]
//
// Without an argument it connects to 127.0.0.1:9527, where tools/run serves. It
// ends with 1 and a line on standard error if there is no server.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <iostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/status/status_codes.h"

namespace {

namespace asio = boost::asio;
using coffer::MakeHget;
using coffer::MakeHset;

// [client]
asio::awaitable<absl::Status> Run(asio::any_io_executor ex, std::string to) {
  const coffer::ConnectOptions options;
  auto client = co_await coffer::Connect(ex, to, options);
  if (!client.ok()) co_return client.status();
  auto stored = co_await client->Execute(MakeHset("users", "ada", 36));
  if (!stored.ok()) co_return stored.status();
  auto answer = co_await client->Execute(MakeHget("users", "ada"));
  if (!answer.ok()) co_return answer.status();
  for (const coffer::Value& value : answer->values())
    std::cout << "ada is " << value.integer() << "\n";
  co_return coffer::ToStatus(*answer);
}
// [/client]

}  // namespace

int main(int argc, char** argv) {
  asio::io_context io;
  auto run = Run(io.get_executor(), argc > 1 ? argv[1] : "127.0.0.1:9527");
  auto done = asio::co_spawn(io, std::move(run), asio::use_future);
  io.run();
  const absl::Status status = done.get();
  if (status.ok()) return 0;
  std::cerr << "app: " << status.message() << "\n";
  return 1;
}
