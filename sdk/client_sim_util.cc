#include "coffer/sdk/client_sim_util.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/retry_policy.h"

namespace coffer {

namespace asio = boost::asio;
using coffer_testing::SimSocket;
using std::chrono::seconds;

SimWorld::SimWorld(std::uint64_t seed, bool durable, const Adjust& adjust)
    : net_(time_, seed),
      fake_(time_.get_executor(),
            {.clock = &time_.clock(), .durable = durable}),
      nemesis_(time_, net_, {Host(0), Host(1), Host(2)}, "server",
               {.killed = [this] { ServerKilled(); },
                .restarted = [this] { Listen(); }}) {
  Listen();
  for (int i = 0; i < kClients; ++i) {
    ConnectionOptions options;
    options.clock = &time_.clock();
    options.seed = seed;
    options.client_id = absl::StrCat("client of 16 b", 10 + i);
    options.connect_timeout = seconds(1);
    options.ping_interval = seconds(1);
    options.retry = std::make_shared<UntilDeadline>();
    adjust(i, options);
    dialers_.push_back(net_.MakeDialer(Host(i), "server:1"));
    clients_.emplace_back(
        MakeConnection(time_.get_executor(), dialers_.back(), options));
  }
}

SimWorld::~SimWorld() = default;

std::string SimWorld::Host(int i) { return absl::StrCat("client", i); }

int SimWorld::retried() const {
  int retried = 0;
  for (const auto& call : fake_.Calls()) {
    if (call.request.attempt() > 0) ++retried;
  }
  return retried;
}

void SimWorld::Listen() {
  net_.Listen("server", 1,
              [this](SimSocket socket) { fake_.Serve(std::move(socket)); });
}

void SimWorld::Trouble() {
  while (running_ > 0 && nemesis_.steps() < 30) nemesis_.Step();
  nemesis_.Heal();
  EXPECT_TRUE(time_.RunUntil([this] { return running_ == 0; }));
}

void SimWorld::EndClients() {
  clients_.clear();
  time_.RunFor(seconds(5));
}

asio::awaitable<void> SimWorld::Pause(Clock::Duration duration) {
  const auto timer = time_.clock().MakeTimer(time_.get_executor());
  co_await timer->AsyncWaitUntil(time_.Now() + duration,
                                 asio::as_tuple(asio::use_awaitable));
}

}  // namespace coffer
