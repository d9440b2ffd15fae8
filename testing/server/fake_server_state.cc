#include "coffer/testing/server/fake_server_state.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>
#include <utility>

#include "coffer/sdk/internal/spawn.h"
#include "coffer/server/service/retry/durable_retries.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/model_storage.h"
#include "gtest/gtest.h"

namespace coffer_testing {

coffer::server::ServerLimits FakeServerLimits() {
  coffer::server::ServerLimits limits;
  limits.idle_timeout = {};
  limits.stall_timeout = {};
  limits.handshake_timeout = {};
  limits.linger_timeout = {};
  return limits;
}

namespace internal {

namespace asio = boost::asio;
using asio::ip::tcp;
using coffer::server::Batch;
using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;

FakeServerState::FakeServerState(asio::any_io_executor executor,
                                 coffer::server::ServerLimits limits,
                                 coffer::Clock* clock, MemoryPipeOptions pipe,
                                 bool durable)
    : executor_(std::move(executor)),
      limits_(limits),
      clock_(clock),
      pipe_(pipe),
      durable_(durable) {
  storage_.state = this;
  LoseData();
  Forget();
}

void FakeServerState::SetUp(const std::shared_ptr<Session>& session) {
  // The session owns the service, which owns these.
  Session* const own = session.get();
  own->service.OnReceived([this, own](const CommandRequest& request) {
    // What an earlier run was delayed by, of which nothing came to the storage.
    if (own->unanswered.empty()) storage_.delay = {};
    own->unanswered.push_back(calls_.size());
    calls_.push_back({own->number, request, std::nullopt});
  });
  own->service.SetAdmission([this, own](const CommandRequest& request) {
    return Admit(*own, request);
  });
  own->service.OnExecuted([this, own](const CommandResponse& response) {
    // Answers come in any order; those without an id, in that of their calls.
    const auto answered = std::find_if(
        own->unanswered.begin(), own->unanswered.end(), [&](size_t call) {
          return calls_[call].request.request_id() == response.request_id();
        });
    const size_t call = *answered;
    own->unanswered.erase(answered);
    if (call >= own->drop_from) return;
    calls_[call].status = response.status();
    if (call != own->drop_after) return;
    if (const auto connection = own->connection.lock()) connection->Abort();
  });
}

absl::Status FakeServerState::Admit(Session& session,
                                    const CommandRequest& call) {
  const absl::Status dropped =
      absl::UnavailableError("dropped by the fake server");
  if (session.drop_from != SIZE_MAX) return dropped;
  for (auto rule = rules_.begin(); rule != rules_.end(); ++rule) {
    if (!rule->matcher.Matches(call)) continue;
    const FakeRule taken = std::move(*rule);
    rules_.erase(rule);
    switch (taken.what) {
      case FakeRule::What::kFail:
        return taken.status;
      case FakeRule::What::kDelay:
        storage_.delay = std::max(storage_.delay, taken.delay);
        return absl::OkStatus();
      case FakeRule::What::kDropRequest:
        session.drop_from = session.unanswered.back();
        if (const auto connection = session.connection.lock()) {
          connection->Abort();
        }
        return dropped;
      case FakeRule::What::kDropAnswer:
        session.drop_after = session.unanswered.back();
        return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

bool FakeServerState::DelayingStorage::Submit(Batch& batch, Done done) {
  for (const coffer::server::Op& op : batch.ops()) {
    tables.insert(std::string(op.table));
    if (op.kind == coffer::server::OpKind::kRenameTable) {
      tables.insert(std::string(op.value));
    }
  }
  // It does so inside Submit.
  const bool finished = engine->Submit(batch, [] {});
  EXPECT_TRUE(finished);
  const coffer::Clock::Duration later = std::exchange(delay, {});
  if (later <= coffer::Clock::Duration::zero()) return true;
  std::shared_ptr<coffer::Timer> timer =
      state->clock_->MakeTimer(state->executor_);
  coffer::Timer& wait = *timer;
  auto wake = [timer = std::move(timer), keep = state->shared_from_this(),
               done = std::move(done)](boost::system::error_code) mutable {
    done();
  };
  wait.WaitUntil(state->clock_->Now() + later, std::move(wake));
  return false;
}

MemoryPipe FakeServerState::Connect(asio::any_io_executor executor,
                                    std::source_location where) {
  auto ends = MakeMemoryPipe(std::move(executor), executor_, pipe_, where);
  // Refused, the server's end is closed as it goes.
  if (!refuse_) Start(std::move(ends.second));
  return std::move(ends.first);
}

void FakeServerState::Dial(asio::any_io_executor executor,
                           coffer::Clock::Duration, DialHandler handler) {
  coffer::internal::Spawn<absl::StatusOr<coffer::AnyStream>>(
      executor,
      [self = shared_from_this(), executor] {
        return self->DialInTime(executor);
      },
      std::move(handler));
}

asio::awaitable<absl::StatusOr<coffer::AnyStream>> FakeServerState::DialInTime(
    asio::any_io_executor executor) {
  constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
  const absl::Status cancelled =
      absl::CancelledError("connecting to the fake server");
  const auto delay = std::exchange(dial_delay_, {});
  if (delay > coffer::Clock::Duration::zero()) {
    const auto timer = clock_->MakeTimer(executor);
    const auto [error] =
        co_await timer->AsyncWaitUntil(clock_->Now() + delay, kTuple);
    if (error) co_return cancelled;
  }
  if (stall_dials_) {
    const auto stall = std::make_shared<coffer::internal::Waiter>(executor);
    stalled_dials_.push_back(stall);
    auto initiation = [stall](auto handler) { stall->Arm(std::move(handler)); };
    const auto [error] =
        co_await asio::async_initiate<decltype(kTuple),
                                      void(boost::system::error_code)>(
            initiation, kTuple);
    std::erase(stalled_dials_, stall);
    if (error) co_return cancelled;
  }
  if (refuse_) {
    co_return absl::UnavailableError(
        "connecting to the fake server: it refuses");
  }
  MemoryPipe pipe = Connect(executor, std::source_location::current());
  if (wrap_) co_return wrap_(std::move(pipe));
  co_return coffer::AnyStream(std::move(pipe));
}

void FakeServerState::StallDials(bool stall) {
  stall_dials_ = stall;
  if (stall) return;
  // A copy: those that go on take themselves out.
  const auto stalled = stalled_dials_;
  for (const auto& dial : stalled) dial->Post({});
}

uint16_t FakeServerState::Listen() {
  if (!acceptor_) {
    acceptor_.emplace(executor_,
                      tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    Accept();
  }
  return acceptor_->local_endpoint().port();
}

void FakeServerState::Accept() {
  acceptor_->async_accept(
      [weak = weak_from_this()](boost::system::error_code error,
                                tcp::socket socket) {
        const auto self = weak.lock();
        if (self == nullptr || !self->acceptor_ ||
            error == asio::error::operation_aborted) {
          return;
        }
        // A peer that is gone again is none.
        if (error && error != asio::error::connection_aborted) {
          ADD_FAILURE() << "FakeServer: cannot accept: " << error.message();
          return;
        }
        if (!error && !self->refuse_) self->Start(std::move(socket));
        self->Accept();
      });
}

void FakeServerState::DropConnections() {
  // A copy: those that end take themselves out.
  const auto in_order = std::exchange(in_order_, {});
  for (const auto& one : in_order) {
    if (const auto connection = one.lock()) connection->Abort();
  }
}

void FakeServerState::DrainConnections() {
  const auto in_order = in_order_;
  for (const auto& one : in_order) {
    if (const auto connection = one.lock()) connection->Drain();
  }
}

void FakeServerState::LoseData() {
  const coffer::Clock* const clock =
      clock_ == nullptr ? &coffer::Clock::System() : clock_;
  if (durable_) {
    storage_.Replace(std::make_unique<ModelStorage>(
        std::make_shared<ModelStorage::Data>(), clock));
  } else {
    storage_.Replace(std::make_unique<coffer::server::MemoryStorage>(clock));
  }
}

void FakeServerState::Forget() {
  // Sessions of before may still write, and tell the new state.
  volatile_ = std::make_shared<coffer::server::VolatileState>(
      ++epochs_, coffer::server::RetryLimits(), coffer::server::TopicLimits(),
      coffer::server::TopicLimits(),
      clock_ == nullptr ? &coffer::Clock::System() : clock_);
  volatile_->changes.Attach(&storage_);
  EXPECT_TRUE(coffer::server::RestoreRetries(storage_.engine.get(),
                                             &volatile_->retries, epochs_)
                  .ok());
}

void FakeServerState::Stop() {
  acceptor_.reset();
  wrap_ = nullptr;
  refuse_ = true;
  StallDials(false);
  DropConnections();
  // Of a context that is gone they would never end, and hold this.
  connections_.clear();
  for (const FakeRule& rule : rules_) {
    ADD_FAILURE_AT(rule.where.file_name(), static_cast<int>(rule.where.line()))
        << "FakeServer: what was said here was for a call that never came";
  }
}

}  // namespace internal
}  // namespace coffer_testing
