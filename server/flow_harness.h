// FlowHarness: a client and a real connection of the server, over a pipe whose
// two ends can fail, on virtual time: for tests that send whole flows (TLS
// handshake, hello, execute, process, close, drain) through every fault.
//
//   FlowHarness flow(FlowTransport::kTls, client_faults, server_faults);
//   flow.Start();
//   EXPECT_TRUE(flow.Result().ok());
//   flow.CheckAfterwards();
//
// Single-threaded; nothing sleeps.

#ifndef COFFER_SERVER_FLOW_HARNESS_H_
#define COFFER_SERVER_FLOW_HARNESS_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/server/connection.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/time/virtual_time.h"

namespace coffer::server {

enum class FlowTransport { kPlain, kTls };
// In all of which a fault can be.
enum class FlowSide { kClient, kServer };

// For the client's part of a flow; the server's limits are its defaults.
inline constexpr std::chrono::seconds kFlowTimeout(20);

std::shared_ptr<coffer_testing::FaultInjector> Faults(
    coffer_testing::FaultPlan plan);
std::shared_ptr<coffer_testing::FaultInjector> NoFaults();

// An error of the transport or of time: not of the program, and no answer that
// was somebody else's. A server whose input ends in a frame says so.
bool TellsOfTheConnection(const absl::Status& status);

// A pipe for many small operations in the place of a few: 16 bytes each, or 200
// where TLS has kilobytes to shake hands.
coffer_testing::MemoryPipeOptions NarrowPipe(FlowTransport transport);

class FlowHarness {
 public:
  using Client = ClientStream<AnyStream>;
  using Injector = std::shared_ptr<coffer_testing::FaultInjector>;
  using Steps = std::function<boost::asio::awaitable<absl::Status>()>;

  FlowHarness(FlowTransport transport, Injector client_faults,
              Injector server_faults,
              coffer_testing::MemoryPipeOptions pipe = {});
  // With the faults on one side.
  FlowHarness(FlowTransport transport, FlowSide faulty, Injector faults,
              coffer_testing::MemoryPipeOptions pipe = {});
  FlowHarness(const FlowHarness&) = delete;
  FlowHarness& operator=(const FlowHarness&) = delete;
  // Whatever a test made of it, nothing is left waiting.
  ~FlowHarness();

  coffer_testing::VirtualTime& time() { return time_; }
  MemoryStorage& storage() { return storage_; }
  Topics& topics() { return service_.state().topics; }
  ConnectionSet& connections() { return connections_; }
  Client& client() { return *client_; }
  bool has_client() const { return client_.has_value(); }
  // The end of the client's sending has begun.
  bool closing() const { return closing_; }

  // The whole of a client's flow: handshake, hello, writes and reads, close.
  void Start(boost::asio::cancellation_slot slot = {});
  // Any other one, in the place of that.
  void Spawn(Steps steps, boost::asio::cancellation_slot slot = {});

  // Runs until the flow is over: what it came to.
  absl::Status Result();

  void DropClient();
  // The client goes; the server is done with it in time, nothing is left
  // pending, and what was answered is stored.
  void CheckAfterwards();

  // The steps of a client, for flows of tests.
  boost::asio::awaitable<absl::Status> Greet();
  boost::asio::awaitable<absl::Status> GreetAsOlderPeer();
  boost::asio::awaitable<absl::Status> Write(std::string key,
                                             std::string value);
  // An answer to another request would have another value, or none.
  boost::asio::awaitable<absl::Status> Read(std::string key, std::string value);
  boost::asio::awaitable<absl::Status> Converse();

 private:
  class Transport;

  coffer_testing::VirtualTime time_;
  MemoryStorage storage_;
  Service service_{&storage_};
  const ServerLimits limits_;
  ConnectionSet connections_;
  int closed_ = 0;
  bool closing_ = false;
  std::unique_ptr<Transport> transport_;  // until the client has it
  std::optional<Client> client_;
  std::optional<absl::Status> status_;
  std::map<std::string, std::string> written_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_FLOW_HARNESS_H_
