#include "coffer/testing/server/fake_server_state.h"

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

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
                                 coffer::Clock* clock, MemoryPipeOptions pipe)
    : executor_(std::move(executor)),
      limits_(limits),
      clock_(clock),
      pipe_(pipe) {
  storage_.state = this;
}

void FakeServerState::SetUp(const std::shared_ptr<Session>& session) {
  // The session owns the service, which owns these.
  Session* const own = session.get();
  own->service.OnReceived([this, own](const CommandRequest& request) {
    own->unanswered.push_back(calls_.size());
    calls_.push_back({own->number, request, std::nullopt});
  });
  own->service.SetAdmission([this, own](const CommandRequest& request) {
    return Admit(*own, request);
  });
  own->service.OnExecuted([this, own](const CommandResponse& response) {
    const size_t call = own->unanswered.front();
    own->unanswered.erase(own->unanswered.begin());
    calls_[call].status = response.status();
    if (call != own->drop_after) return;
    if (const auto connection = own->connection.lock()) connection->Abort();
  });
}

absl::Status FakeServerState::Admit(Session& session,
                                    const CommandRequest& call) {
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
        if (const auto connection = session.connection.lock()) {
          connection->Abort();
        }
        return absl::UnavailableError("dropped by the fake server");
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

MemoryPipe FakeServerState::Connect(std::source_location where) {
  auto ends = MakeMemoryPipe(executor_, pipe_, where);
  // Refused, the server's end is closed as it goes.
  if (!refuse_) Start(std::move(ends.second));
  return std::move(ends.first);
}

void FakeServerState::Dial(asio::any_io_executor executor,
                           DialHandler handler) {
  absl::StatusOr<coffer::AnyStream> result =
      absl::UnavailableError("connecting to the fake server: it refuses");
  if (!refuse_) {
    MemoryPipe pipe = Connect(std::source_location::current());
    result =
        wrap_ ? wrap_(std::move(pipe)) : coffer::AnyStream(std::move(pipe));
  }
  auto complete = [handler = std::move(handler), result = std::move(result),
                   executor]() mutable {
    const auto on = asio::get_associated_executor(handler, executor);
    asio::dispatch(on, [handler = std::move(handler),
                        result = std::move(result)]() mutable {
      std::move(handler)(std::move(result));
    });
  };
  asio::post(executor, std::move(complete));
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
        if (error || self == nullptr || !self->acceptor_) return;
        if (!self->refuse_) self->Start(std::move(socket));
        self->Accept();
      });
}

void FakeServerState::DropConnections() {
  // A copy: those that end take themselves out.
  for (const auto& connection : coffer::server::ConnectionSet(connections_)) {
    connection->Abort();
  }
}

void FakeServerState::LoseData() {
  storage_.engine = std::make_unique<coffer::server::MemoryStorage>();
  storage_.tables.clear();
}

void FakeServerState::Stop() {
  acceptor_.reset();
  wrap_ = nullptr;
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
