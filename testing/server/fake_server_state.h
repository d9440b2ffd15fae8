// FakeServerState: what a FakeServer's connections share. It lives as long as
// any of them.

#ifndef COFFER_TESTING_SERVER_FAKE_SERVER_STATE_H_
#define COFFER_TESTING_SERVER_FAKE_SERVER_STATE_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/internal/waiter.h"
#include "coffer/server/connection.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/storage/storage.h"
#include "coffer/server/stream_connection.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"

namespace coffer_testing {

// The server's defaults, without its time-outs.
coffer::server::ServerLimits FakeServerLimits();

namespace internal {

struct FakeCall {
  int connection;  // 1, 2, ... in the order of their start
  coffer::v1::CommandRequest request;
  // Of its answer; none while it is not executed.
  std::optional<uint32_t> status;
};

// What is to happen to one call.
struct FakeRule {
  enum class What { kFail, kDelay, kDropRequest, kDropAnswer };

  What what;
  ::testing::Matcher<const coffer::v1::CommandRequest&> matcher;
  std::source_location where;
  absl::Status status = absl::OkStatus();
  coffer::Clock::Duration delay = {};
};

class FakeServerState : public std::enable_shared_from_this<FakeServerState>,
                        public coffer::Dialer {
 public:
  using Storage = coffer::server::Storage;

  FakeServerState(boost::asio::any_io_executor executor,
                  coffer::server::ServerLimits limits, coffer::Clock* clock,
                  MemoryPipeOptions pipe, bool durable);

  template <class AsyncStream>
  void Start(AsyncStream stream) {
    auto session = std::make_shared<Session>(&storage_, volatile_, clock_);
    session->number = ++started_;
    SetUp(session);
    coffer::server::ConnectionContext context = {
        .service = &session->service,
        .limits = &limits_,
        .clock = clock_ == nullptr ? &coffer::Clock::System() : clock_,
        .connections = &connections_,
        // Holds the state and the session until the connection is over.
        .on_closed = [self = shared_from_this(), session] {},
    };
    session->connection = coffer::server::StartConnectionOn(
        std::move(stream), absl::StrCat("fake peer ", session->number),
        std::move(context));
    std::erase_if(in_order_, [](const auto& one) { return one.expired(); });
    in_order_.push_back(session->connection);
  }

  // The client's end is on `executor`.
  MemoryPipe Connect(boost::asio::any_io_executor executor,
                     std::source_location where);
  uint16_t Listen();
  void Add(FakeRule rule) { rules_.push_back(std::move(rule)); }
  void DropConnections();
  void DrainConnections();
  void LoseData();
  // What is remembered beside the data.
  void Forget();

  // Of the dialer.
  std::string target() const override { return "the fake server"; }
  void Dial(boost::asio::any_io_executor executor,
            coffer::Clock::Duration timeout, DialHandler handler) override;

  // The fake is destroyed.
  void Stop();

  void set_refuse(bool refuse) { refuse_ = refuse; }
  void set_dial_delay(coffer::Clock::Duration delay) { dial_delay_ = delay; }
  void StallDials(bool stall);
  void set_wrap(std::function<coffer::AnyStream(MemoryPipe)> wrap) {
    wrap_ = std::move(wrap);
  }
  bool has_clock() const { return clock_ != nullptr; }
  const boost::asio::any_io_executor& executor() const { return executor_; }
  const std::vector<FakeCall>& calls() const { return calls_; }
  size_t connections() const { return connections_.size(); }
  const std::set<std::string>& tables() const { return storage_.tables; }
  Storage& storage() { return *storage_.engine; }

 private:
  // The engine, with what is delayed.
  struct DelayingStorage final : Storage {
    bool Submit(coffer::server::Batch& batch, Done done) override;
    coffer::server::Capabilities capabilities() const override {
      return engine->capabilities();
    }
    absl::string_view name() const override { return engine->name(); }
    coffer::server::StorageCounts counts() const override {
      return engine->counts();
    }
    void SetChangeSink(coffer::server::ChangeSink* new_sink) override {
      sink = new_sink;
      engine->SetChangeSink(sink);
    }
    bool Sweep() override { return engine->Sweep(); }
    coffer::server::Backups* backups() override { return engine->backups(); }
    absl::Status ForEachNote(NoteVisitor visit) override {
      return engine->ForEachNote(visit);
    }
    // The data of the one before is lost.
    void Replace(std::unique_ptr<Storage> new_engine) {
      engine = std::move(new_engine);
      engine->SetChangeSink(sink);
      tables.clear();
    }

    FakeServerState* state = nullptr;
    coffer::server::ChangeSink* sink = nullptr;
    std::unique_ptr<Storage> engine;
    coffer::Clock::Duration delay = {};  // of the next batch
    std::set<std::string> tables;        // ever named
  };

  // A connection's own service, which knows whose calls it gets.
  struct Session {
    Session(Storage* storage,
            std::shared_ptr<coffer::server::VolatileState> state,
            coffer::Clock* clock)
        : service(storage, std::move(state), Options(clock)) {}

    static coffer::server::ServiceOptions Options(coffer::Clock* clock) {
      coffer::server::ServiceOptions options;
      if (clock != nullptr) options.clock = clock;
      return options;
    }

    int number = 0;
    coffer::server::Service service;
    std::weak_ptr<coffer::server::Connection> connection;
    std::vector<size_t> unanswered;  // indices of calls
    size_t drop_after = SIZE_MAX;    // the call whose answer is dropped
    size_t drop_from = SIZE_MAX;     // the first call that is dropped
  };

  void SetUp(const std::shared_ptr<Session>& session);
  absl::Status Admit(Session& session, const coffer::v1::CommandRequest& call);
  void Accept();
  boost::asio::awaitable<absl::StatusOr<coffer::AnyStream>> DialInTime(
      boost::asio::any_io_executor executor);

  const boost::asio::any_io_executor executor_;
  const coffer::server::ServerLimits limits_;
  coffer::Clock* const clock_;
  const MemoryPipeOptions pipe_;
  const bool durable_;
  DelayingStorage storage_;
  // Of the connections that begin now: lost with the data. Its epochs are 1, 2,
  // and so on: the same in every run of a test.
  std::shared_ptr<coffer::server::VolatileState> volatile_;
  uint64_t epochs_ = 0;
  coffer::server::ConnectionSet connections_;
  // The same, in the order of their start.
  std::vector<std::weak_ptr<coffer::server::Connection>> in_order_;
  std::optional<boost::asio::ip::tcp::acceptor> acceptor_;
  std::function<coffer::AnyStream(MemoryPipe)> wrap_;
  std::vector<FakeRule> rules_;
  std::vector<FakeCall> calls_;
  int started_ = 0;
  bool refuse_ = false;
  coffer::Clock::Duration dial_delay_ = {};  // of the next dial
  bool stall_dials_ = false;
  std::vector<std::shared_ptr<coffer::internal::Waiter>> stalled_dials_;
};

}  // namespace internal
}  // namespace coffer_testing

#endif  // COFFER_TESTING_SERVER_FAKE_SERVER_STATE_H_
