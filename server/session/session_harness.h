// SessionHarness: a ServerStream over a memory pipe, for tests that speak to it
// in bytes. Single-threaded; nothing sleeps. Several with one VolatileState are
// connections of one server, each to be run by itself.

#ifndef COFFER_SERVER_SESSION_SESSION_HARNESS_H_
#define COFFER_SERVER_SESSION_SESSION_HARNESS_H_

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coffer/sdk/frame/frame_decoder.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/session/server_stream.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {

inline std::string Frame(const google::protobuf::MessageLite& message,
                         FrameEncoderOptions options = {}) {
  FrameEncoder encoder(options);
  std::string bytes;
  EXPECT_TRUE(encoder.Encode(message, &bytes).ok());
  return bytes;
}

inline std::vector<v1::CommandResponse> Answers(const std::string& bytes) {
  FrameDecoder decoder;
  std::vector<v1::CommandResponse> answers;
  std::size_t given = 0;
  while (given < bytes.size()) {
    const auto room = decoder.Prepare();
    const std::size_t n = std::min(room.size(), bytes.size() - given);
    std::copy_n(bytes.data() + given, n, room.data());
    decoder.Commit(n);
    given += n;
    absl::string_view payload;
    while (decoder.Next(&payload) == FrameDecoder::Step::kFrame) {
      EXPECT_TRUE(answers.emplace_back().ParseFromArray(payload.data(),
                                                        payload.size()));
    }
  }
  EXPECT_TRUE(decoder.at_boundary()) << "half an answer";
  return answers;
}

class SessionHarness {
 public:
  using Pipe = coffer_testing::MemoryPipe;

  explicit SessionHarness(ServerLimits limits = {},
                          coffer_testing::MemoryPipeOptions pipe = {},
                          Storage* storage = nullptr,
                          std::shared_ptr<VolatileState> state = nullptr)
      : service_(storage == nullptr ? &memory_ : storage, std::move(state)) {
    auto [client, server] =
        coffer_testing::MakeMemoryPipe(io_.get_executor(), pipe);
    client_.emplace(std::move(client));
    session_.emplace(std::move(server), &service_, limits);
  }

  ~SessionHarness() {
    client_.reset();
    Run();
    // An older subscriber: to it, this was a half-close.
    if (session_->progress().subscribed) session_->Drain();
    Run();
    EXPECT_TRUE(!started_ || status_.has_value()) << "the session hangs";
    session_.reset();
    Run();
  }

  boost::asio::io_context& io() { return io_; }
  Service& service() { return service_; }
  Topics& topics() { return service_.state().topics; }
  MemoryStorage& memory() { return memory_; }
  Pipe& client() { return *client_; }
  ServerStream<Pipe>& session() { return *session_; }

  // How Process ended, once it has.
  const std::optional<absl::Status>& status() const { return status_; }
  // All that the session has sent, and whether it ended sending.
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }

  // Starts the session; with `reading`, takes its answers as they come.
  void Start(bool reading = true) {
    started_ = true;
    session_->Process([this](absl::Status status) { status_ = status; });
    if (reading) Read();
  }

  // Sends `bytes` and runs until nothing moves.
  void Send(std::string bytes) {
    auto kept = std::make_shared<std::string>(std::move(bytes));
    boost::asio::async_write(*client_, boost::asio::buffer(*kept),
                             [kept](boost::system::error_code, std::size_t) {});
    Run();
  }

  // Ends sending and runs until nothing moves.
  void EndSending() {
    client_->shutdown_send();
    Run();
  }

  void Read() {
    client_->async_read_some(
        boost::asio::buffer(room_),
        [this](boost::system::error_code error, std::size_t bytes) {
          received_.append(room_, bytes);
          ended_ = error.failed();
          if (!error) Read();
        });
  }

  void Run() {
    io_.restart();
    io_.poll();
  }

  std::vector<v1::CommandResponse> answers() const {
    return Answers(received_);
  }

 private:
  boost::asio::io_context io_;
  MemoryStorage memory_;
  Service service_;
  std::optional<Pipe> client_;
  std::optional<ServerStream<Pipe>> session_;
  bool started_ = false;
  std::optional<absl::Status> status_;
  char room_[4096];
  std::string received_;
  bool ended_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SESSION_HARNESS_H_
