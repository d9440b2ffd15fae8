#include "coffer/server/flow_harness.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_handshake.h"
#include "coffer/sdk/stream/tls/tls_stream_traits.h"
#include "coffer/server/stream_connection.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using coffer_testing::FaultInjector;
using coffer_testing::FaultPlan;
using Faulty = coffer_testing::FaultStream<coffer_testing::MemoryPipe>;

absl::Status CheckAnswer(const absl::StatusOr<v1::CommandResponse>& answer) {
  if (!answer.ok()) return answer.status();
  return answer->status() == 200 ? absl::OkStatus() : ToStatus(*answer);
}

}  // namespace

std::shared_ptr<FaultInjector> Faults(FaultPlan plan) {
  return std::make_shared<FaultInjector>(std::move(plan));
}

std::shared_ptr<FaultInjector> NoFaults() { return Faults(FaultPlan()); }

bool TellsOfTheConnection(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) {
    return absl::StrContains(status.message(), "input ends after");
  }
  return absl::IsUnavailable(status) || absl::IsDataLoss(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

coffer_testing::MemoryPipeOptions NarrowPipe(FlowTransport transport) {
  return {.capacity = transport == FlowTransport::kTls ? size_t{200} : 16};
}

// The client's end before it is a ClientStream: what shakes hands. One of them
// is there.
class FlowHarness::Transport {
 public:
  explicit Transport(Faulty end) : plain_(std::move(end)) {}
  Transport(Faulty end, asio::ssl::context& context) {
    tls_.emplace(std::move(end), context);
  }

  awaitable<absl::Status> Handshake(Clock& clock) {
    if (!tls_) co_return absl::OkStatus();
    TlsHandshakeOptions options;
    options.server_name = "localhost";
    options.timeout = {};
    co_return co_await AsyncTlsHandshake(*tls_, options, clock,
                                         asio::use_awaitable);
  }

  AnyStream Take() {
    return tls_ ? AnyStream(*std::move(tls_)) : AnyStream(*std::move(plain_));
  }

  void Close() {
    if (tls_) StreamTraits<TlsStream<Faulty>>::Close(*tls_);
    if (plain_) StreamTraits<Faulty>::Close(*plain_);
  }

 private:
  std::optional<Faulty> plain_;
  std::optional<TlsStream<Faulty>> tls_;
};

FlowHarness::FlowHarness(FlowTransport transport, Injector client_faults,
                         Injector server_faults,
                         coffer_testing::MemoryPipeOptions pipe) {
  service_.state().changes.Attach(&storage_);
  auto [near, far] = coffer_testing::MakeMemoryPipe(time_.get_executor(), pipe);
  Faulty client_end(std::move(near), std::move(client_faults));
  Faulty server_end(std::move(far), std::move(server_faults));
  const ConnectionContext context = {
      .service = &service_,
      .limits = &limits_,
      .clock = &time_.clock(),
      .connections = &connections_,
      .on_closed = [this] { ++closed_; },
  };
  if (transport == FlowTransport::kPlain) {
    transport_ = std::make_unique<Transport>(std::move(client_end));
    StartConnectionOn(std::move(server_end), "flow", context);
    return;
  }
  static const auto* const server_context =
      new auto(MakeTlsServerContext(coffer_testing::TestTlsServerOptions()));
  static const auto* const client_context =
      new auto(MakeTlsClientContext(coffer_testing::TestTlsClientOptions()));
  transport_ =
      std::make_unique<Transport>(std::move(client_end), ***client_context);
  StartConnectionOn(TlsStream<Faulty>(std::move(server_end), ***server_context),
                    "flow", context);
}

FlowHarness::FlowHarness(FlowTransport transport, FlowSide faulty,
                         Injector faults,
                         coffer_testing::MemoryPipeOptions pipe)
    : FlowHarness(transport, faulty == FlowSide::kClient ? faults : NoFaults(),
                  faulty == FlowSide::kServer ? faults : NoFaults(), pipe) {}

FlowHarness::~FlowHarness() {
  for (const auto& connection : ConnectionSet(connections_)) {
    connection->Abort();
  }
  if (client_) client_->framed().next_layer().close();
  if (transport_ != nullptr) transport_->Close();
  time_.RunReady();
  DropClient();
  time_.RunReady();
}

void FlowHarness::Start(asio::cancellation_slot slot) {
  Spawn([this] { return Converse(); }, slot);
}

void FlowHarness::Spawn(Steps steps, asio::cancellation_slot slot) {
  status_.reset();
  coffer::internal::Spawn<absl::Status>(
      time_.get_executor(),
      [this, steps = std::move(steps)] {
        return coffer::internal::WithinTimeout(&time_.clock(), kFlowTimeout,
                                               "the flow", steps());
      },
      asio::bind_cancellation_slot(slot, [this](absl::Status status) {
        EXPECT_FALSE(status_) << "completed twice";
        status_ = std::move(status);
      }));
}

absl::Status FlowHarness::Result() {
  if (!time_.RunUntil([this] { return status_.has_value(); },
                      10 * kFlowTimeout)) {
    return absl::InternalError("the flow hangs");
  }
  return *status_;
}

void FlowHarness::DropClient() {
  client_.reset();
  transport_.reset();
}

void FlowHarness::CheckAfterwards() {
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

awaitable<absl::Status> FlowHarness::Greet() {
  absl::Status status = co_await GreetAsOlderPeer();
  if (!status.ok()) co_return status;
  co_return co_await client_->Hello();
}

awaitable<absl::Status> FlowHarness::GreetAsOlderPeer() {
  absl::Status status = co_await transport_->Handshake(time_.clock());
  if (!status.ok()) co_return status;
  client_.emplace(transport_->Take());
  transport_.reset();
  co_return absl::OkStatus();
}

awaitable<absl::Status> FlowHarness::Write(std::string key, std::string value) {
  auto answer = co_await client_->Execute(MakeHset("t", key, value));
  absl::Status status = CheckAnswer(answer);
  if (status.ok()) written_[key] = value;
  co_return status;
}

awaitable<absl::Status> FlowHarness::Read(std::string key, std::string value) {
  auto answer = co_await client_->Execute(MakeHget("t", key));
  absl::Status status = CheckAnswer(answer);
  if (!status.ok()) co_return status;
  if (answer->values_size() != 1 || answer->values(0).string() != value) {
    co_return absl::InternalError(
        absl::StrCat("wrong answer: ", answer->ShortDebugString()));
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> FlowHarness::Converse() {
  absl::Status status = co_await Greet();
  if (status.ok()) status = co_await Write("a", "1");
  if (status.ok()) status = co_await Write("b", std::string(3000, 'b'));
  if (status.ok()) status = co_await Read("a", "1");
  if (status.ok()) status = co_await Read("b", std::string(3000, 'b'));
  if (!status.ok()) co_return status;
  closing_ = true;
  co_return co_await client_->Close();
}

}  // namespace coffer::server
