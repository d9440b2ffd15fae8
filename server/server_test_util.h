// ServerFixture: a server over real sockets, on a port that the system chooses
// and a clock of the test's own, and clients of it.

#ifndef COFFER_SERVER_SERVER_TEST_UTIL_H_
#define COFFER_SERVER_SERVER_TEST_UTIL_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/sdk/connect.h"
#include "coffer/server/log.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {

class ServerFixture : public ::testing::Test {
 protected:
  void Start(ServerOptions options = {}, Service* service = nullptr) {
    options.listen = {{"127.0.0.1", 0}};
    options.clock = &clock_;
    auto server = Server::Start(std::move(options),
                                service == nullptr ? &service_ : service);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string target() const { return ToString(server_->endpoints()[0]); }

  boost::asio::ip::tcp::socket RawSocket() {
    boost::asio::ip::tcp::socket socket(io_);
    socket.connect({boost::asio::ip::address_v4::loopback(),
                    server_->endpoints()[0].port});
    return socket;
  }

  static std::string NotFound() {
    v1::CommandResponse response;
    response.set_status(404);
    response.set_message("Not found: table t, key k");
    return Frame(response);
  }

  // Runs a coroutine to its end and gives its result.
  template <class Result>
  Result Await(boost::asio::awaitable<Result> coroutine) {
    std::optional<Result> result;
    boost::asio::co_spawn(io_, std::move(coroutine),
                          [&](std::exception_ptr thrown, Result value) {
                            EXPECT_FALSE(thrown);
                            result = std::move(value);
                          });
    io_.restart();
    while (!result.has_value() && io_.run_one() > 0) {
    }
    EXPECT_TRUE(result.has_value()) << "it stands still";
    return *std::move(result);
  }

  TcpClient Client(ConnectOptions options = ConnectOptions()) {
    auto client = Await(internal::ConnectTcp(target(), std::move(options)));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  template <class AnyClient>
  v1::CommandResponse Call(AnyClient& client, v1::CommandRequest request) {
    auto answer = Await<absl::StatusOr<v1::CommandResponse>>(
        client.Execute(std::move(request)));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *std::move(answer) : v1::CommandResponse();
  }

  void CaptureLog() {
    StartLogging(LogLevel::kInfo,
                 [this](const std::string& line) { log_ += line; });
  }

  // Ends the server and what it logs.
  const std::string& Log() {
    server_.reset();
    StopLogging();
    return log_;
  }

  ~ServerFixture() override { Log(); }

  std::string log_;
  coffer_testing::ManualClock clock_;
  MemoryStorage storage_;
  Service service_{&storage_};
  boost::asio::io_context io_;
  std::unique_ptr<Server> server_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVER_TEST_UTIL_H_
