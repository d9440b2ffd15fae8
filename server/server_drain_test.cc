// What a server that is told to stop does with what is in flight, over real
// sockets.

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/connect.h"
#include "coffer/server/server_test_util.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ::testing::HasSubstr;

class ServerTest : public ServerFixture {
 protected:
  // Ends with the drain, of which every second is made to pass.
  void DrainAsTimePasses() {
    std::promise<void> drained;
    auto future = drained.get_future();
    server_->Drain([&] { drained.set_value(); });
    while (future.wait_for(std::chrono::seconds(0)) !=
           std::future_status::ready) {
      clock_.AdvanceBy(std::chrono::seconds(1));
    }
  }
};

TEST_F(ServerTest, DrainAnswersWhatHasArrivedAndRefusesTheNext) {
  Start();
  TcpClient client = Client();
  EXPECT_EQ(Call(client, MakeHset("t", "k", 1)).status(), 200u);
  std::promise<void> drained;
  server_->Drain([&] { drained.set_value(); });
  drained.get_future().wait();
  EXPECT_EQ(server_->connections(), 0u);
  auto late = Await<absl::StatusOr<v1::CommandResponse>>(
      client.Execute(MakeHget("t", "k")));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable);
  auto refused = Await(internal::ConnectTcp(target(), ConnectOptions()));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("Connection refused"));
}

// The peer reads slowly and goes on sending: closed with that unread, the
// connection would be reset, and the answers that the peer has not taken be
// lost.
TEST_F(ServerTest, DrainCutsNoAnswerOfAPeerThatIsStillSending) {
  constexpr int kAnswers = 40;
  Start();
  TcpClient setter = Client();
  ASSERT_EQ(Call(setter, MakeHset("t", "k", std::string(100000, 'x'))).status(),
            200u);
  tcp::socket socket(io_);
  socket.open(tcp::v4());
  socket.set_option(asio::socket_base::receive_buffer_size(4096));
  socket.connect(
      {asio::ip::address_v4::loopback(), server_->endpoints()[0].port});
  std::string requests;
  for (int i = 0; i < kAnswers; ++i) requests += Frame(MakeHget("t", "k"));
  asio::write(socket, asio::buffer(requests));
  std::string received(1, '\0');
  asio::read(socket, asio::buffer(received));  // it is being answered
  std::promise<void> drained;
  server_->Drain([&] { drained.set_value(); });
  // The beginning of a large request, of which more would come.
  const std::string large =
      Frame(MakeHset("t", "large", std::string(1 << 20, 'y')));
  asio::write(socket, asio::buffer(large.data(), 60000));
  error_code end;
  while (!end) {
    char room[3000];
    received.append(room, socket.read_some(asio::buffer(room), end));
  }
  EXPECT_EQ(end, asio::error::eof) << end.message();
  const auto answers = Answers(received);
  EXPECT_EQ(answers.size(), static_cast<std::size_t>(kAnswers));
  socket.close();
  drained.get_future().wait();
}

// What is in flight when the server is told to stop is answered.
TEST_F(ServerTest, DrainAnswersWhatTheStorageIsStillAtWorkOn) {
  coffer_testing::DeferredStorage storage(std::make_unique<MemoryStorage>());
  Service service(&storage);
  storage.Hold();
  Start({}, &service);
  tcp::socket socket = RawSocket();
  asio::write(socket, asio::buffer(Frame(MakeHget("t", "k"))));
  while (storage.waiting() == 0) std::this_thread::yield();
  std::promise<void> drained;
  server_->Drain([&] { drained.set_value(); });
  storage.Release();
  std::string answer(NotFound().size(), '\0');
  asio::read(socket, asio::buffer(answer));
  EXPECT_EQ(answer, NotFound());
  drained.get_future().wait();
  EXPECT_EQ(server_->connections(), 0u);
}

// A peer that never reads its answers holds the drain up until its time is
// over.
TEST_F(ServerTest, DrainIsBounded) {
  ServerOptions options;
  options.limits.idle_timeout = options.limits.stall_timeout =
      options.limits.linger_timeout = std::chrono::milliseconds(0);
  options.limits.drain_timeout = std::chrono::seconds(10);
  Start(std::move(options));
  TcpClient setter = Client();
  Call(setter, MakeHset("t", "k", std::string(8 << 20, 'x')));
  tcp::socket socket = RawSocket();
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += Frame(MakeHget("t", "k"));
  asio::write(socket, asio::buffer(bytes));
  char byte;
  asio::read(socket, asio::buffer(&byte, 1));  // it is being answered
  DrainAsTimePasses();
  // Cut off then, if not gone before the call.
  while (server_->connections() > 0) std::this_thread::yield();
}

TEST_F(ServerTest, DrainEndsAlthoughTheStorageDoesNotAnswer) {
  coffer_testing::DeferredStorage storage(std::make_unique<MemoryStorage>());
  Service service(&storage);
  storage.Hold();
  Start({}, &service);
  tcp::socket socket = RawSocket();
  asio::write(socket, asio::buffer(Frame(MakeHget("t", "k"))));
  while (storage.waiting() == 0) std::this_thread::yield();
  DrainAsTimePasses();
  EXPECT_EQ(server_->connections(), 1u) << "left behind";
  storage.Release();
  server_.reset();  // waits for the storage
  EXPECT_EQ(storage.waiting(), 0u);
}

TEST_F(ServerTest, DrainTwiceIsAFaultOfTheCaller) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Start();
  auto twice = [this] {
    server_->Drain([] {});
    server_->Drain([] {});
  };
  EXPECT_DEATH(twice(), "Drain is called once");
}

// The listener has a connection at hand when it is closed.
TEST_F(ServerTest, ConnectionAcceptedAfterTheDrainBeganIsClosed) {
  std::promise<void> first_came, go_on;
  std::atomic<int> accepted{0};
  ServerOptions options;
  options.on_accepted = [&](tcp::socket&) {
    if (++accepted > 1) return;
    first_came.set_value();
    go_on.get_future().wait();
  };
  Start(std::move(options));
  tcp::socket first = RawSocket();
  first_came.get_future().wait();
  tcp::socket second = RawSocket();  // in the backlog
  std::promise<void> drained;
  server_->Drain([&] { drained.set_value(); });
  go_on.set_value();
  drained.get_future().wait();
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace coffer::server
