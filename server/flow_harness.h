// FlowHarness: a client and a real connection of the server, over a pipe whose
// two ends can fail, on virtual time: for tests that send whole flows (TLS
// handshake, hello, execute, process, close, drain) through every fault.
//
//   FlowHarness<kPlain> flow(client_faults, server_faults);
//   flow.Start();
//   EXPECT_TRUE(flow.Over());
//   flow.CheckAfterwards();
//
// Single-threaded; nothing sleeps.

#ifndef COFFER_SERVER_FLOW_HARNESS_H_
#define COFFER_SERVER_FLOW_HARNESS_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_handshake.h"
#include "coffer/sdk/stream/tls/tls_stream_traits.h"
#include "coffer/server/connection.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/server/stream_connection.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/time/virtual_time.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer::server {

inline constexpr bool kPlain = false;
inline constexpr bool kTls = true;

// For the client's part of a flow; the server's limits are its defaults.
inline constexpr std::chrono::seconds kFlowTimeout(20);

inline std::shared_ptr<coffer_testing::FaultInjector> Faults(
    coffer_testing::FaultPlan plan) {
  return std::make_shared<coffer_testing::FaultInjector>(std::move(plan));
}
inline std::shared_ptr<coffer_testing::FaultInjector> NoFaults() {
  return Faults(coffer_testing::FaultPlan());
}

template <bool kOverTls>
class FlowHarness {
 public:
  using Faulty = coffer_testing::FaultStream<coffer_testing::MemoryPipe>;
  using Transport = std::conditional_t<kOverTls, TlsStream<Faulty>, Faulty>;
  using Client = ClientStream<Transport>;
  using Injector = std::shared_ptr<coffer_testing::FaultInjector>;

  FlowHarness(Injector client_faults, Injector server_faults,
              coffer_testing::MemoryPipeOptions pipe = {}) {
    auto [near, far] =
        coffer_testing::MakeMemoryPipe(time_.get_executor(), pipe);
    Faulty client_end(std::move(near), std::move(client_faults));
    Faulty server_end(std::move(far), std::move(server_faults));
    const ConnectionContext context = {
        .service = &service_,
        .limits = &limits_,
        .clock = &time_.clock(),
        .connections = &connections_,
        .on_closed = [this] { ++closed_; },
    };
    if constexpr (kOverTls) {
      static const auto* const server_context = new auto(
          MakeTlsServerContext(coffer_testing::TestTlsServerOptions()));
      static const auto* const client_context = new auto(
          MakeTlsClientContext(coffer_testing::TestTlsClientOptions()));
      transport_.emplace(std::move(client_end), ***client_context);
      StartConnectionOn(Transport(std::move(server_end), ***server_context),
                        "flow", context);
    } else {
      transport_.emplace(std::move(client_end));
      StartConnectionOn(std::move(server_end), "flow", context);
    }
  }

  FlowHarness(const FlowHarness&) = delete;
  FlowHarness& operator=(const FlowHarness&) = delete;

  // Whatever a test made of it, nothing is left waiting.
  ~FlowHarness() {
    for (const auto& connection : ConnectionSet(connections_)) {
      connection->Abort();
    }
    if (client_) StreamTraits<Transport>::Close(client_->framed().next_layer());
    if (transport_) StreamTraits<Transport>::Close(*transport_);
    time_.RunReady();
    client_.reset();
    transport_.reset();
    time_.RunReady();
  }

  coffer_testing::VirtualTime& time() { return time_; }
  MemoryStorage& storage() { return storage_; }
  Topics& topics() { return service_.state().topics; }
  ConnectionSet& connections() { return connections_; }
  Client& client() { return *client_; }
  bool has_client() const { return client_.has_value(); }
  // The end of the client's sending has begun.
  bool closing() const { return closing_; }

  // The whole of a client's flow: handshake, hello, writes and reads, close.
  void Start(boost::asio::cancellation_slot slot = {}) {
    Spawn([this] { return Converse(); }, slot);
  }

  // Any other one, in the place of that.
  template <class Coroutine>
  void Spawn(Coroutine coroutine, boost::asio::cancellation_slot slot = {}) {
    status_.reset();
    coffer::internal::Spawn<absl::Status>(
        time_.get_executor(),
        [this, coroutine = std::move(coroutine)] {
          return coffer::internal::WithinTimeout(&time_.clock(), kFlowTimeout,
                                                 "the flow", coroutine());
        },
        boost::asio::bind_cancellation_slot(slot, [this](absl::Status status) {
          EXPECT_FALSE(status_) << "completed twice";
          status_ = std::move(status);
        }));
  }

  // Runs until the flow is over: what it came to.
  absl::Status Result() {
    if (!time_.RunUntil([this] { return status_.has_value(); },
                        10 * kFlowTimeout)) {
      return absl::InternalError("the flow hangs");
    }
    return *status_;
  }

  void DropClient() {
    client_.reset();
    transport_.reset();
  }

  // The client goes; the server is done with it in time, nothing is left
  // pending, and what was answered is stored.
  void CheckAfterwards() {
    DropClient();
    EXPECT_TRUE(time_.RunUntil([this] { return connections_.empty(); },
                               2 * limits_.idle_timeout));
    EXPECT_EQ(closed_, 1);
    time_.RunReady();
    EXPECT_EQ(time_.Pending(), "Pending:\n  nothing\n");
    for (const auto& [key, value] : written_) {
      Batch batch;
      batch.Get("t", key);
      EXPECT_TRUE(storage_.Submit(batch, [] {}));
      ASSERT_TRUE(batch.ops()[0].found) << key << " was answered and is lost";
      EXPECT_EQ(std::string(batch.ops()[0].value_out.view()),
                ToValue(value).SerializeAsString())
          << key;
    }
  }

  // The steps of a client, for flows of tests.

  boost::asio::awaitable<absl::Status> Greet() {
    absl::Status status = co_await GreetAsOlderPeer();
    if (!status.ok()) co_return status;
    co_return co_await client_->Hello();
  }

  boost::asio::awaitable<absl::Status> GreetAsOlderPeer() {
    if constexpr (kOverTls) {
      TlsHandshakeOptions options;
      options.server_name = "localhost";
      options.timeout = {};
      absl::Status status = co_await AsyncTlsHandshake(
          *transport_, options, time_.clock(), boost::asio::use_awaitable);
      if (!status.ok()) co_return status;
    }
    client_.emplace(*std::move(transport_));
    transport_.reset();
    co_return absl::OkStatus();
  }

  boost::asio::awaitable<absl::Status> Write(std::string key,
                                             std::string value) {
    auto answer = co_await client_->Execute(MakeHset("t", key, value));
    absl::Status status = CheckAnswer(answer);
    if (status.ok()) written_[key] = value;
    co_return status;
  }

  // An answer to another request would have another value, or none.
  boost::asio::awaitable<absl::Status> Read(std::string key,
                                            std::string value) {
    auto answer = co_await client_->Execute(MakeHget("t", key));
    absl::Status status = CheckAnswer(answer);
    if (!status.ok()) co_return status;
    if (answer->values_size() != 1 || answer->values(0).string() != value) {
      co_return absl::InternalError(
          absl::StrCat("wrong answer: ", answer->ShortDebugString()));
    }
    co_return absl::OkStatus();
  }

  boost::asio::awaitable<absl::Status> Converse() {
    absl::Status status = co_await Greet();
    if (status.ok()) status = co_await Write("a", "1");
    if (status.ok()) status = co_await Write("b", std::string(3000, 'b'));
    if (status.ok()) status = co_await Read("a", "1");
    if (status.ok()) status = co_await Read("b", std::string(3000, 'b'));
    if (!status.ok()) co_return status;
    closing_ = true;
    co_return co_await client_->Close();
  }

 private:
  static absl::Status CheckAnswer(
      const absl::StatusOr<v1::CommandResponse>& answer) {
    if (!answer.ok()) return answer.status();
    return answer->status() == 200 ? absl::OkStatus() : ToStatus(*answer);
  }

  coffer_testing::VirtualTime time_;
  MemoryStorage storage_;
  Service service_{&storage_};
  const ServerLimits limits_;
  ConnectionSet connections_;
  int closed_ = 0;
  bool closing_ = false;
  std::optional<Transport> transport_;  // until the client has it
  std::optional<Client> client_;
  std::optional<absl::Status> status_;
  std::map<std::string, std::string> written_;
};

// Compiled once: each of them is a whole client and a whole server.
extern template class FlowHarness<kPlain>;
extern template class FlowHarness<kTls>;

}  // namespace coffer::server

#endif  // COFFER_SERVER_FLOW_HARNESS_H_
