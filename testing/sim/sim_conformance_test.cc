// The ends of a simulated connection keep the contract of streams.

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "coffer/testing/manual_clock.h"
#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/stream_conformance.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;

// The suite runs the context alone, so everything arrives at once.
SimNetworkOptions NoLatency() {
  SimNetworkOptions options;
  options.latency_min = options.latency_mean = {};
  return options;
}

struct World {
  explicit World(asio::io_context& io) : time(io, clock) {}

  ManualClock clock;
  VirtualTime time;
  SimNetwork net{time, 1, NoLatency()};
};

// Has the network go when both ends have.
struct HeldSocket : SimSocket {
  HeldSocket(SimSocket socket, std::shared_ptr<World> keep)
      : SimSocket(std::move(socket)), world(std::move(keep)) {}

  std::shared_ptr<World> world;
};

struct SimTraits {
  using Stream = HeldSocket;
  static constexpr bool kIsLayer = false;
  static constexpr size_t kBulkBytes = 300000;
  static constexpr bool kReportsOverlap = true;
  static constexpr bool kInMemory = true;
  static constexpr TransferMode kTransfer = TransferMode::kLate;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    const auto world = std::make_shared<World>(io);
    std::optional<SimSocket> client, server;
    world->net.Listen("s", 1,
                      [&](SimSocket socket) { server = std::move(socket); });
    world->net.AsyncConnect("c", "s:1", [&](absl::StatusOr<SimSocket> socket) {
      client = *std::move(socket);
    });
    EXPECT_TRUE(world->time.RunUntil([&] { return client.has_value(); }));
    return {HeldSocket(*std::move(client), world),
            HeldSocket(*std::move(server), world)};
  }
  static void Close(Stream& stream) { stream.close(); }
  static void Reset(Stream& stream) { stream.reset(); }
  static void Cancel(Stream& stream) { stream.cancel(); }
  static void ShutdownSend(Stream& stream) { stream.shutdown_send(); }
  static bool IsEnd(boost::system::error_code error) {
    return error == asio::error::eof;
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sim, StreamConformance, SimTraits);

}  // namespace
}  // namespace coffer_testing
