// SessionHarness: a ServerStream over a memory pipe, for tests that speak to it
// in bytes. Single-threaded; nothing sleeps. Several with one VolatileState are
// connections of one server, each to be run by itself.

#ifndef COFFER_SERVER_SESSION_SESSION_HARNESS_H_
#define COFFER_SERVER_SESSION_SESSION_HARNESS_H_

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/session/watchdog.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

template <class AsyncStream>
class ServerStream;

std::string Frame(const google::protobuf::MessageLite& message,
                  FrameEncoderOptions options = {});

// Of all the frames in `bytes`.
std::vector<v1::CommandResponse> Answers(const std::string& bytes);

class SessionHarness {
 public:
  using Pipe = coffer_testing::MemoryPipe;

  explicit SessionHarness(ServerLimits limits = {},
                          coffer_testing::MemoryPipeOptions pipe = {},
                          Storage* storage = nullptr,
                          std::shared_ptr<VolatileState> state = nullptr);
  ~SessionHarness();

  boost::asio::io_context& io() { return io_; }
  Service& service() { return service_; }
  Topics& topics() { return service_.state().topics; }
  MemoryStorage& memory() { return memory_; }
  Pipe& client() { return *client_; }

  // Of the session.
  SessionProgress progress() const;
  std::size_t memory_bytes() const;
  void Drain();

  // How Process ended, once it has.
  const std::optional<absl::Status>& status() const { return status_; }
  // All that the session has sent, and whether it ended sending.
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }

  // Starts the session; with `reading`, takes its answers as they come.
  void Start(bool reading = true);
  // Sends `bytes` and runs until nothing moves.
  void Send(std::string bytes);
  // Ends sending and runs until nothing moves.
  void EndSending();
  void Read();
  void Run();

  std::vector<v1::CommandResponse> answers() const {
    return Answers(received_);
  }

 private:
  boost::asio::io_context io_;
  MemoryStorage memory_;
  Service service_;
  std::optional<Pipe> client_;
  // Compiled in one place, for each of these is a whole server.
  std::unique_ptr<ServerStream<Pipe>> session_;
  bool started_ = false;
  std::optional<absl::Status> status_;
  char room_[4096];
  std::string received_;
  bool ended_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SESSION_HARNESS_H_
