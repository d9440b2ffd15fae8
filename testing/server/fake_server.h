// FakeServer: the server, without sockets and threads: the real sessions and
// the real service over the engine in memory, and a say in what goes wrong.
//
//   VirtualTime time;
//   FakeServer fake(time.get_executor());
//   ClientStream<MemoryPipe> client(fake.Connect());
//   fake.FailNext(absl::UnavailableError("busy"));
//   ...                       // the code under test, on `client`
//   EXPECT_EQ(fake.Contents()["users"]["ada"].integer(), 5);
//
// Code that dials is given fake.dialer(); what wants a port, fake.Listen().
//
// What is to go wrong is said before the call comes: the next call, or the next
// one that a matcher likes, is refused, delayed, or loses its connection. Each
// is for one call, and the first that was said and fits is taken. One that no
// call came for is a test failure when the fake is destroyed, and names the
// line that said it.
//
// Threads: all on the executor, whose context is run by the test. Ownership:
// outlives no pointer that it was given; destroyed, it closes its connections.
// It is best destroyed before the context: its sessions read for ever, and what
// waits when the context goes is a failure, but for pipes whose options say
// otherwise.

#ifndef COFFER_TESTING_SERVER_FAKE_SERVER_H_
#define COFFER_TESTING_SERVER_FAKE_SERVER_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/server/limits.h"
#include "coffer/server/stream_connection.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/server/fake_server_state.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"

namespace coffer_testing {

struct FakeServerOptions {
  // Without time-outs, which need the clock: set those that a test is about.
  coffer::server::ServerLimits limits = FakeServerLimits();
  // For time-outs and delays, and when keys expire; outlives the fake. Null:
  // none of the former, and keys expire by the system's.
  coffer::Clock* clock = nullptr;
  // Of Connect and the dialer.
  MemoryPipeOptions pipe = {};
  // As a server with a durable engine: what is kept over a Restart with
  // kKeepStored is also which writes it has executed, as it tells its peers.
  bool durable = false;
};

class FakeServer {
 public:
  using Where = std::source_location;
  using CallMatcher = ::testing::Matcher<const coffer::v1::CommandRequest&>;
  using Tables =
      std::map<std::string, std::map<std::string, coffer::v1::Value>>;

  // One call that has arrived. A Hello is none.
  using Call = internal::FakeCall;

  explicit FakeServer(boost::asio::any_io_executor executor,
                      FakeServerOptions options = {});
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer();

  // A new connection: the client's end. While it refuses, one that is closed.
  MemoryPipe Connect(Where where = Where::current());

  // Serves on the server's end of any stream: FaultStream, TLS, a socket.
  template <class AsyncStream>
  void Serve(AsyncStream stream) {
    state_->Start(std::move(stream));
  }

  // Each Dial is a Connect, on the executor it is given, which has to be one of
  // the fake's context. Lives as long as the fake.
  coffer::Dialer& dialer();
  // What the dialer makes of a new connection, in place of an AnyStream of the
  // pipe: a FaultStream around it, for example.
  void WrapDialed(std::function<coffer::AnyStream(MemoryPipe)> wrap);

  // The next Dial takes so much longer.
  void DelayDial(coffer::Clock::Duration delay, Where where = Where::current());
  // Dials wait, until they are cancelled or this is taken back.
  void StallDials(bool stall);

  // Listens on a free port of 127.0.0.1, for real, and gives it.
  uint16_t Listen();

  // The call is not executed; `status` is its answer.
  void FailNext(absl::Status status, CallMatcher matcher = ::testing::_,
                Where where = Where::current());
  // Its answer comes so much later, and with it those of the calls that
  // arrived together with it, or after it on its connection on the same key;
  // calls without an id wait for all before them. One that does not
  // get as far as the storage, as it is not valid, is not delayed.
  void DelayNext(coffer::Clock::Duration delay,
                 CallMatcher matcher = ::testing::_,
                 Where where = Where::current());
  // Its connection ends: before it is executed, and with it those that arrived
  // behind it; or when it was executed and not yet answered.
  void DropRequest(CallMatcher matcher = ::testing::_,
                   Where where = Where::current());
  void DropAnswer(CallMatcher matcher = ::testing::_,
                  Where where = Where::current());

  // All connections end, now, without a further answer, in the order of their
  // start.
  void DropConnections();
  // All connections end as those of a server that is told to stop: what has
  // arrived is answered, subscriptions are ended. New ones are served.
  void DrainConnections();
  // New connections are refused, or no longer. Those there are go on.
  void Refuse(bool refuse);
  // As a process that is killed and started anew: connections end. kKeep: it
  // is only they that do; kKeepStored: the data is kept, as by a durable
  // engine, and what a server remembers beside it is lost: topics, and, unless
  // the fake is `durable`, which writes it has executed (its epoch is another
  // one then); kLose: all is lost.
  enum class Data { kKeep, kKeepStored, kLose };
  void Restart(Data data);

  // What is stored, by table and key.
  Tables Contents() const;
  // All calls so far, in the order in which they arrived.
  const std::vector<Call>& Calls() const { return state_->calls(); }
  size_t connections() const { return state_->connections(); }

 private:
  const std::shared_ptr<internal::FakeServerState> state_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SERVER_FAKE_SERVER_H_
