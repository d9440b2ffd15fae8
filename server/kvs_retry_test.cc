// kvs --storage=rocksdb, killed and started again under a client that has calls
// in flight: what was executed and not answered is not executed again, and what
// was not is.

#include <signal.h>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/endpoint.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/stream_traits.h"
#include "coffer/tools/cli/child_process.h"
#include "gtest/gtest.h"

namespace coffer {
namespace server {

namespace asio = boost::asio;
using boost::system::error_code;
using coffer_testing::ChildProcess;

// What is to happen to the connection of the client.
struct Trouble {
  // Called for the next bytes that come, which are lost, and for the next that
  // have been sent. Then it is gone.
  std::function<void()> on_received;
  std::function<void()> on_sent;
};

// A stream whose connection breaks when there is trouble.
class TroubledStream {
 public:
  using executor_type = AnyStream::executor_type;
  using lowest_layer_type = AnyStream;

  TroubledStream(AnyStream inner, std::shared_ptr<Trouble> trouble)
      : inner_(std::move(inner)), trouble_(std::move(trouble)) {}

  executor_type get_executor() const { return inner_.get_executor(); }
  lowest_layer_type& lowest_layer() { return inner_; }
  const lowest_layer_type& lowest_layer() const { return inner_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, AnyStream::IoSignature>(
        [this](auto handler, const auto& list) {
          inner_.async_read_some(
              list, Troubled(std::move(handler), &Trouble::on_received));
        },
        token, buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, AnyStream::IoSignature>(
        [this](auto handler, const auto& list) {
          inner_.async_write_some(
              list, Troubled(std::move(handler), &Trouble::on_sent));
        },
        token, buffers);
  }

 private:
  template <class Handler>
  auto Troubled(Handler handler, std::function<void()> Trouble::*what) {
    const auto executor =
        asio::get_associated_executor(handler, inner_.get_executor());
    const auto slot = asio::get_associated_cancellation_slot(handler);
    auto troubled = [trouble = trouble_, what, handler = std::move(handler)](
                        error_code error, std::size_t bytes) mutable {
      const auto happens = std::exchange((*trouble).*what, nullptr);
      if (happens == nullptr || bytes == 0) {
        (*trouble).*what = happens;
        return std::move(handler)(error, bytes);
      }
      happens();
      std::move(handler)(asio::error::connection_reset, 0);
    };
    return asio::bind_executor(
        executor, asio::bind_cancellation_slot(slot, std::move(troubled)));
  }

  AnyStream inner_;
  std::shared_ptr<Trouble> trouble_;
};

}  // namespace server

template <>
struct StreamTraits<server::TroubledStream> {
  static void AsyncShutdownSend(server::TroubledStream& stream,
                                ShutdownHandler handler) {
    StreamTraits<AnyStream>::AsyncShutdownSend(stream.lowest_layer(),
                                               std::move(handler));
  }
  static void Close(server::TroubledStream& stream) {
    stream.lowest_layer().close();
  }
};

namespace server {
namespace {

// Dials wherever the server is at present.
class TroubledDialer final : public Dialer {
 public:
  TroubledDialer(std::function<std::string()> where,
                 std::shared_ptr<Trouble> trouble)
      : where_(std::move(where)), trouble_(std::move(trouble)) {}

  std::string target() const override { return where_(); }
  void Dial(asio::any_io_executor executor, Clock::Duration timeout,
            DialHandler handler) override {
    inner_ = MakeTcpDialer(where_());
    inner_->AsyncDial(
        executor, timeout,
        [inner = inner_, trouble = trouble_, handler = std::move(handler)](
            absl::StatusOr<AnyStream> dialed) mutable {
          if (!dialed.ok()) return std::move(handler)(std::move(dialed));
          std::move(handler)(
              AnyStream(TroubledStream(*std::move(dialed), trouble)));
        });
  }

 private:
  const std::function<std::string()> where_;
  const std::shared_ptr<Trouble> trouble_;
  std::shared_ptr<Dialer> inner_;
};

class KvsRetryTest : public ::testing::Test {
 protected:
  KvsRetryTest()
      : dir_(absl::StrCat(
            ::testing::TempDir(), "/",
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(dir_);
  }

  void Start() {
    kvs_ = std::make_unique<ChildProcess>(std::vector<std::string>{
        "server/kvs", "--listen=127.0.0.1:0", "--storage=rocksdb",
        "--sync=" + sync_, "--data_dir=" + dir_, "--log_level=error"});
    const std::string ready = kvs_->ReadLine();
    absl::string_view address = ready;
    ASSERT_TRUE(absl::ConsumePrefix(&address, "listening on ")) << ready;
    address_ = std::string(address);
  }

  void KillAndStart() {
    kvs_->Signal(SIGKILL);
    EXPECT_EQ(kvs_->Wait(), -1);
    Start();
  }

  Client MakeClient() {
    ConnectionOptions options;
    options.call_timeout = std::chrono::seconds(60);
    options.retry = std::make_shared<UntilDeadline>();
    return Client(MakeConnection(
        io_.get_executor(),
        std::make_shared<TroubledDialer>([this] { return address_; }, trouble_),
        std::move(options)));
  }

  // Runs `body` to its end.
  template <class Body>
  void Run(Body body) {
    io_.restart();
    asio::co_spawn(io_, body(), [](std::exception_ptr thrown) {
      EXPECT_EQ(thrown, nullptr);
    });
    io_.run();
  }

  static asio::awaitable<std::int64_t> Add(Client client) {
    auto answer = co_await client.Execute(MakeIncrement("t", "n", 1));
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) co_return -1;
    EXPECT_EQ(answer->status(), 200u) << answer->ShortDebugString();
    co_return answer->states_size() == 0 ? -1
                                         : answer->states(0).value().integer();
  }
  static asio::awaitable<std::int64_t> Sum(Client client) {
    auto sum = co_await client.Get<std::int64_t>("t", "n");
    EXPECT_TRUE(sum.ok()) << sum.status();
    co_return sum.ok() ? *sum : -1;
  }

  std::string sync_ = "always";
  const std::string dir_;
  std::string address_;
  std::unique_ptr<ChildProcess> kvs_;
  asio::io_context io_;
  const std::shared_ptr<Trouble> trouble_ = std::make_shared<Trouble>();
};

TEST_F(KvsRetryTest, WriteWhoseAnswerWasLostByAKillIsAppliedOnce) {
  for (const char* sync : {"always", "interval", "never"}) {
    sync_ = sync;
    std::filesystem::remove_all(dir_);
    Start();
    int kills = 0;
    Run([&]() -> asio::awaitable<void> {
      Client client = MakeClient();
      EXPECT_EQ(co_await Add(client), 1);
      // The answer has come as far as this process: it was executed.
      trouble_->on_received = [&] {
        ++kills;
        KillAndStart();
      };
      EXPECT_EQ(co_await Add(client), 2) << sync;
      EXPECT_EQ(co_await Sum(client), 2) << sync;
      EXPECT_EQ(co_await Add(client), 3);
      (co_await client.Close()).IgnoreError();
    });
    EXPECT_EQ(kills, 1);
  }
}

TEST_F(KvsRetryTest, WriteThatNeverArrivedIsAppliedByItsRetry) {
  Start();
  int kills = 0;
  Run([&]() -> asio::awaitable<void> {
    Client client = MakeClient();
    EXPECT_EQ(co_await Add(client), 1);
    // It reads nothing from now on.
    kvs_->Signal(SIGSTOP);
    trouble_->on_sent = [&] {
      ++kills;
      KillAndStart();
    };
    EXPECT_EQ(co_await Add(client), 2);
    EXPECT_EQ(co_await Sum(client), 2);
    (co_await client.Close()).IgnoreError();
  });
  EXPECT_EQ(kills, 1);
}

// The first that this client ever sent: it has no window yet.
TEST_F(KvsRetryTest, FirstWriteOfAClientThatNeverArrivedIsAppliedToo) {
  Start();
  Run([&]() -> asio::awaitable<void> {
    Client client = MakeClient();
    EXPECT_FALSE((co_await client.Get<std::int64_t>("t", "n")).ok());
    kvs_->Signal(SIGSTOP);
    trouble_->on_sent = [&] { KillAndStart(); };
    EXPECT_EQ(co_await Add(client), 1);
    (co_await client.Close()).IgnoreError();
  });
}

TEST_F(KvsRetryTest, PublishWhoseAnswerWasLostByAKillIsNotKnown) {
  Start();
  Run([&]() -> asio::awaitable<void> {
    Client client = MakeClient();
    EXPECT_TRUE((co_await client.Publish("news", 1)).ok());
    trouble_->on_received = [&] { KillAndStart(); };
    const absl::Status published = co_await client.Publish("news", 2);
    EXPECT_FALSE(published.ok());
    EXPECT_EQ(OutcomeOf(published), v1::UNKNOWN) << published;
    EXPECT_TRUE((co_await client.Publish("news", 3)).ok());
    (co_await client.Close()).IgnoreError();
  });
}

// Many in flight, killed again and again at whatever moment.
TEST_F(KvsRetryTest, EachIncrementIsAppliedOnceOverManyKills) {
  constexpr int kFlows = 8;
  constexpr int kEach = 40;
  constexpr int kKills = 6;
  Start();
  int kills = 0;
  int answered = 0;
  int running = kFlows;
  std::set<std::int64_t> sums;
  Run([&]() -> asio::awaitable<void> {
    Client client = MakeClient();
    auto flow = [&, client]() mutable -> asio::awaitable<void> {
      for (int i = 0; i < kEach; ++i) {
        const std::int64_t sum = co_await Add(client);
        EXPECT_TRUE(sums.insert(sum).second) << sum << " was given twice";
        if (++answered % (kFlows * kEach / (kKills + 1)) == 0) {
          auto kill = [&] {
            ++kills;
            KillAndStart();
          };
          // One time as answers come, the other as requests have gone.
          (kills % 2 == 0 ? trouble_->on_received : trouble_->on_sent) = kill;
        }
      }
      if (--running > 0) co_return;
      EXPECT_EQ(co_await Sum(client), kFlows * kEach);
      (co_await client.Close()).IgnoreError();
    };
    for (int i = 0; i < kFlows; ++i) {
      asio::co_spawn(io_, flow, [](std::exception_ptr thrown) {
        EXPECT_EQ(thrown, nullptr);
      });
    }
    co_return;
  });
  EXPECT_EQ(sums.size(), std::size_t{kFlows * kEach});
  EXPECT_GE(kills, 3);
}

}  // namespace
}  // namespace server
}  // namespace coffer
