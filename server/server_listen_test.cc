// What a server listens on.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/server/server.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/storage/memory_storage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ::testing::HasSubstr;

class ServerListenTest : public ::testing::Test {
 protected:
  static ServerOptions On(std::string host, std::uint16_t port) {
    ServerOptions options;
    options.listen = {{std::move(host), port}};
    return options;
  }

  MemoryStorage storage_;
  Service service_{&storage_};
  asio::io_context io_;
};

TEST_F(ServerListenTest, SecondServerOnThePortIsRefusedWithTheReason) {
  auto first = Server::Start(On("127.0.0.1", 0), &service_);
  ASSERT_TRUE(first.ok()) << first.status();
  const Endpoint taken = (*first)->endpoints()[0];
  auto second = Server::Start(On(taken.host, taken.port), &service_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(),
            absl::StrCat("cannot listen on ", ToString(taken),
                         ": Address already in use"));
}

// Of a host with several addresses (here: no name, all of the machine), all.
TEST_F(ServerListenTest, ListensOnEveryAddressOfAHostOnOnePort) {
  error_code no_v6;
  {
    tcp::acceptor probe(io_);
    probe.open(tcp::v6(), no_v6);
    if (!no_v6) probe.bind({asio::ip::address_v6::any(), 0}, no_v6);
  }
  ServerOptions options = On("", 0);
  options.threads = 2;
  auto server = Server::Start(std::move(options), &service_);
  ASSERT_TRUE(server.ok()) << server.status();
  std::set<std::string> hosts;
  for (const Endpoint& endpoint : (*server)->endpoints()) {
    hosts.insert(endpoint.host);
    EXPECT_NE(endpoint.port, 0);
    EXPECT_EQ(endpoint.port, (*server)->endpoints()[0].port);
    tcp::socket socket(io_);
    asio::ip::address loopback = asio::ip::address_v4::loopback();
    if (endpoint.host == "::") loopback = asio::ip::address_v6::loopback();
    socket.connect({loopback, endpoint.port});
    asio::write(socket, asio::buffer(Frame(MakeHget("t", "k"))));
    char byte;
    EXPECT_EQ(asio::read(socket, asio::buffer(&byte, 1)), 1u);
  }
  EXPECT_EQ(hosts, no_v6 ? std::set<std::string>({"0.0.0.0"})
                         : std::set<std::string>({"0.0.0.0", "::"}));
}

TEST_F(ServerListenTest, EndpointsAreAddresses) {
  auto server = Server::Start(On("localhost", 0), &service_);
  ASSERT_TRUE(server.ok()) << server.status();
  for (const Endpoint& endpoint : (*server)->endpoints()) {
    error_code error;
    EXPECT_TRUE(asio::ip::make_address(endpoint.host, error).is_loopback());
    EXPECT_FALSE(error) << endpoint.host;
  }
  auto second =
      Server::Start(On("localhost", (*server)->endpoints()[0].port), &service_);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat(" (", (*server)->endpoints()[0].host,
                                     "): Address already in use")));
}

TEST_F(ServerListenTest, AddressOfAnotherMachineIsRefused) {
  for (const char* elsewhere : {"192.0.2.1", "2001:db8::1"}) {
    auto server = Server::Start(On(elsewhere, 0), &service_);
    EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(server.status().message()),
                HasSubstr(absl::StrCat("cannot listen on ",
                                       ToString({elsewhere, 0}), ": ")));
  }
}

}  // namespace
}  // namespace coffer::server
